import { randomBytes } from 'node:crypto';
import { encodeEvent, entryFact, type EventInput } from '@indelible/event';
import { SessionError } from '../error.ts';
import type { Acknowledgement } from '../log-port.ts';
import { MemoryBacklog, type Backlog } from './backlog.ts';
import type { CheckedOptions } from './delivery-options.ts';
import { lowerTime } from './clock-amendment.ts';
import type { Delivery, Recorded, RecordableEvent, RecordKind } from './delivery.ts';
import { LossReports } from './loss-reports.ts';
import { captureGap, causeOf, type Outage } from './outage.ts';
import { codeOf, isRefusal, sendBatch } from './send-batch.ts';
import { Spool } from './spool.ts';
import { withTimeLimit } from './time-limit.ts';

const MAX_BATCH = 1_024;
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 15_000;

interface Waiter {
  /** Only attempts after this one count: an earlier one may have begun before the log was back. */
  readonly after: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Directly while the log answers; while it does not, through a backlog that one loop delivers in order. */
export class LogDelivery implements Delivery {
  readonly #options: CheckedOptions;
  readonly #spool: Spool | undefined;
  readonly #memory = new MemoryBacklog();
  readonly #underWay = new Set<Promise<unknown>>();
  #outage: Outage | undefined;
  /** The gap of an outage that is over is on its way into the backlog. */
  #isEnding = false;
  #delivering: Promise<void> | undefined;
  #wake: (() => void) | undefined;
  #waiters: Waiter[] = [];
  #attempts = 0;
  /** Events on their way into the backlog. */
  #holding = 0;
  #batch = MAX_BATCH;
  #failures = 0;
  #closing: Promise<void> | undefined;
  #ended = false;
  /** Codes reported in this outage: each once, not with every attempt. */
  readonly #reported = new Set<string>();
  readonly #losses: LossReports;

  private constructor(options: CheckedOptions, spool: Spool | undefined) {
    this.#options = options;
    this.#spool = spool;
    this.#losses = new LossReports(options.report);
  }

  static async open(options: CheckedOptions): Promise<LogDelivery> {
    const spool = options.spool === undefined ? undefined : await Spool.open(options.spool, options.report);
    const delivery = new LogDelivery(options, spool);
    if (spool !== undefined) await delivery.#takeOver(spool);
    return delivery;
  }

