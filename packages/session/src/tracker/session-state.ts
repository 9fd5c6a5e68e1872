import { networkKey } from '../network-prefix.ts';
import type { Locate } from '../place.ts';
import type { Change } from './change.ts';
import { Concurrency } from './concurrency.ts';
import { DeadlineHeap } from './deadline-heap.ts';
import type { OpenSession } from './request-change.ts';
import { ENDED, FREE, OPEN, SEEN_FULLY, SessionTable, TIMED_OUT, UNPLACED } from './session-table.ts';
import { Users } from './users.ts';

/** How many ended sessions are remembered, so that their use after the end is recognised. */
const ENDED_KEPT = 100_000;
/** How many ids that a framework has replaced are remembered. */
const FORMER_KEPT = 10_000;

/** How many refused logins are remembered whose entry did not come. */
const REFUSED_KEPT = 10_000;

/** What decides about sessions besides the record. */
export interface StateOptions {
  readonly warnFrom: number;
  readonly historyMs: number;
  /** How much later than its recorded idle deadline a session counts as timed out whose activity others may have seen. */
  readonly graceMs: number;
  readonly locate?: Locate | undefined;
}

/** What an entry did to the state. */
export type Effect = 'none' | 'opened' | 'changed' | 'ended';

/**
 * The sessions as the record has them: a projection, one entry after the other, without a clock and without effects.
 *
 * An end is final, and an entry that names another user than the session's changes nothing: whatever order two processes see each
 * other's entries in, no session is attributed to somebody else and none comes back.
 */
export class SessionState {
  readonly table: SessionTable = new SessionTable();
  readonly users: Users = new Users();
  readonly heap: DeadlineHeap = new DeadlineHeap();
  readonly concurrency: Concurrency;
  readonly #graceMs: number;
  /** Which session had a replaced id, by its keyed hash: the session's name, and when the id was replaced. */
  readonly #former = new Map<string, { readonly sessionId: string; readonly untilMs: number }>();
  /** Logins that were refused before their entry was on the record. */
  readonly #refused = new Set<string>();
  #ended: number[] = [];
  #endedFrom = 0;
  #openCount = 0;
  #heapCapacity = 0;

  constructor(options: StateOptions) {
    this.#graceMs = options.graceMs;
    this.concurrency = new Concurrency(this, options);
  }

  /** How many sessions are open. */
  get openCount(): number {
    return this.#openCount;
  }

  /** The slot of an open session by its keyed hash, or -1. */
  openBySid(sidHash: string): number {
    const slot = this.table.findSid(sidHash);
    return slot >= 0 && this.table.state[slot] === OPEN ? slot : -1;
  }

  /** The slot of an open session by its name, or -1. */
  openById(sessionId: string): number {
    const slot = this.table.findSession(sessionId);
    return slot >= 0 && this.table.state[slot] === OPEN ? slot : -1;
  }

  /** The slots of a user's open sessions, the newest first. */
  *openOf(user: number): Generator<number, void, undefined> {
    if (user < 0) return;
    for (let slot = this.users.firstSlot(user); slot >= 0; slot = this.table.nextOfUser[slot]!) yield slot;
  }

  /** The session in a slot. */
  describe(slot: number): OpenSession {
    return this.table.describe(slot, this.userId(slot), this.tenant(slot));
  }

  userId(slot: number): string {
    return this.users.id(this.table.user[slot]!);
  }

  tenant(slot: number): string | undefined {
    return this.users.tenant(this.table.user[slot]!);
  }

  /** The session that had an id of this keyed hash before the framework replaced it. */
  former(sidHash: string): { readonly sessionId: string; readonly untilMs: number } | undefined {
    return this.#former.get(sidHash);
  }

  /**
   * Takes one entry into account; costs a constant, and a logarithm of the open sessions where a deadline moves.
   *
   * `place` is its index, Infinity where it waits for one; `ahead`: this process knows it before it has read what stands before it.
   */
  apply(change: Change, place: number, ahead: boolean = false): Effect {
    if (change.event === 'login') return this.#open(change, place, ahead);
    const slot = this.#slotOf(change);
    if (slot < 0) {
      this.#expectRefused(change);
      return 'none';
    }
    const { table } = this;
    table.setLastEvent(slot, change.id);
    if (change.event === 'logout' || change.event === 'timeout' || change.event === 'revoked') return this.#end(slot, change);
    if (change.event === 'concurrent_warning') this.concurrency.warned(slot);
    if (table.state[slot] !== OPEN || change.event === 'session_use_after_end' || change.event === 'concurrent_warning') return 'none';
    if (change.timeMs > table.seenMs[slot]!) table.seenMs[slot] = change.timeMs;
    switch (change.event) {
      case 'extend':
        if (change.idleMs !== undefined) table.idleMs[slot] = change.idleMs;
        if (change.absoluteMs !== undefined) table.absoluteMs[slot] = change.absoluteMs;
        this.reschedule(slot);
        break;
      case 'session_regenerated':
        this.#replaceSid(slot, change);
        break;
      case 'context_changed':
        if (ahead) break; // who recorded it knows, and may have seen the next one
        if (change.ip !== undefined) table.ip.set(slot, change.ip);
        if (change.userAgent !== undefined) table.userAgent[slot] = table.share(change.userAgent);
        break;
      default:
    }
    return 'changed';
  }

  /** A login that was taken into account before its place was known, or ahead of others, now has its place. */
  settle(sessionId: string, place: number): void {
    const slot = this.table.findSession(sessionId);
    if (slot < 0) return;
    this.table.place[slot] = Math.min(place, UNPLACED);
    this.concurrency.settled(slot);
  }

