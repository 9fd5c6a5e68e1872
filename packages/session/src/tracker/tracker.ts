import { createId, type EventName } from '@indelible/event';
import type { CheckedPolicy } from '../policy.ts';
import type { TrackedEvent } from './change.ts';
import { ContextChanges } from './context-change.ts';
import { Coverage } from './coverage.ts';
import { Ending } from './ending.ts';
import { Extension } from './extension.ts';
import { Logins } from './login.ts';
import { observe, regenerated } from './observe.ts';
import { originFields } from './origin-fields.ts';
import type { Fact, OpenSession, RequestChange } from './request-change.ts';
import { ENDED, OPEN } from './session-table.ts';
import { recordLateWarnings, recordMissedWarnings, sweepDue } from './sweep.ts';
import { TrackerCore } from './tracker-core.ts';
import type { TrackerOptions } from './tracker-options.ts';

/**
 * Opens a tracker: rebuilds the open sessions from the record, follows what others write, and from then on records what happens
 * to sessions here. Close it when the application ends, before the log.
 *
 * @throws SessionError `ERR_SESSION_OPTION_INVALID`, `ERR_SESSION_LOG_INVALID`, and what `openDelivery` throws.
 */
export async function openTracker(options: TrackerOptions): Promise<SessionTracker> {
  return SessionTracker.open(options);
}

/**
 * The sessions of an application, as its record has them, and the way of new events into it.
 *
 * Raw session ids are hashed at once and never recorded. Methods that end something never fail because the log is
 * away: those events are kept, delivered later and reported.
 */
export class SessionTracker {
  readonly #core: TrackerCore;
  readonly #contexts: ContextChanges;
  readonly #ending: Ending;
  readonly #extension: Extension;
  readonly #logins: Logins;
  readonly #coverage: Coverage;
  #sweeper: NodeJS.Timeout | undefined;
  #sweeping: Promise<number> | undefined;
  #closing: Promise<void> | undefined;

  private constructor(core: TrackerCore) {
    this.#core = core;
    this.#extension = new Extension(core);
    this.#contexts = new ContextChanges(core);
    this.#ending = new Ending(core, this.#extension, this.#contexts);
    this.#logins = new Logins(core, this.#ending);
    this.#coverage = new Coverage(core);
  }

