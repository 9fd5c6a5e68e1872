import type { Initiator } from '@indelible/event';
import { type AddressedRequest, clientAddress } from '../client-address.ts';
import { SessionError } from '../error.ts';
import type { Origin } from '../request-origin.ts';
import type { RequestChange, Snapshot } from '../tracker/request-change.ts';
import type { SessionTracker } from '../tracker/tracker.ts';
import { checkTrustProxy, type TrustProxy } from '../trust-proxy.ts';

/** Who is logged in; nobody for `undefined`, `null` and an empty text. */
export type User = string | number | bigint | null | undefined;

/** What an application knows about a request and no framework shows: why a session ended, that the user asked for more time. */
export type RequestDescription = Pick<RequestChange, 'reason' | 'initiator' | 'details' | 'explicitExtension'>;

/** An attempt to log in that failed. */
export interface FailedLogin {
  /** The account that was tried, if there is one of that name: what was typed into the wrong field may be a password. */
  readonly userId?: string | undefined;
  readonly reason?: string | undefined;
  readonly initiator?: Initiator | undefined;
  readonly details?: Readonly<Record<string, unknown>> | undefined;
}

/** Options that the adapters of web frameworks share. `Context` is what the framework hands to a route. */
export interface CaptureOptions<Context, Session> {
  readonly tracker: SessionTracker;
  /**
   * Who is logged in by a session. Default: its `userId`, else its `user`, else its `passport.user`: each itself, or the `id` or
   * `_id` of it.
   *
   * A user is judged as the session's store will keep it, so that an object with `toJSON`, such as an ObjectId, is what that gives.
   * Texts, finite numbers and bigints are users; `undefined`, `null`, `false`, an empty text and, by default, an empty object are
   * nobody. Anything else is refused, in each mode: such a login cannot be recorded, so its session is ended and its answer is 503,
   * and a process warning says so once.
   */
  readonly user?: ((session: Session) => User) | undefined;
  /** Which proxies are believed about the client's address. Default `false`: the address is that of the connection. */
  readonly trustProxy?: TrustProxy | undefined;
  /** Says what a request meant, where the framework cannot. Called at the end of each request. */
  readonly describe?: ((context: Context) => RequestDescription | undefined) | undefined;
  /**
   * Ends a session that the record has as over, at the next request that brings it: past its absolute deadline, past an idle time
   * that the framework does not know of, revoked. Default true.
   */
  readonly enforce?: boolean | undefined;
  /**
   * Recognises a failed login, for the account that was tried. Called at the end of each request that logs nobody in. Default: what was
   * posted to a path such as `/login` or `/auth/sign-in`, and answered 401 or 403.
   */
  readonly failedLogin?: ((context: Context) => FailedLogin | undefined | Promise<FailedLogin | undefined>) | undefined;
}

/** A request on its way through the application. */
export interface Visit {
  readonly origin: Origin;
  /** What held at its start; once it was told to the tracker, what held then. */
  before: Snapshot;
  /** When it began, by the tracker's clock. */
  readonly startedMs: number;
  /** How many requests began before it: within a millisecond, a clock does not tell. */
  readonly serial: number;
  /** A session id that came and does not hold: the framework knows no such session, or the record says that it is over. */
  presentedSid: string | undefined;
  /** Whether somebody was logged in when it began, by a session that the record does not have. */
  isUnknown: boolean;
}

/** What an adapter does with each request, apart from what is its framework's own. */
export interface RequestCapture<Context, Session> {
  /** The user of a session. What no record can hold is a text that `begin` and `finish` know. */
  readonly userOf: (session: Session) => string | undefined;
  visit(request: AddressedRequest, userAgent: string | undefined, resource: string): Visit;
  /**
   * Takes note of the session that the framework found for a request.
   *
   * True where that session is over: its absolute deadline passed, of which no framework knows, or the record has its end. Then
   * it MUST be destroyed before a route sees it. `touchedDeadlineMs` is the idle deadline that the framework gives the session for
   * this request: the start of a request is use, however long it takes.
   */
  begin(visit: Visit, found: Snapshot, touchedDeadlineMs?: number): boolean;
  /**
   * Whether a request may run as the user that it came as; to be asked behind `begin`, before a route.
   *
   * `undefined`, nearly always: it may. A promise where the record does not have the session, because its login is under way or was
   * never seen: it resolves when the login is recorded, with true, or could not be, with false. Then the session MUST be destroyed
   * and the request be answered with `REFUSAL`, before a route sees it.
   */
  admit(visit: Visit): Promise<boolean> | undefined;
  /**
   * Whether another request ended the session meanwhile, or moved it to a new id: then it MUST be destroyed, not stored again, and
   * `finish` has nothing to tell.
   */
  isSuperseded(visit: Visit, after: Snapshot): boolean;
  /**
   * Tells the tracker what became of a request. The answer waits for the promise: for a login until it is durable, for what has
   * happened already a moment and no longer, for mere use not at all (`undefined`).
   *
   * Rejects where a login MUST NOT take effect. Called twice for one request, it tells the second time what changed since.
   * `known` is what the adapter says about it, instead of the application.
   */
  finish(context: Context, visit: Visit, after: Snapshot, known?: RequestDescription): Promise<void> | undefined;
}