  /** This process sees all of the session's activity. */
  seeFully(slot: number): void {
    this.table.flags[slot] = this.table.flags[slot]! | SEEN_FULLY;
    this.reschedule(slot);
  }

  /** How much later than its recorded idle deadline the session may have been used by somebody else. */
  graceMs(slot: number): number {
    return (this.table.flags[slot]! & SEEN_FULLY) === 0 ? this.#graceMs : 0;
  }

  /** Puts a session where its deadlines on the record say. */
  reschedule(slot: number): void {
    const { table } = this;
    if (table.state[slot] !== OPEN) return;
    const graceMs = this.graceMs(slot);
    const [idleMs, absoluteMs] = [table.idleMs[slot]!, table.absoluteMs[slot]!];
    this.heap.set(slot, Math.min(Number.isNaN(idleMs) ? Number.POSITIVE_INFINITY : idleMs + graceMs, Number.isNaN(absoluteMs) ? Number.POSITIVE_INFINITY : absoluteMs));
  }

  /** The end of a login that was refused may stand before it: a slow log takes them in any order. */
  #expectRefused({ event, reason, sessionId }: Change): void {
    if (event !== 'revoked' || reason !== 'login_refused' || sessionId === undefined || this.table.findSession(sessionId) >= 0) return;
    this.#refused.add(sessionId);
    if (this.#refused.size > REFUSED_KEPT) for (const oldest of this.#refused) return void this.#refused.delete(oldest);
  }

  #replaceSid(slot: number, change: Change): void {
    const { table } = this;
    const former = table.sidHash(slot);
    if (change.sidHash === undefined || change.sidHash === former) return;
    table.setSidHash(slot, change.sidHash);
    this.#former.delete(change.sidHash);
    if (former === undefined) return;
    this.#former.set(former, { sessionId: table.sessionId(slot), untilMs: change.timeMs });
    if (this.#former.size > FORMER_KEPT) for (const oldest of this.#former.keys()) return void this.#former.delete(oldest);
  }

  #open(change: Change, place: number, ahead: boolean): Effect {
    const { table, users } = this;
    if (change.userId === undefined || change.sessionId === undefined) return 'none';
    if (table.findSession(change.sessionId) >= 0) return 'none';
    // It never was a session: nobody was given it.
    if (this.#refused.has(change.sessionId)) return 'none';
    const slot = table.add(change.sessionId, change.id);
    if (table.capacity > this.#heapCapacity) {
      this.#heapCapacity = table.capacity;
      this.heap.grow(table.capacity);
    }
    const user = users.number(change.userId, change.tenant);
    table.state[slot] = OPEN;
    table.flags[slot] = 0;
    table.user[slot] = user;
    const next = users.firstSlot(user);
    table.nextOfUser[slot] = next;
    table.previousOfUser[slot] = -1;
    if (next >= 0) table.previousOfUser[next] = slot;
    users.setFirstSlot(user, slot);
    users.addOpen(user, 1);
    table.openedMs[slot] = change.timeMs;
    table.seenMs[slot] = change.timeMs;
    table.aliveMs[slot] = Number.NaN;
    table.place[slot] = Math.min(place, UNPLACED);
    table.network[slot] = (change.ip === undefined ? undefined : networkKey(change.ip)) ?? Number.NaN;
    table.idleMs[slot] = change.idleMs ?? Number.NaN;
    table.absoluteMs[slot] = change.absoluteMs ?? Number.NaN;
    table.ip.set(slot, change.ip);
    table.userAgent[slot] = table.share(change.userAgent);
    table.setApp(slot, change.app);
    if (change.sidHash !== undefined) table.setSidHash(slot, change.sidHash);
    this.#openCount++;
    this.reschedule(slot);
    this.concurrency.opened(slot, change, ahead);
    return 'opened';
  }

  #end(slot: number, change: Change): Effect {
    const { table, users } = this;
    if (table.state[slot] !== OPEN) return 'none';
    table.state[slot] = ENDED;
    table.seenMs[slot] = change.timeMs;
    if (change.event === 'timeout') table.flags[slot] = table.flags[slot]! | TIMED_OUT;
    const user = table.user[slot]!;
    const [next, previous] = [table.nextOfUser[slot]!, table.previousOfUser[slot]!];
    if (next >= 0) table.previousOfUser[next] = previous;
    if (previous >= 0) table.nextOfUser[previous] = next;
    else users.setFirstSlot(user, next);
    users.addOpen(user, -1);
    this.#openCount--;
    this.heap.remove(slot);
    this.#ended.push(slot);
    this.#forget();
    return 'ended';
  }

  /** The oldest ended sessions make room. */
  #forget(): void {
    while (this.#ended.length - this.#endedFrom > ENDED_KEPT) {
      const slot = this.#ended[this.#endedFrom++]!;
      this.concurrency.forget(slot);
      this.table.release(slot);
    }
    if (this.#endedFrom > ENDED_KEPT) {
      this.#ended = this.#ended.slice(this.#endedFrom);
      this.#endedFrom = 0;
    }
  }

  /** The session that an entry is about: by its name, else by its keyed hash; never one of another user. */
  #slotOf(change: Change): number {
    const { table } = this;
    const slot =
      change.sessionId !== undefined ? table.findSession(change.sessionId) : change.sidHash !== undefined ? table.findSid(change.sidHash) : -1;
    if (slot < 0 || table.state[slot] === FREE) return -1;
    if (change.userId !== undefined && change.userId !== this.userId(slot)) return -1;
    return slot;
  }
}
