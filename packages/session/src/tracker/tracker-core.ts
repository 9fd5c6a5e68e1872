import { createId, EventError, factId, type EventName, sidHash } from '@indelible/event';
import { type Delivery, openDelivery, type Recorded, type RecordKind } from '../delivery/delivery.ts';
import { SessionError } from '../error.ts';
import type { PlacedEntry } from '../log-port.ts';
import { SidHasher } from '../sid-hasher.ts';
import { type Change, changeOf, readChange, type TrackedEvent } from './change.ts';
import { Follower } from './follower.ts';
import { originFields } from './origin-fields.ts';
import type { Fact } from './request-change.ts';
import { SessionState } from './session-state.ts';
import { type CheckedTrackerOptions, checkTrackerOptions, type TrackerOptions } from './tracker-options.ts';

/** What an event says besides its name, its time and its session. */
export type EventFields = Partial<Omit<TrackedEvent, 'event' | 'sessionId'>>;

/** A cause for which logins are refused is reported so often at most. */
const REPORT_EVERY_MS = 1000;
const CAUSES_KEPT = 100;

/** How many refused logins are waited for. */
const REFUSED_KEPT = 10_000;

/** Session ids whose hashes are at hand. */
const RECENT_SIDS = 4096;
const MAX_RECENT_LENGTH = 128;

/** What all parts of a tracker share: the state, and the one way into the log. */
export class TrackerCore {
  readonly options: CheckedTrackerOptions;
  readonly state: SessionState;
  readonly #hasher: SidHasher;
  // Whoever uses a session does so several times in a row, and a hash costs more than all the rest of looking at a request. In memory
  // only, where the framework keeps these ids as well; forgotten once as many others came, twice over.
  #hashes: Map<string, string> = new Map();
  #olderHashes: ReadonlyMap<string, string> = new Map();
  #delivery!: Delivery;
  #follower!: Follower;
  /** Ids of entries that this process applied when they were acknowledged and has not followed yet. */
  readonly #ahead = new Set<string>();
  readonly #underWay = new Set<Promise<unknown>>();
  /** Logins that were refused because their entry came to nothing; it may be on the record all the same. */
  readonly #refused = new Set<string>();
  /** When a refusal was reported last, by its cause. */
  readonly #refusals = new Map<string, number>();
  #highestMs = 0;
  #closed = false;

  private constructor(options: CheckedTrackerOptions) {
    this.options = options;
    this.#hasher = new SidHasher(options.sidKey);
    const { checkedPolicy, historyMs, locate } = options;
    this.state = new SessionState({ warnFrom: checkedPolicy.warnFrom, graceMs: checkedPolicy.extendEveryMs, historyMs, locate });
  }