/** The answer in place of the one that would have told of a login that is not on the record. */
export const REFUSAL: { readonly status: 503; readonly headers: readonly (readonly [string, string])[]; readonly body: string } = {
  status: 503,
  headers: [['content-type', 'application/json; charset=utf-8'], ['cache-control', 'no-store']],
  body: JSON.stringify({ error: 'this login could not be recorded, so it did not take place; please try again' }),
};

const MOMENT_MS = 250;
const GONE_MS = 300_000;
const MAX_GONE = 10_000;

/** Headers of the answer not sent that stay: without them a page of another origin could not read the refusal. All others may carry a secret. */
export function outlivesRefusal(header: string): boolean {
  return /^(?:access-control-.+|vary)$/i.test(header);
}

/**
 * Checks the shared options, and binds them.
 *
 * @throws SessionError `ERR_SESSION_OPTION_INVALID`, `ERR_SESSION_TRUST_INVALID`.
 */
export function requestCapture<Context, Session>(options: CaptureOptions<Context, Session>): RequestCapture<Context, Session> {
  const { tracker, user = usualUser, trustProxy = false, enforce = true, describe, failedLogin } = options;
  if (typeof (tracker as SessionTracker | undefined)?.observe !== 'function') {
    throw new SessionError('ERR_SESSION_OPTION_INVALID', 'the option tracker is no session tracker: give await openTracker(…)', 'tracker');
  }
  checkTrustProxy(trustProxy);
  const gone = new GoneSids();
  let serial = 0;
  return {
    userOf(session) {
      return nameOf(user(session));
    },
    visit(request, userAgent, resource) {
      const origin = { ip: clientAddress(request, trustProxy).ip, userAgent, resource };
      return { origin, startedMs: tracker.nowMs(), serial: ++serial, before: {}, presentedSid: undefined, isUnknown: false };
    },
    begin(visit, found, touchedDeadlineMs) {
      const { sid, userId, idleDeadlineMs } = found;
      visit.isUnknown = false;
      if (sid !== undefined && userId !== undefined) {
        const standing = userId === UNUSABLE ? 'over' : tracker.begin(sid, userId, touchedDeadlineMs, idleDeadlineMs);
        if (standing === 'over' && (enforce || userId === UNUSABLE)) {
          visit.presentedSid = sid;
          return true;
        }
        visit.isUnknown = standing !== 'open';
      }
      visit.before = found;
      return false;
    },
    admit(visit) {
      const { before, origin, startedMs } = visit;
      if (!visit.isUnknown) return undefined;
      visit.isUnknown = false;
      const recorded = observe(tracker, { before, after: withinPolicy(tracker, before), origin, startedMs });
      return recorded?.then(
        () => true,
        () => {
          // It came as nobody, then: what the request does from here on is the refusal's.
          visit.before = {};
          return false;
        },
      );
    },
    isSuperseded({ before, serial: own }, after) {
      return before.sid !== undefined && before.userId !== undefined && after.userId === before.userId && gone.has(before.sid, own);
    },
    finish(context, visit, after, known) {
      const { origin, startedMs, before, presentedSid } = visit;
      if (after.userId === UNUSABLE) return refuseUser(tracker, visit);
      const { reason, initiator, details, explicitExtension } = known ?? ask(describe, context) ?? {};
      const change = { before, after: withinPolicy(tracker, after), presentedSid, origin, startedMs, reason, initiator, details, explicitExtension };
      const recorded = observe(tracker, change);
      visit.before = after;
      visit.presentedSid = undefined;
      const isSame = after.userId === before.userId;
      const isGone = before.userId !== undefined && (after.userId === undefined || after.sid !== before.sid);
      if (isGone && before.sid !== undefined) gone.add(before.sid, serial);
      if (after.userId !== undefined) {
        if (!isSame) return recorded;
        if (recorded !== undefined && after.sid !== undefined && after.sid === before.sid) {
          // Of a session that the record does not have, the tracker records a login.
          if (tracker.find(after.sid) === undefined) return recorded;
          if (explicitExtension !== true) return unheard(recorded);
        }
      }
      const failed = known === undefined && isSame ? ask(failedLogin, context) : undefined;
      const work = [recorded, failed === undefined ? undefined : recordFailure(tracker, origin, failed)].filter((one) => one !== undefined);
      return work.length === 0 ? undefined : forAMoment(work);
    },
  };
}

/** Session ids that were given up a short while ago: a request that began before that must not bring them back. */
class GoneSids {
  readonly #gone = new Map<string, { readonly serial: number; readonly sinceMs: number }>();

