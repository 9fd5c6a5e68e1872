import { networkKey } from '../network-prefix.ts';
import { chooseDeadlines } from './deadlines.ts';
import type { Fact } from './request-change.ts';
import { OPEN, endMs } from './session-table.ts';
import type { TrackerCore } from './tracker-core.ts';

/** Why an extension is unexpected. */
export type Unexpected = 'after_absolute_deadline' | 'without_activity' | 'other_network';

const WORDS: Readonly<Record<Unexpected, string>> = {
  after_absolute_deadline: 'extended past the absolute deadline',
  without_activity: 'extended without activity',
  other_network: 'extended from another network than the login',
};

/** How far a framework's own deadline may be off from what it said before: it computes it several times a request. */
const TOLERANCE_MS = 1000;
/** Deadlines from here on are looked at more closely. */
const MAX_DATE_MS = 253_402_300_799_999;

/** How many extensions are handed to the log at once when the tracker closes. */
const FLUSH_BATCH = 2000;

/** Extensions: by wish at once, by use now and then. */
export class Extension {
  readonly #core: TrackerCore;
  /** Sessions that gained something by use that is not on the record. */
  readonly #gained = new Set<number>();
  readonly #underWay = new Map<number, Promise<void>>();
  /** Sessions whose use past the absolute deadline was recorded, and that deadline. */
  readonly #overdue = new Map<number, number>();

  constructor(core: TrackerCore) {
    this.#core = core;
  }

  /** When the session ends, with what it gained by use. */
  endMs(slot: number): number {
    const { table } = this.#core.state;
    const recordedMs = endMs(slot, table);
    const aliveMs = table.aliveMs[slot]!;
    if (!(aliveMs > table.idleMs[slot]!)) return recordedMs;
    const absoluteMs = table.absoluteMs[slot]!;
    return Number.isNaN(absoluteMs) ? aliveMs : Math.min(aliveMs, absoluteMs);
  }

  /** Whether the idle deadline, with what was gained by use, has passed. */
  isIdle(slot: number, nowMs: number): boolean {
    const { table } = this.#core.state;
    const [idleMs, aliveMs] = [table.idleMs[slot]!, table.aliveMs[slot]!];
    return (aliveMs > idleMs ? aliveMs : idleMs) <= nowMs;
  }

  /**
   * A session was used: the hot path. `beforeMs` is the idle deadline that the framework had before this use, where it says so;
   * it counts where the policy leaves the idle time to the framework.
   * Undefined where nothing is to be written.
   */
  used(slot: number, fact: Fact, beforeMs?: number): Promise<void> | undefined {
    const core = this.#core;
    const { table } = core.state;
    const nowMs = core.nowMs();
    const { checkedPolicy } = core.options;
    const knownMs = table.aliveMs[slot]! > table.idleMs[slot]! ? table.aliveMs[slot]! : table.idleMs[slot]!;
    const seenMs = table.seenMs[slot]!;
    if (nowMs > seenMs) table.seenMs[slot] = nowMs;
    const given = fact.idleDeadlineMs;
    // The usual cases without making an object of them.
    const idleMs =
      given === undefined
        ? checkedPolicy.idleMs === undefined
          ? undefined
          : nowMs + checkedPolicy.idleMs
        : given > nowMs && given < MAX_DATE_MS
          ? Math.floor(given)
          : chooseDeadlines({ idleDeadlineMs: given }, checkedPolicy, table.openedMs[slot]!, nowMs).idleMs;
    if (nowMs >= table.absoluteMs[slot]! && this.#overdue.get(slot) !== table.absoluteMs[slot]) {
      this.#overdue.set(slot, table.absoluteMs[slot]!);
      return this.#record(slot, idleMs, undefined, fact, []);
    }
    // Somebody gave it time while nobody used it; other processes' uses reach the record with a delay.
    const unseenMs = beforeMs === undefined || checkedPolicy.idleMs !== undefined ? 0 : beforeMs - knownMs;
    if (unseenMs > TOLERANCE_MS + core.state.graceMs(slot) && beforeMs! < MAX_DATE_MS) return this.#record(slot, idleMs ?? beforeMs, undefined, fact, ['without_activity']);
    if (idleMs === undefined) return undefined;
    if (idleMs > knownMs) table.aliveMs[slot] = idleMs;
    const aliveMs = table.aliveMs[slot]!;
    // Nothing, or not more than the start of this request gave it already.
    if (!(aliveMs > table.idleMs[slot]!)) return undefined;
    if (aliveMs - table.idleMs[slot]! < checkedPolicy.extendEveryMs || this.#underWay.has(slot)) {
      this.#gained.add(slot);
      return undefined;
    }
    return this.#record(slot, aliveMs, undefined, fact, []);
  }

