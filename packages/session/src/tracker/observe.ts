import type { ContextChanges } from './context-change.ts';
import type { Ending } from './ending.ts';
import type { Extension } from './extension.ts';
import type { Logins } from './login.ts';
import type { Fact, RequestChange } from './request-change.ts';
import { OPEN } from './session-table.ts';
import type { TrackerCore } from './tracker-core.ts';

/** The parts of a tracker that an observed request may concern. */
export interface Parts {
  readonly core: TrackerCore;
  readonly logins: Logins;
  readonly ending: Ending;
  readonly extension: Extension;
  readonly contexts: ContextChanges;
}

/** How long a request may take whose session another request ended or renamed meanwhile, where nobody says when it began. */
const PARALLEL_MS = 10_000;

/** The difference that a request made, recorded; undefined where it made none. */
export function observe(parts: Parts, change: RequestChange): Promise<void> | undefined {
  const { before, after, presentedSid } = change;
  const was = before.sid === undefined ? undefined : before.userId;
  const is = after.sid === undefined ? undefined : after.userId;
  if (was === undefined && is === undefined) {
    return presentedSid === undefined ? undefined : parts.ending.presented(parts.core.hashOfClaim(presentedSid), factOf(change));
  }
  if (was !== undefined && was === is && before.sid === after.sid) {
    const { core } = parts;
    const sidHash = core.hash(after.sid!);
    const slot = core.state.openBySid(sidHash);
    if (slot >= 0 && core.state.userId(slot) === is && parts.ending.underWay(slot) === undefined) return goOn(parts, slot, change);
    return differ(parts, change, was, is);
  }
  return differ(parts, change, was, is);
}

/** The session goes on: nothing to write, nearly always. */
function goOn(parts: Parts, slot: number, change: RequestChange): Promise<void> | undefined {
  const { core, extension, ending } = parts;
  const { before, after, origin } = change;
  const nowMs = core.nowMs();
  const beforeMs = before.idleDeadlineMs;
  // Idle for too long, and nobody who may do so says that it was given more time: it had ended.
  const prolonged = core.options.checkedPolicy.idleMs === undefined && beforeMs !== undefined && beforeMs > nowMs;
  if (!prolonged && extension.isIdle(slot, nowMs - core.state.graceMs(slot))) {
    return ending.timeout(slot).then(() => differ(parts, change, before.userId, after.userId));
  }
  const moved = parts.contexts.seen(slot, origin);
  const deadlines = { idleDeadlineMs: after.idleDeadlineMs, absoluteDeadlineMs: after.absoluteDeadlineMs };
  const extended =
    change.explicitExtension === true
      ? extension.asked(slot, { ...factOf(change), ...deadlines })
      : extension.used(slot, after.idleDeadlineMs === undefined ? origin : { ...origin, idleDeadlineMs: after.idleDeadlineMs }, beforeMs);
  return moved === undefined || extended === undefined ? (moved ?? extended) : both(moved, extended);
}

async function differ(parts: Parts, change: RequestChange, was: string | undefined, is: string | undefined): Promise<void> {
  const { before, after, presentedSid } = change;
  const { core, logins, ending } = parts;
  const { state } = core;
  const fact: Fact = { ...factOf(change), idleDeadlineMs: after.idleDeadlineMs, absoluteDeadlineMs: after.absoluteDeadlineMs };
  if (presentedSid !== undefined && was === undefined) await ending.presented(core.hashOfClaim(presentedSid), { ...change.origin });
  if (was === undefined) {
    await enter(parts, core.hash(after.sid!), is!, fact, change);
    return;
  }
  const beforeHash = core.hash(before.sid!);
  const slot = await own(parts, beforeHash, was, change);
  if (is === undefined || is !== was) {
    if (slot >= 0) await ending.end('logout', slot, is === undefined ? factOf(change) : { ...factOf(change), reason: 'account_switch' });
    if (is !== undefined) await logins.login(core.hash(after.sid!), is, { ...fact, details: { ...fact.details, accountSwitch: true } });
    return;
  }
  const afterHash = before.sid === after.sid ? beforeHash : core.hash(after.sid!);
  if (beforeHash === afterHash) return;
  const already = state.openBySid(afterHash);
  if (already >= 0 && state.userId(already) === is) return; // another request saw it first
  if (slot >= 0) await regenerated(core, slot, afterHash, factOf(change));
}

/** Records that the framework's session id changed. */
export async function regenerated(core: TrackerCore, slot: number, toHash: string, fact: Fact): Promise<void> {
  if (core.state.table.sidHash(slot) === toHash) return;
  await core.record(core.event('session_regenerated', slot, fact, { sidHash: toHash, initiator: fact.initiator ?? 'system' }), 'proceeds');
}

/** Somebody is logged in who was not at the start of the request. */
async function enter({ core, logins, ending }: Parts, sidHash: string, userId: string, fact: Fact, change: RequestChange): Promise<void> {
  const { state } = core;
  const slot = state.openBySid(sidHash);
  if (slot >= 0 && logins.underWay(sidHash, userId) === undefined) {
    const parallel = state.userId(slot) === userId && state.table.openedMs[slot]! >= beganMs(core, change);
    if (parallel) return;
    // The framework had ended it, and nobody saw how.
    await ending.end('revoked', slot, { ...change.origin, reason: 'gone_from_store', initiator: 'system' });
  }
  await logins.login(sidHash, userId, fact);
}

/**
 * The open session that a request began in, or -1 where another request ended it meanwhile. What the framework calls a session
 * and the record does not is never passed over: it is adopted, and where the record has it ended, that is said too.
 */
async function own({ core, logins, ending }: Parts, sidHash: string, userId: string, change: RequestChange): Promise<number> {
  const { state } = core;
  const began = beganMs(core, change);
  const slot = state.table.findSid(sidHash);
  if (slot >= 0 && state.table.state[slot] === OPEN && state.userId(slot) === userId) {
    return ending.underWay(slot) === undefined ? slot : -1;
  }
  if (slot >= 0 && state.table.state[slot] !== OPEN && state.userId(slot) === userId) {
    const gone = change.after.userId === undefined;
    // A request that began before the end, also where that is a deadline which passed meanwhile, or one that ends what has ended.
    if (gone || (change.startedMs !== undefined && state.table.seenMs[slot]! >= began)) return -1;
    await ending.usedAfterEnd(slot, { ...change.origin });
  }
  const former = slot >= 0 ? undefined : state.former(sidHash);
  if (former !== undefined && former.untilMs >= began) return state.openById(former.sessionId);
  const { origin, after } = change;
  const deadlines = { idleDeadlineMs: after.idleDeadlineMs, absoluteDeadlineMs: after.absoluteDeadlineMs };
  const reason = former === undefined ? {} : { formerIdOf: former.sessionId };
  const opened = await logins.login(sidHash, userId, { ...origin, ...deadlines, reason: 'session_adopted', initiator: 'system', details: { adopted: true, ...reason } });
  return state.openById(opened.sessionId);
}

function beganMs(core: TrackerCore, change: RequestChange): number {
  return change.startedMs ?? core.nowMs() - PARALLEL_MS;
}

function factOf(change: RequestChange): Fact {
  const { origin, reason, initiator, details } = change;
  return { ...origin, reason, initiator, details };
}

async function both(one: Promise<void>, other: Promise<void>): Promise<void> {
  await Promise.all([one, other]);
}