  /** `serial` is that of the youngest request. */
  add(sid: string, serial: number): void {
    const sinceMs = performance.now();
    for (const [oldest, given] of this.#gone) {
      if (this.#gone.size < MAX_GONE && sinceMs - given.sinceMs < GONE_MS) break;
      this.#gone.delete(oldest);
    }
    this.#gone.delete(sid);
    this.#gone.set(sid, { serial, sinceMs });
  }

  /** Whether the id was given up after the request of this serial number began. */
  has(sid: string, serial: number): boolean {
    const given = this.#gone.get(sid);
    return given !== undefined && given.serial >= serial;
  }
}

/** A framework that would let a session idle for longer than the policy does not decide that. */
function withinPolicy(tracker: SessionTracker, after: Snapshot): Snapshot {
  const { idleMs } = tracker.policy;
  if (idleMs === undefined || after.idleDeadlineMs === undefined) return after;
  const byPolicyMs = tracker.nowMs() + idleMs;
  return after.idleDeadlineMs <= byPolicyMs ? after : { ...after, idleDeadlineMs: byPolicyMs };
}

async function recordFailure(tracker: SessionTracker, origin: Origin, answer: FailedLogin | Promise<FailedLogin | undefined>): Promise<void> {
  const failed = await answer;
  if (failed === undefined) return;
  const { userId, reason, initiator, details } = failed;
  await tracker.loginFailed({ ...origin, userId, reason, initiator, details });
}

/** What has happened already waits a moment for its record and no longer: the log may be away. */
async function forAMoment(work: readonly Promise<void>[]): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const moment = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, MOMENT_MS);
  });
  await Promise.race([Promise.all(work.map((promise) => promise.catch(warn))), moment]);
  clearTimeout(timer);
}

/** A session id that can be none, from the application's own generator, is a failure of this request and not of the process. */
function observe(tracker: SessionTracker, change: RequestChange): Promise<void> | undefined {
  try {
    return tracker.observe(change);
  } catch (error) {
    warn(error);
    return Promise.reject(error as Error);
  }
}

/** Ends on the record what the refusal ends in the framework. */
async function refuseUser(tracker: SessionTracker, visit: Visit): Promise<void> {
  const { before, origin, startedMs } = visit;
  visit.before = {};
  if (before.userId !== undefined) await observe(tracker, { before, after: {}, origin, startedMs, reason: 'account_switch' })?.catch(warn);
  throw new SessionError('ERR_SESSION_NOT_DURABLE', 'the user of a login is no text and no number, so it cannot be recorded: refuse it');
}

/** By mere use: no answer waits for that. */
function unheard(recorded: Promise<void>): undefined {
  recorded.catch(warn);
}

/** Asks a function of the application; what it throws must not cost the event that it was asked about. */
function ask<Context, Answer>(question: ((context: Context) => Answer) | undefined, context: Context): Answer | undefined {
  try {
    return question?.(context);
  } catch (error) {
    return warn(error);
  }
}

function warn(error: unknown): undefined {
  process.emitWarning(`a session event was not captured as it should be: ${String(error)}`, { type: 'IndelibleWarning' });
}

/** What was posted to where one logs in, and was refused. */
export function usualFailure(method: string, path: string, status: number): FailedLogin | undefined {
  const isRefused = method === 'POST' && (status === 401 || status === 403);
  return isRefused && /\/(?:log-?in|sign-?in|sessions?|auth(?:enticate)?)\/?$/i.test(path) ? {} : undefined;
}

/** The user of a session, where applications usually put it. */
export function usualUser(session: unknown): User {
  const { userId, user, passport } = session as { userId?: unknown; user?: unknown; passport?: { user?: unknown } };
  let isUnusable = false;
  for (const value of [userId, user, passport?.user]) {
    const name = nameOf(idOf(value), false);
    if (name !== undefined && name !== UNUSABLE) return name;
    isUnusable ||= name === UNUSABLE;
  }
  return isUnusable ? UNUSABLE : undefined;
}

/** What stands for a user that is none; no record takes it, and no store gives it. */
const UNUSABLE = '\0unusable';
let hasWarnedOfUser = false;

/** A user as the record names them; `UNUSABLE` for what can be no name. */
function nameOf(value: unknown, warns: boolean = true): string | undefined {
  const stored = asStored(value);
  if (stored === undefined || stored === null || stored === '' || stored === false) return undefined;
  if (stored !== UNUSABLE && (typeof stored === 'string' || typeof stored === 'bigint' || (typeof stored === 'number' && Number.isFinite(stored)))) return String(stored);
  if (warns && !hasWarnedOfUser) {
    hasWarnedOfUser = true;
    const message = 'the user of a session is no text and no number: logins are refused, because they cannot be recorded; give the option user, a function that gives the id of the user';
    process.emitWarning(message, { type: 'IndelibleWarning' });
  }
  return UNUSABLE;
}

/** What names a user: the value itself, or the id in it. */
function idOf(value: unknown): unknown {
  const stored = asStored(value);
  if (typeof stored !== 'object' || stored === null || Array.isArray(stored)) return stored;
  const { id, _id } = stored as { id?: unknown; _id?: unknown };
  return id ?? _id ?? (Object.keys(stored).length === 0 ? undefined : stored);
}

/** A value as a store keeps it, which writes JSON: an id that is an object in memory is a text from the next request on. */
function asStored(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  try {
    const { toJSON } = value as { toJSON?: unknown };
    return typeof toJSON === 'function' ? (toJSON.call(value, '') as unknown) : value;
  } catch {
    return UNUSABLE;
  }
}