  /** Goes on with what an earlier process left in the spool. */
  async #takeOver(spool: Spool): Promise<void> {
    const texts = await spool.peek(2);
    const [first] = texts;
    const isGap = first !== undefined && (JSON.parse(first) as EventInput).event === 'capture_gap';
    if (first !== undefined && !(isGap && texts.length === 1)) {
      this.#outage = spool.outage ?? this.#newOutage(Date.parse((JSON.parse(first) as { timestamp: string }).timestamp), 'restart');
    }
    const lost = spool.takeLost();
    // Nothing waits, and yet something is to be said: what an earlier process had acknowledged or lost.
    if (first === undefined && (spool.outage !== undefined || lost > 0)) this.#outage = spool.outage ?? this.#newOutage(this.#options.nowMs(), 'restart');
    if (this.#outage !== undefined) this.#outage.lost += lost;
    await spool.settle(0, this.#outage);
    if (this.#hasWork()) this.#deliver();
  }

  get pending(): number {
    return (this.#spool?.size ?? 0) + this.#memory.size;
  }

  record(event: RecordableEvent, kind: RecordKind): Promise<Recorded> {
    const work = this.#record(event, kind);
    this.#underWay.add(work);
    const done = (): void => void this.#underWay.delete(work);
    work.then(done, done);
    return work;
  }

  async #record(event: RecordableEvent, kind: RecordKind): Promise<Recorded> {
    if (this.#closing !== undefined) throw new SessionError('ERR_SESSION_DELIVERY_CLOSED', `${event.event} was not recorded: the delivery is closed`);
    const { source, strict } = this.#options;
    // The source too is part of what a retry must repeat: the log's own default may be another one after a restart.
    const sent: EventInput = { ...event, app: event.app ?? source.app, instance: event.instance ?? source.instance };
    const text = entryFact(encodeEvent(sent, { nowMs: this.#options.nowMs() }));
    const refuses = kind === 'refusable' && strict;
    // While events wait, those that may wait go behind them: the order stays, and nobody waits for the time limit again.
    if (!refuses && this.#outage !== undefined) return this.#hold(event, text, kind);
    const startMs = this.#options.nowMs();
    try {
      const { id, index } = await this.#append(sent);
      if (this.#outage !== undefined) this.#wake?.(); // the log is back: what waits need not wait for the next try
      return { id, index, delayed: false };
    } catch (error) {
      if (isRefusal(error)) throw error;
      if (refuses) throw notDurable(event, error);
      this.#begin(startMs, error);
      return this.#hold(event, text, kind);
    }
  }

  #append(event: EventInput): Promise<Acknowledgement> {
    return withTimeLimit(() => this.#options.log.append(event), this.#options.timeoutMs);
  }

  /** Keeps an event as well as can be: on the spool, else, unless it can be refused, in memory. */
  async #hold(event: RecordableEvent, text: string, kind: RecordKind): Promise<Recorded> {
    this.#holding++;
    try {
      await (this.#spool ?? this.#memory).add(text);
    } catch (error) {
      if (kind === 'refusable') throw notDurable(event, error);
      if (this.#spool === undefined) this.#lose(event, error);
      else await this.#memory.add(text).then(() => this.#reportOnce(error), (full: unknown) => this.#lose(event, full));
    } finally {
      this.#holding--;
      this.#deliver();
    }
    return { id: event.id, delayed: true };
  }

  #lose(event: RecordableEvent, cause: unknown): void {
    if (this.#outage !== undefined) this.#outage.lost++;
    this.#losses.add(event, cause);
  }

  #begin(fromMs: number, error: unknown): void {
    if (this.#outage !== undefined) return;
    this.#outage = this.#newOutage(fromMs, causeOf(error));
    this.#report(
      new SessionError('ERR_SESSION_DELAYED', `the log did not take an event (${this.#outage.cause}): events are kept and delivered when it does; a capture_gap will say so`, undefined, error),
    );
  }

  #newOutage(fromMs: number, cause: string): Outage {
    this.#reported.clear();
    return { fromMs, cause: cause.slice(0, 100), key: randomBytes(16).toString('hex'), delivered: 0, lost: 0, refused: 0 };
  }

  // ---- delivering

  /** What came first goes first: memory holds what found no room on the spool. */
  #front(): Backlog {
    return this.#spool !== undefined && this.#spool.size > 0 ? this.#spool : this.#memory;
  }

  #deliver(): void {
    this.#delivering ??= this.#run().finally(() => {
      this.#delivering = undefined;
      if (this.#hasWork()) this.#deliver();
    });
  }

  /** Something to deliver, or an outage to end: that is not before those who were on their way into the backlog are there. */
  #hasWork(): boolean {
    return !this.#ended && (this.pending > 0 || this.#isEnding || (this.#outage !== undefined && this.#holding === 0));
  }

  async #run(): Promise<void> {
    while (this.#hasWork()) {
      this.#attempts++;
      try {
        await this.#deliverBatch();
        this.#failures = 0;
        this.#batch = Math.min(MAX_BATCH, this.#batch * 2);
      } catch (error) {
        this.#failures++;
        this.#batch = Math.max(1, Math.floor(this.#batch / 2));
        this.#refuseWaiters(error);
        if (this.#waiters.length === 0) await this.#pause(Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(this.#failures - 1, 10)));
      }
    }
    if (this.pending === 0) for (const waiter of this.#waiters.splice(0)) waiter.resolve();
  }

  async #deliverBatch(): Promise<void> {
    const { log, timeoutMs, nowMs, source } = this.#options;
    const backlog = this.#front();
    const texts = await backlog.peek(this.#batch);
    const given = texts.map((text) => JSON.parse(text) as EventInput);
    const events = given.map((event) => lowerTime(event, Math.min(nowMs(), Date.now())));
    const lowered = new Set(events.filter((event, at) => event !== given[at]).map(({ id }) => id));
    const sent = await sendBatch(log, events, timeoutMs, lowered);
    const outage = this.#outage;
    const lost = backlog.takeLost();
    if (outage !== undefined) {
      for (let at = 0; at < sent.settled; at++) if (events[at]?.event !== 'capture_gap') outage.delivered++;
      outage.delivered -= sent.refused.length;
      outage.refused += sent.refused.length;
      outage.lost += lost;
    }
    if (sent.refused.length > 0) await this.#spool?.setAside(sent.refused.map(({ at }) => texts[at] ?? '')).catch((error: unknown) => this.#reportOnce(error));
    for (const { at, error } of sent.refused) this.#report(refusedForGood(events[at], error));
    if (outage !== undefined && this.#holding === 0 && this.pending === sent.settled && sent.failure === undefined) {
      // Before the last of the delayed events leaves the backlog, so that no crash can swallow it.
      this.#outage = undefined;
      const gap = entryFact(encodeEvent(captureGap(outage, nowMs(), source), { nowMs: nowMs() }));
      this.#isEnding = true;
      await (this.#spool ?? this.#memory).add(gap).catch(() => this.#memory.add(gap)).finally(() => {
        this.#isEnding = false;
      });
    }
    try {
      await backlog.settle(sent.settled, this.#outage);
    } catch (error) {
      this.#reportOnce(error); // what was delivered is on the record; a restart delivers it again, which repeats nothing
    }
    if (sent.failure !== undefined) throw sent.failure;
  }

  /** Waits, unless somebody is in a hurry. Keeps the process alive while events would end with it. */
  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      if (this.#memory.size === 0) timer.unref();
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #refuseWaiters(cause: unknown): void {
    const refused = this.#waiters.filter(({ after }) => after < this.#attempts);
    this.#waiters = this.#waiters.filter(({ after }) => after >= this.#attempts);
    if (refused.length === 0) return;
    const error = new SessionError('ERR_SESSION_NOT_DELIVERED', `${this.pending} events wait, the log does not take them (${causeOf(cause)})`, undefined, cause);
    for (const waiter of refused) waiter.reject(error);
  }

  async *waiting(): AsyncIterable<Uint8Array> {
    const utf8 = new TextEncoder();
    if (this.#spool !== undefined) for await (const text of this.#spool.waiting()) yield utf8.encode(text);
    for (const text of await this.#memory.peek(this.#memory.size)) yield utf8.encode(text);
  }

  drain(): Promise<void> {
    if (!this.#hasWork()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#waiters.push({ after: this.#attempts, resolve, reject });
      this.#deliver();
      this.#wake?.();
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await Promise.allSettled(this.#underWay);
    let failure: unknown;
    await this.drain().catch((error: unknown) => {
      failure = error;
    });
    this.#ended = true;
    this.#wake?.();
    await this.#delivering;
    this.#losses.close();
    const lost = this.#memory.size;
    if (lost > 0) {
      // What ends here with memory is counted by the gap that the next start records.
      if (this.#spool !== undefined) this.#outage ??= this.#newOutage(this.#options.nowMs(), causeOf(failure));
      if (this.#outage !== undefined) this.#outage.lost += lost;
    }
    if (lost > 0) this.#report(new SessionError('ERR_SESSION_EVENT_LOST', `${lost} events were kept in memory and are lost with it: the log did not take them before the end; give a spool`, undefined, failure));
    await this.#spool?.close(this.#outage).catch((error: unknown) => this.#report(error));
  }

  #report(error: unknown): void {
    this.#options.report(error);
  }

  #reportOnce(error: unknown): void {
    const code = codeOf(error) ?? 'unknown';
    if (this.#reported.has(code)) return;
    this.#reported.add(code);
    this.#report(error);
  }
}

function notDurable(event: RecordableEvent, cause: unknown): SessionError {
  return new SessionError('ERR_SESSION_NOT_DURABLE', `${event.event} could not be recorded (${causeOf(cause)}), so it must not happen: refuse it, and try again with a new event`, undefined, cause);
}

function refusedForGood(event: EventInput | undefined, cause: unknown): SessionError {
  return new SessionError('ERR_SESSION_REFUSED', `the log refuses the ${String(event?.event)} ${String(event?.id)} for good (${causeOf(cause)})`, undefined, cause);
}