  /** Rebuilds the state from the record, then follows it. */
  static async open(options: TrackerOptions): Promise<TrackerCore> {
    const core = new TrackerCore(checkTrackerOptions(options));
    const { log, sidKey, mode = 'strict', spool, sinkTimeoutMs, app, instance, report } = core.options;
    core.#delivery = await openDelivery({
      log,
      mode,
      ...(spool === undefined ? {} : { spool: { ...spool, key: spool.key ?? spoolKey(sidKey) } }),
      timeoutMs: sinkTimeoutMs,
      source: { app, instance },
      onError: report,
      nowMs: () => core.#latestMs(),
    });
    try {
      // What waits is known here before the record has it. Asked for first: what is delivered meanwhile is then found in one of both.
      const waiting = new Map<string, Change>();
      for await (const bytes of core.#delivery.waiting()) {
        const change = readChange(bytes);
        if (change !== undefined) waiting.set(change.id, change);
      }
      const { entries, next } = await log.openSessions();
      for await (const entry of entries) waiting.delete(core.#take(entry) ?? '');
      for (const change of waiting.values()) {
        core.#ahead.add(change.id);
        core.state.apply(change, Number.POSITIVE_INFINITY, true);
      }
      core.#follower = new Follower(log, next, (entry) => core.#take(entry), report);
    } catch (error) {
      await core.#delivery.close();
      throw error;
    }
    return core;
  }

  get pending(): number {
    return this.#delivery.pending;
  }

  get follower(): Follower {
    return this.#follower;
  }

  /** @throws SessionError `ERR_SESSION_TRACKER_CLOSED` */
  checkOpen(): void {
    if (this.#closed) throw new SessionError('ERR_SESSION_TRACKER_CLOSED', 'the tracker is closed: open it before the application listens, close it after');
  }

  /** The keyed hash of an id that a client sent; the empty text, which no session has, for what can be none. */
  hashOfClaim(rawSid: string): string {
    try {
      return this.hash(rawSid);
    } catch {
      return '';
    }
  }

  /** The keyed hash of the id of a session. @throws EventError for what can be none. */
  hash(rawSid: string): string {
    let known = this.#hashes.get(rawSid);
    if (known === undefined) {
      known = this.#olderHashes.get(rawSid) ?? this.#hasher.hash(rawSid);
      if (this.#hashes.size >= RECENT_SIDS) {
        this.#olderHashes = this.#hashes;
        this.#hashes = new Map();
      }
      if (rawSid.length <= MAX_RECENT_LENGTH) this.#hashes.set(rawSid, known);
    }
    return known;
  }

  nowMs(): number {
    return this.options.nowMs();
  }

  report(error: unknown): void {
    this.options.report(error);
  }

  /** The moment of something that happens to a session now: never before what the record says of it already. */
  momentMs(slot: number): number {
    const nowMs = this.nowMs();
    const lastMs = this.state.table.seenMs[slot]!;
    return lastMs > nowMs ? lastMs : nowMs;
  }

  /** An event of the session in a slot. */
  event(name: EventName, slot: number, fact: Fact, fields: EventFields = {}): TrackedEvent {
    const { table } = this.state;
    const timestamp = fields.timestamp ?? this.momentMs(slot);
    return {
      id: fields.id ?? createId(Math.max(0, Math.floor(timestamp))),
      event: name,
      userId: this.state.userId(slot),
      sessionId: table.sessionId(slot),
      sidHash: table.sidHash(slot),
      prev: table.lastEventId(slot),
      app: this.options.app,
      instance: this.options.instance,
      tenant: this.state.tenant(slot),
      ...originFields(fact),
      ...(fact.reason === undefined ? {} : { reason: fact.reason }),
      ...(fact.initiator === undefined ? {} : { initiator: fact.initiator }),
      ...(fact.details === undefined ? {} : { details: fact.details }),
      ...fields,
      timestamp,
    };
  }

  /** Records an event and takes it into account as soon as it is durable. */
  async record(event: TrackedEvent, kind: RecordKind): Promise<Recorded> {
    const { sent, recorded } = await this.#deliver(event, kind).catch((error: unknown) => {
      if (!isAboutContent(error) || (kind === 'refusable' && (event.details === undefined || codeOf(error) === 'ERR_EVENT_CLOCK_AHEAD'))) throw error;
      return this.#deliver(this.#amended(event, error), kind);
    });
    this.#acknowledged(sent, recorded.index);
    return recorded;
  }

  async #deliver(event: TrackedEvent, kind: RecordKind): Promise<{ readonly sent: TrackedEvent; readonly recorded: Recorded }> {
    return { sent: event, recorded: await this.#delivery.record(event, kind) };
  }

  /** What happened has happened: neither the caller's details nor a clock that jumped back may keep it off the record. */
  #amended(event: TrackedEvent, error: unknown): TrackedEvent {
    if (codeOf(error) === 'ERR_EVENT_CLOCK_AHEAD') {
      const timestamp = this.nowMs();
      return { ...event, timestamp, details: { ...event.details, clockBehindMs: event.timestamp - timestamp } };
    }
    if (event.details === undefined) throw error;
    this.report(error);
    return { ...event, details: { detailsRefused: error instanceof EventError ? error.message : 'details cannot be read' } };
  }

  /** The latest moment that the clock showed, wherever it is now: what was recorded then is not ahead of it. */
  #latestMs(): number {
    const nowMs = this.nowMs();
    if (nowMs > this.#highestMs) this.#highestMs = nowMs;
    return this.#highestMs;
  }

  /** Records what others may have found out too: the same id, once, whoever is first. */
  async recordFact(event: TrackedEvent): Promise<void> {
    try {
      await this.record(event, 'proceeds');
    } catch (error) {
      // Somebody knew a little more or less of the session than we: the fact is on the record.
      if (!isConflict(error)) throw error;
      this.state.apply(changeOf(event), Number.POSITIVE_INFINITY);
    }
  }

  /** Keeps work that nobody waits for: close waits for it, and what goes wrong is reported. */
  background(work: Promise<unknown>): void {
    const guarded = work.catch((error: unknown) => this.report(error)).finally(() => this.#underWay.delete(guarded));
    this.#underWay.add(guarded);
  }

  /** Waits for everything under way, then stops. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.settled();
    await this.#delivery.close();
    await this.#follower.close();
  }

  /** Waits until nothing waits to be delivered. */
  drain(): Promise<void> {
    return this.#delivery.drain();
  }

  /** Waits for everything that was started and that nobody waits for. */
  async settled(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  /**
   * The login was refused: where its entry is on the record all the same, or turns up there, its session ends at once.
   *
   * Where the log was only too slow, the entry is likely to turn up, perhaps when this process lives no more: the end is recorded
   * right away. It is about nothing where the login never lands.
   */
  refuse(login: TrackedEvent, error: unknown): void {
    this.#reportRefusal(error);
    if (isTooSlow(error)) {
      const { id, userId, sessionId, sidHash, app, instance, tenant, ip, userAgent, resource } = login;
      const timestamp = Math.max(login.timestamp, this.nowMs());
      const end: TrackedEvent = {
        id: factId(login.timestamp, 'revoked', id),
        timestamp,
        event: 'revoked',
        userId, sessionId, sidHash,
        prev: id,
        reason: 'login_refused',
        initiator: 'system',
        app, instance, tenant,
        ...originFields({ ip, userAgent, resource }),
      };
      // Before it is durable: whoever logged in was told no.
      this.state.apply(changeOf(end), Number.POSITIVE_INFINITY);
      this.background(this.record(end, 'proceeds'));
      return;
    }
    if (this.state.table.findSession(login.id) >= 0) this.#undo(changeOf(login));
    else this.#refused.add(login.id);
    if (this.#refused.size > REFUSED_KEPT) for (const oldest of this.#refused) return void this.#refused.delete(oldest);
  }

  /** Who is refused sees a 503 and no cause; whoever runs the application has to. */
  #reportRefusal(error: unknown): void {
    const { code, name, cause } = (error ?? {}) as { readonly code?: unknown; readonly name?: unknown; readonly cause?: { readonly code?: unknown; readonly name?: unknown } };
    const key = [code, name, cause?.code, cause?.name].map(String).join(' ');
    const nowMs = performance.now();
    const lastMs = this.#refusals.get(key);
    if (lastMs !== undefined && nowMs - lastMs < REPORT_EVERY_MS) return;
    if (this.#refusals.size >= CAUSES_KEPT) this.#refusals.clear();
    this.#refusals.set(key, nowMs);
    this.report(error);
  }

  #acknowledged(event: TrackedEvent, index: number | undefined): void {
    if (index !== undefined && index < this.#follower.next) return; // was read before the acknowledgement came
    this.#ahead.add(event.id);
    this.state.apply(changeOf(event), index ?? Number.POSITIVE_INFINITY, true);
  }

  /** Takes an entry of the record into account; says its id. */
  #take(entry: PlacedEntry): string | undefined {
    const change = readChange(entry.bytes);
    if (change === undefined) return undefined;
    if (!this.#ahead.delete(change.id)) this.state.apply(change, entry.index);
    else if (change.event === 'login' && change.sessionId !== undefined) this.state.settle(change.sessionId, entry.index);
    if (this.#refused.size > 0 && this.#refused.delete(change.id)) this.#undo(change);
    return change.id;
  }

  #undo(login: Change): void {
    const slot = login.sessionId === undefined ? -1 : this.state.openById(login.sessionId);
    if (slot < 0) return;
    const event = this.event('revoked', slot, { reason: 'login_refused', initiator: 'system' });
    this.background(this.record(event, 'proceeds'));
  }
}

function codeOf(error: unknown): unknown {
  return (error as { readonly code?: unknown } | null)?.code;
}

/** Whether an event cannot be written as it is. What a log fails with has a code; what has none was thrown by the details, which may be anything. */
function isAboutContent(error: unknown): boolean {
  return error instanceof EventError || codeOf(error) === undefined;
}

/** Whether the log did not say in time what became of an event. */
function isTooSlow(error: unknown): boolean {
  return (error as { readonly cause?: { readonly code?: unknown } } | null)?.cause?.code === 'ERR_SESSION_TIME_LIMIT';
}

/** Whether the log has an entry of this id that says something else. */
function isConflict(error: unknown): boolean {
  return codeOf(error) === 'ERR_LOG_ID_CONFLICT';
}

function spoolKey(sidKey: Uint8Array): Uint8Array {
  return new TextEncoder().encode(sidHash(sidKey, 'indelible spool key v1'));
}