  /**
   * A request of the session began: that is use, however long the request takes. `idleMs` is the idle deadline that the framework
   * gives it for that, where it says so; `beforeMs` the one that it had. Writes nothing: the end of the request does, or a sweep.
   */
  begun(slot: number, idleMs: number | undefined, beforeMs: number | undefined): void {
    const core = this.#core;
    const { table } = core.state;
    const policyMs = core.options.checkedPolicy.idleMs;
    const nowMs = core.nowMs();
    // Where the framework has a deadline and does not say what use makes of it, that is known at the end of the request.
    if (idleMs === undefined && (policyMs === undefined || beforeMs !== undefined)) return;
    const untilMs = Math.min(idleMs ?? Number.POSITIVE_INFINITY, policyMs === undefined ? Number.POSITIVE_INFINITY : nowMs + policyMs);
    const knownMs = table.aliveMs[slot]! > table.idleMs[slot]! ? table.aliveMs[slot]! : table.idleMs[slot]!;
    if (!(untilMs > knownMs) || untilMs >= MAX_DATE_MS) return;
    // Somebody else gave it time: the end of the request has to find that.
    if (policyMs === undefined && beforeMs !== undefined && beforeMs - knownMs > TOLERANCE_MS) return;
    if (nowMs > table.seenMs[slot]!) table.seenMs[slot] = nowMs;
    table.aliveMs[slot] = Math.floor(untilMs);
    this.#gained.add(slot);
  }

  /** A session was given more time by wish. */
  asked(slot: number, fact: Fact): Promise<void> {
    const core = this.#core;
    const { table } = core.state;
    const nowMs = core.nowMs();
    if (nowMs > table.seenMs[slot]!) table.seenMs[slot] = nowMs;
    const { idleMs, corrected } = chooseDeadlines(fact, core.options.checkedPolicy, table.openedMs[slot]!, nowMs);
    const absoluteMs = fact.absoluteDeadlineMs === undefined ? undefined : chooseDeadlines(fact, core.options.checkedPolicy, table.openedMs[slot]!, nowMs).absoluteMs;
    const details = corrected.length === 0 ? fact.details : { ...fact.details, deadlinesCorrected: corrected };
    return this.#record(slot, idleMs, absoluteMs, { ...fact, details }, []);
  }

  /** Records what a session gained by use; undefined where there is nothing, or it is on the record already. */
  recordGain(slot: number): Promise<void> | undefined {
    const { table } = this.#core.state;
    if (!this.#gained.delete(slot) || table.state[slot] !== OPEN) return undefined;
    const aliveMs = table.aliveMs[slot]!;
    if (!(aliveMs > table.idleMs[slot]!)) return undefined;
    return this.#record(slot, aliveMs, undefined, {}, [], table.seenMs[slot]!);
  }

  /** Records all that sessions gained by use. */
  async flush(): Promise<void> {
    const slots = [...this.#gained];
    for (let from = 0; from < slots.length; from += FLUSH_BATCH) {
      const gains = slots.slice(from, from + FLUSH_BATCH).map((slot) => this.recordGain(slot));
      await Promise.allSettled(gains.filter((gain) => gain !== undefined));
    }
    await Promise.allSettled(this.#underWay.values());
  }

  /** The session ended: there is nothing more to say about its time. */
  ended(slot: number): void {
    this.#gained.delete(slot);
    this.#overdue.delete(slot);
  }

  #record(slot: number, idleMs: number | undefined, absoluteMs: number | undefined, fact: Fact, found: readonly Unexpected[], atMs?: number): Promise<void> {
    const core = this.#core;
    const { table } = core.state;
    this.#gained.delete(slot);
    const timestamp = atMs ?? core.momentMs(slot);
    const unexpected = [...found];
    if (timestamp >= table.absoluteMs[slot]!) unexpected.unshift('after_absolute_deadline');
    const network = fact.ip === undefined ? undefined : networkKey(fact.ip);
    if (network !== undefined && !Number.isNaN(table.network[slot]!) && network !== table.network[slot]) unexpected.push('other_network');
    const details = unexpected.length === 0 ? fact.details : { ...fact.details, unexpected };
    const words = unexpected.map((mark) => WORDS[mark]).join('; ');
    const reason = unexpected.length === 0 ? fact.reason : fact.reason === undefined ? words : `${fact.reason}: ${words}`;
    const keptMs = table.absoluteMs[slot]!;
    const event = core.event('extend', slot, { ...fact, reason, details }, {
      timestamp,
      idleDeadline: idleMs ?? (Number.isNaN(table.idleMs[slot]!) ? undefined : table.idleMs[slot]!),
      absoluteDeadline: absoluteMs ?? (Number.isNaN(keptMs) ? undefined : keptMs),
      policy: core.options.checkedPolicy.name,
      initiator: fact.initiator ?? 'user',
    });
    const work: Promise<void> = core
      .record(event, 'proceeds')
      .then(() => undefined)
      .finally(() => {
        if (this.#underWay.get(slot) === work) this.#underWay.delete(slot);
      });
    this.#underWay.set(slot, work);
    return work;
  }
}
