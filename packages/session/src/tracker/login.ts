import { createId, factId } from '@indelible/event';
import { SessionError } from '../error.ts';
import type { TrackedEvent } from './change.ts';
import { chooseDeadlines } from './deadlines.ts';
import type { Ending } from './ending.ts';
import { originFields } from './origin-fields.ts';
import type { Fact, OpenSession } from './request-change.ts';
import { OPEN } from './session-table.ts';
import type { TrackerCore } from './tracker-core.ts';

/** Logins, and the warnings that some of them get. */
export class Logins {
  readonly #core: TrackerCore;
  readonly #ending: Ending;
  readonly #underWay = new Map<string, { readonly userId: string; readonly opened: Promise<OpenSession> }>();

  constructor(core: TrackerCore, ending: Ending) {
    this.#core = core;
    this.#ending = ending;
  }

  /** The login that is under way under this keyed hash. */
  underWay(sidHash: string, userId: string): Promise<OpenSession> | undefined {
    const login = this.#underWay.get(sidHash);
    return login?.userId === userId ? login.opened : undefined;
  }

  /** See {@link SessionTracker.login}. Two requests that see the same login record it once. */
  async login(sidHash: string, userId: string, fact: Fact): Promise<OpenSession> {
    for (let other = this.#underWay.get(sidHash); other !== undefined; other = this.#underWay.get(sidHash)) {
      if (other.userId === userId) return other.opened;
      // Of two users who log in under one id at once, the second ends the session of the first.
      await other.opened.catch(() => undefined);
      if (this.#underWay.get(sidHash) === other) this.#underWay.delete(sidHash);
    }
    const login = { userId, opened: this.#login(sidHash, userId, fact) };
    this.#underWay.set(sidHash, login);
    try {
      return await login.opened;
    } finally {
      if (this.#underWay.get(sidHash) === login) this.#underWay.delete(sidHash);
    }
  }

  async settled(): Promise<void> {
    await Promise.allSettled([...this.#underWay.values()].map(({ opened }) => opened));
  }

  async #login(sidHash: string, userId: string, fact: Fact): Promise<OpenSession> {
    const core = this.#core;
    const { state } = core;
    const before = state.openBySid(sidHash);
    let given = fact;
    if (before >= 0) {
      if (state.userId(before) === userId) {
        await core.record(core.event('reauthenticated', before, fact, { outcome: 'success', initiator: fact.initiator ?? 'user' }), 'proceeds');
        return state.describe(before);
      }
      await this.#ending.end('logout', before, { ...fact, reason: 'account_switch', details: undefined });
      given = { ...fact, details: { ...fact.details, accountSwitch: true } };
    }
    const event = loginEvent(core, sidHash, userId, given);
    const index = await this.#recordLogin(event);
    const slot = state.table.findSession(event.id);
    if (slot < 0) throw new SessionError('ERR_SESSION_NOT_DURABLE', `login ${event.id} is on the record, but its session has ended already: refuse it`);
    if (core.options.log.shared !== true && state.table.state[slot] === OPEN) state.seeFully(slot);
    await this.#warn(slot, event.id, index);
    return state.describe(slot);
  }

  async #recordLogin(event: TrackedEvent): Promise<number | undefined> {
    try {
      return (await this.#core.record(event, 'refusable')).index;
    } catch (error) {
      this.#core.refuse(event, error);
      throw error;
    }
  }

  /** The warning that this login needs: at once where others are known, else when everything before it was read. */
  async #warn(slot: number, sessionId: string, index: number | undefined): Promise<void> {
    const core = this.#core;
    if (core.state.concurrency.due(slot) !== undefined) await this.recordWarning(slot);
    else if (index !== undefined && index >= core.follower.next) {
      core.background(
        core.follower.reached(index).then(() => {
          const same = core.state.table.findSession(sessionId);
          return same < 0 ? undefined : this.recordWarning(same);
        }),
      );
    }
  }

  /** Records the warning that a login still has to get. Whoever else finds it out makes the same id of it. */
  async recordWarning(slot: number): Promise<void> {
    const core = this.#core;
    const { table, concurrency } = core.state;
    const warning = concurrency.due(slot);
    if (warning === undefined) return;
    const loginMs = table.openedMs[slot]!;
    const sessionId = table.sessionId(slot);
    concurrency.warned(slot);
    await core.recordFact({
      id: factId(loginMs, 'concurrent_warning', sessionId),
      timestamp: loginMs,
      event: 'concurrent_warning',
      userId: core.state.userId(slot),
      sessionId,
      sidHash: table.sidHash(slot),
      prev: table.lastEventId(slot),
      reason: warning.reason,
      initiator: 'policy',
      ...originFields({ ip: table.ip.get(slot), userAgent: table.userAgent[slot] }),
      app: table.app(slot) ?? core.options.app,
      tenant: core.state.tenant(slot),
      details: { ...warning.details },
    });
  }
}

/** The login of a user: its id is the session's name as well. */
function loginEvent(core: TrackerCore, sidHash: string, userId: string, fact: Fact): TrackedEvent {
  const { checkedPolicy, app, instance, tenant } = core.options;
  const nowMs = core.nowMs();
  const id = createId(nowMs);
  const { idleMs, absoluteMs, corrected } = chooseDeadlines(fact, checkedPolicy, nowMs, nowMs);
  const details = corrected.length === 0 ? fact.details : { ...fact.details, deadlinesCorrected: corrected };
  return {
    id,
    timestamp: nowMs,
    event: 'login',
    userId,
    sessionId: id,
    sidHash,
    outcome: 'success',
    reason: fact.reason,
    initiator: fact.initiator ?? 'user',
    ...originFields(fact),
    idleDeadline: idleMs,
    absoluteDeadline: absoluteMs,
    policy: checkedPolicy.name,
    app,
    instance,
    tenant,
    ...(details === undefined ? {} : { details }),
  };
}