  /** Use `openTracker`. */
  static async open(options: TrackerOptions): Promise<SessionTracker> {
    const core = await TrackerCore.open(options);
    const tracker = new SessionTracker(core);
    const { sweepEveryMs } = core.options;
    try {
      await tracker.#coverage.start();
      await recordMissedWarnings(core, tracker.#logins);
    } catch (error) {
      await core.close();
      throw error;
    }
    if (sweepEveryMs > 0) {
      tracker.#sweeper = setInterval(() => core.background(tracker.sweep()), sweepEveryMs).unref();
    }
    return tracker;
  }

  /** The open session that has this raw session id. */
  find(rawSid: string): OpenSession | undefined {
    return this.#describe(this.#core.state.openBySid(this.#core.hashOfClaim(rawSid)));
  }

  /** The open session of this name. */
  get(sessionId: string): OpenSession | undefined {
    return this.#describe(this.#core.state.openById(sessionId));
  }

  /** The user's open sessions, the newest first. */
  sessionsOf(userId: string): readonly OpenSession[] {
    const { state, options } = this.#core;
    return [...state.openOf(state.users.find(userId, options.tenant))].map((slot) => state.describe(slot));
  }

  /** How many sessions are open. */
  get openCount(): number {
    return this.#core.state.openCount;
  }

  /** The policy in force, with nothing left open. */
  get policy(): CheckedPolicy {
    return this.#core.options.checkedPolicy;
  }

  /** The time by the clock of the options, Unix milliseconds. */
  nowMs(): number {
    return this.#core.nowMs();
  }

  /**
   * Whether the record has the session of this raw session id as over: it ended, or a deadline passed, also where the framework would
   * let it go on. False for an id that was never seen.
   */
  isOver(rawSid: string): boolean {
    return this.#isOver(this.#core.state.table.findSid(this.#core.hashOfClaim(rawSid)));
  }

  /**
   * Takes note that a request of this user began under this raw session id, and says how the record has that session: `open`, `over`
   * as {@link SessionTracker.isOver} has it, or `unknown`: then `observe` records a login for it.
   *
   * The start of a request is use of the session, however long it takes: `idleDeadlineMs` is the deadline that the framework gives it
   * for that, where it says so, `storedDeadlineMs` the one that it had. Nothing is written.
   */
  begin(rawSid: string, userId: string, idleDeadlineMs?: number, storedDeadlineMs?: number): 'open' | 'over' | 'unknown' {
    const { state } = this.#core;
    const sidHash = this.#core.hashOfClaim(rawSid);
    const slot = state.table.findSid(sidHash);
    const isOver = this.#isOver(slot);
    if ((isOver || slot < 0) && this.#logins.underWay(sidHash, userId) !== undefined) return 'unknown';
    if (isOver) return 'over';
    if (slot < 0 || state.userId(slot) !== userId) return 'unknown';
    if (this.#ending.underWay(slot) === undefined) this.#extension.begun(slot, idleDeadlineMs, storedDeadlineMs);
    return 'open';
  }

  #isOver(slot: number): boolean {
    const core = this.#core;
    const { table } = core.state;
    if (slot < 0 || table.state[slot] !== OPEN) return slot >= 0 && table.state[slot] === ENDED;
    const nowMs = core.nowMs();
    // What others saw of it may reach the record later than its idle deadline passes.
    return table.absoluteMs[slot]! <= nowMs || this.#extension.isIdle(slot, nowMs - core.state.graceMs(slot));
  }

  /**
   * Records that a user logged in under this raw session id.
   *
   * Resolves when the login is durable (in mode `spool`, at least on the spool). The same user again under the same id is
   * recorded as `reauthenticated`; another user's open session under that id is ended first.
   *
   * @throws SessionError `ERR_SESSION_NOT_DURABLE`: no session is open then, and the application MUST refuse the login.
   */
  async login(rawSid: string, userId: string, fact: Fact = {}): Promise<OpenSession> {
    const core = this.#core;
    core.checkOpen();
    return this.#logins.login(core.hash(rawSid), userId, fact);
  }

  /** Records that somebody tried to log in and could not. Give `userId` only where such a user exists: a name may be a password in the wrong field. */
  async loginFailed(fact: Fact & { readonly userId?: string | undefined } = {}): Promise<void> {
    const core = this.#core;
    core.checkOpen();
    await core.record(this.#unbound('login_failed', { initiator: 'user', ...fact }), 'proceeds');
  }

  /** A failure that belongs to no session. */
  #unbound(event: 'login_failed' | 'token_reuse', fact: Fact & { readonly userId?: string | undefined }, sidHash?: string): TrackedEvent {
    const { app, instance, tenant } = this.#core.options;
    const timestamp = this.#core.nowMs();
    return {
      id: createId(timestamp),
      timestamp,
      event,
      userId: fact.userId,
      sidHash,
      outcome: 'failure',
      reason: fact.reason,
      initiator: fact.initiator,
      ...originFields(fact),
      app,
      instance,
      tenant,
      ...(fact.details === undefined ? {} : { details: fact.details }),
    };
  }

  /**
   * Takes note that a session was used. Undefined where there is nothing to write, which is nearly always: extensions by use are
   * recorded at most every `extendEveryMs`. A promise is one of the entry's durability; nobody need wait for it. The use of a
   * session that has ended is recorded as that.
   */
  activity(rawSid: string, fact: Fact = {}): Promise<void> | undefined {
    const core = this.#core;
    const slot = core.state.table.findSid(core.hashOfClaim(rawSid));
    if (slot < 0) return undefined;
    return this.#endedUse(slot, fact) ?? (this.#ending.underWay(slot) === undefined ? this.#extension.used(slot, fact) : undefined);
  }

  /** The use of a session that has ended, by an entry or by its idle time. */
  #endedUse(slot: number, fact: Fact): Promise<void> | undefined {
    const { state } = this.#core;
    if (state.table.state[slot] !== OPEN) return this.#ending.usedAfterEnd(slot, fact);
    if (!this.#extension.isIdle(slot, this.#core.nowMs() - state.graceMs(slot))) return undefined;
    return this.#ending.timeout(slot).then(() => this.#ending.usedAfterEnd(slot, fact));
  }

  /** Records that a session was given more time by wish. Never coalesced. For a session that has ended, its use is recorded instead. */
  async extend(rawSid: string, fact: Fact = {}): Promise<void> {
    const core = this.#core;
    core.checkOpen();
    const slot = core.state.table.findSid(core.hashOfClaim(rawSid));
    if (slot < 0) return;
    const ended = this.#endedUse(slot, fact);
    if (ended !== undefined) await ended;
    else if (core.state.table.state[slot] === OPEN && this.#ending.underWay(slot) === undefined) await this.#extension.asked(slot, fact);
  }

  /** Records that the framework's session id changed while the session went on. */
  async regenerate(fromSid: string, toSid: string, fact: Fact = {}): Promise<void> {
    const core = this.#core;
    core.checkOpen();
    const slot = core.state.openBySid(core.hashOfClaim(fromSid));
    if (slot >= 0) await regenerated(core, slot, core.hash(toSid), fact);
  }

  /** Records that the user ended the session. Never rejects because the log is away. */
  async logout(rawSid: string, fact: Fact = {}): Promise<void> {
    const core = this.#core;
    core.checkOpen();
    const slot = core.state.openBySid(core.hashOfClaim(rawSid));
    if (slot >= 0) await this.#ending.end('logout', slot, fact);
  }

  /** Records that somebody ended a session, or all of a user's but one, from outside of it. Gives how many were ended. */
  async revoke(target: { readonly sessionId: string } | { readonly userId: string; readonly exceptSid?: string | undefined }, fact: Fact = {}): Promise<number> {
    const core = this.#core;
    core.checkOpen();
    const { state } = core;
    let slots: number[];
    if ('sessionId' in target) slots = [state.openById(target.sessionId)].filter((slot) => slot >= 0);
    else {
      const spared = target.exceptSid === undefined ? -1 : state.openBySid(core.hashOfClaim(target.exceptSid));
      slots = [...state.openOf(state.users.find(target.userId, core.options.tenant))].filter((slot) => slot !== spared);
    }
    const ended = await Promise.all(slots.map((slot) => this.#ending.end('revoked', slot, fact)));
    return ended.filter(Boolean).length;
  }

  /** Records that the user proved again who they are. */
  reauthenticated(rawSid: string, fact: Fact = {}): Promise<void> {
    return this.#note('reauthenticated', rawSid, { initiator: 'user', ...fact });
  }

  /**
   * Records that a token which may be used once was used again. It is about the session that is open under this id, if there
   * is one, else about `userId`, if it is known. The session is not ended by it: revoke it.
   */
  async tokenReused(rawSid: string, fact: Fact & { readonly userId?: string | undefined } = {}): Promise<void> {
    const core = this.#core;
    core.checkOpen();
    const slot = core.state.table.findSid(core.hashOfClaim(rawSid));
    const { userId, ...rest } = fact;
    if (slot >= 0 && (userId === undefined || core.state.userId(slot) === userId)) {
      await core.record(core.event('token_reuse', slot, rest, { outcome: 'failure' }), 'proceeds');
    } else await core.record(this.#unbound('token_reuse', fact, core.hashOfClaim(rawSid) || undefined), 'proceeds');
  }

  /** Records that the session, or its user, may do more or less than before. */
  privilegeChanged(rawSid: string, fact: Fact = {}): Promise<void> {
    return this.#note('privilege_changed', rawSid, fact);
  }

  async #note(event: EventName, rawSid: string, fact: Fact): Promise<void> {
    const core = this.#core;
    core.checkOpen();
    const slot = core.state.openBySid(core.hashOfClaim(rawSid));
    if (slot >= 0) await core.record(core.event(event, slot, fact), 'proceeds');
  }

  /**
   * A session id came that the framework's store does not know, or no longer. What it was is looked up here: a deadline that passed
   * is recorded as `timeout`, an end that was not recorded as `revoked`, a use after the end as that. Unknown ids mean nothing.
   */
  presented(rawSid: string, fact: Fact = {}): Promise<void> | undefined {
    return this.#ending.presented(this.#core.hashOfClaim(rawSid), fact);
  }

  /** Compares what held at the start of a request with what holds at its end, and records the difference. Undefined where there is none to write. */
  observe(change: RequestChange): Promise<void> | undefined {
    return observe({ core: this.#core, logins: this.#logins, ending: this.#ending, extension: this.#extension, contexts: this.#contexts }, change);
  }

  /** Records the timeouts that are due. Gives how many. */
  sweep(): Promise<number> {
    this.#sweeping ??= this.#sweep().finally(() => {
      this.#sweeping = undefined;
    });
    return this.#sweeping;
  }

  async #sweep(): Promise<number> {
    this.#contexts.flushDue();
    await recordLateWarnings(this.#core, this.#logins);
    return sweepDue(this.#core, this.#ending);
  }

  /** Stops, after everything under way is recorded. The log stays open. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    clearInterval(this.#sweeper);
    await this.#sweeping?.catch((error: unknown) => this.#core.report(error));
    await this.#logins.settled();
    this.#contexts.flushDue(true);
    await this.#extension.flush();
    await this.#core.settled();
    await this.#coverage.stop();
    await this.#core.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #describe(slot: number): OpenSession | undefined {
    return slot < 0 ? undefined : this.#core.state.describe(slot);
  }
}
