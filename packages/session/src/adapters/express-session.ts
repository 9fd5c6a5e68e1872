import { ServerResponse, STATUS_CODES } from 'node:http';
import type { Request, RequestHandler, Response } from 'express';
import type { SessionData } from 'express-session';
import { parseAddress } from '../client-address.ts';
import { SessionError } from '../error.ts';
import type { Snapshot } from '../tracker/request-change.ts';
import { type ExpressStore, StoreWatch, type StoreVisit, watchSessions } from './express-store.ts';
import { passportFailures, type PassportLike } from './passport-failures.ts';
import { type CaptureOptions, type FailedLogin, outlivesRefusal, REFUSAL, requestCapture, type RequestDescription, usualFailure, type Visit } from './request-capture.ts';
import { expireCookie } from './session-cookie.ts';
import { canBeGated, type Gate, gateResponse, isGated } from './response-gate.ts';

export type { CaptureOptions, FailedLogin, RequestDescription, User } from './request-capture.ts';
export type { PassportLike } from './passport-failures.ts';

/** What Express hands to a route. */
export interface ExpressContext {
  readonly req: Request;
  readonly res: Response;
}

/** Options of {@link captureSessions}. */
export interface ExpressCaptureOptions extends CaptureOptions<ExpressContext, SessionData> {
  /** The store of express-session. Without it the first request of the process is not asked for a cookie that the store does not know. */
  readonly store?: unknown;
  /** Passport, where it is used: its strategies' failures are failed logins then, whatever is answered. */
  readonly passport?: PassportLike | undefined;
}

interface ExpressVisit extends Visit, StoreVisit {
  request: Request;
  readonly response: Response;
  /** The session that it came with, until its response is closed. */
  sid: string | undefined;
  /** What the application set for its session cookie, or will set. */
  cookie: SessionData['cookie'] | undefined;
  /** Its answer is held back. */
  isHeld: boolean;
  /** The route ended its answer. */
  hasEnded: boolean;
  /** Its answer is on its way, or will never be: what becomes of its session now is told when it happens. */
  isOut: boolean;
  /** What becomes of its session is the middleware's own doing, and told elsewhere. */
  isMute: boolean;
  /** The tracker is being told of its end: the only time that a failed login is asked for. */
  isEnding: boolean;
}

const ADDRESS = Symbol('indelible client address');
const VISIT = Symbol('indelible visit');
/** How long a client that left in the middle of `regenerate` leaves the route to put somebody into the new session. */
const LATE_MS = 1_000;

/**
 * Express middleware that puts the sessions of express-session on the record; no route calls it.
 *
 * Mount it directly behind express-session, once. It compares who is logged in when a request begins and when its response goes
 * out; a response that would tell of a login waits until that is durable. A login that cannot be recorded ends the session and is
 * answered 503 in place of the route's answer and its headers. A request that changes nothing waits for nothing.
 *
 * @throws SessionError `ERR_SESSION_OPTION_INVALID`, `ERR_SESSION_TRUST_INVALID`.
 */
export function captureSessions(options: ExpressCaptureOptions): RequestHandler {
  const { tracker, store, passport, enforce = true, describe, failedLogin } = options;
  /** The visit that the tracker is being told of: `describe` is asked within `finish`. */
  let asked: ExpressVisit | undefined;
  const passportFailure = passport === undefined ? undefined : passportFailures(passport);
  const capture = requestCapture<ExpressContext, SessionData>({
    ...options,
    describe(context) {
      const found = asked === undefined ? undefined : deserializedToNobody(context, asked.before);
      return found === undefined ? describe?.(context) : { ...found, ...describe?.(context) };
    },
    failedLogin: (context) => (asked?.isEnding === true ? failure(context) : undefined),
  });
  const failure = failedLogin ?? (({ req, res }: ExpressContext) => refusedBy(passportFailure?.(req)) ?? usualFailure(req.method, pathOf(req), res.statusCode));
  const stores = new StoreWatch(visitOf, (sid, by) => {
    const visit = by === undefined ? undefined : visitOf(by);
    if (visit === undefined) destroyedFromOutside(sid);
    else if (visit.isOut && !visit.isMute && !visit.isHeld && visit.before.sid === sid) destroyedLate(visit, sid);
    // Else its own end tells.
  });
  if (store !== undefined) stores.watch(storeOf(store));

  const destroyedFromOutside = (sid: string): void => {
    const open = tracker.find(sid);
    if (open === undefined) return;
    const { sessionId, idleDeadlineMs = Infinity, absoluteDeadlineMs = Infinity } = open;
    // A store may destroy what it finds expired.
    const isDue = tracker.isOver(sid) || Math.min(idleDeadlineMs, absoluteDeadlineMs) <= tracker.nowMs();
    const told = isDue ? tracker.presented(sid) : tracker.revoke({ sessionId }, { reason: 'destroyed_in_store', initiator: 'system' });
    told?.catch(warn);
  };
  const destroyedLate = (visit: ExpressVisit, sid: string): void => {
    const { request } = visit;
    if (!hasSession(request)) {
      void tell(visit, NOBODY)?.catch(warn);
      return;
    }
    // For `regenerate`: the route has yet to say who is in the new session.
    setTimeout(() => {
      if (visit.before.sid !== sid) return;
      void tell(visit, snapshot(request, storedDeadline))?.catch(() => refusal(visit));
    }, LATE_MS).unref();
  };
  const snapshot = (req: Request, deadline: (cookie: SessionData['cookie']) => number | undefined): Snapshot => {
    const userId = hasSession(req) ? userOf(req.session) : undefined;
    return userId === undefined ? NOBODY : { sid: req.sessionID, userId, idleDeadlineMs: deadline(req.session.cookie) };
  };
  /** What a session cannot be asked is nobody's; the response goes its way. */
  const userOf = (session: SessionData): string | undefined => {
    try {
      return capture.userOf(session);
    } catch (error) {
      process.emitWarning(`the option user threw, so the session counts as nobody's: ${String(error)}`, { type: 'IndelibleWarning' });
      return undefined;
    }
  };
  const tell = (visit: ExpressVisit, after: Snapshot): Promise<void> | undefined => {
    asked = visit;
    const { request } = visit;
    const path = (request.route as { readonly path?: unknown } | undefined)?.path;
    // A parameter may be a secret (`/login/:token`): the route's pattern says as much to an auditor.
    if (typeof path === 'string' && /[:*]/.test(path)) {
      (visit as Opened<ExpressVisit>).origin = { ...visit.origin, resource: `${request.method} ${request.baseUrl}${path}` };
    }
    return capture.finish({ req: visit.request, res: visit.response }, visit, after);
  };
  /** Says what became of a request; resolves when its response may go out. */
  const settle = (visit: ExpressVisit, deadline = touchedDeadline): ReturnType<Gate> => {
    const { request: req, response: res } = visit;
    const isDestroyed = visit.destroyedSid !== undefined && visit.destroyedSid === visit.before.sid;
    // req.session = null: express-session destroys it at the very end, or not at all, as its option `unset` says.
    if (!hasSession(req) && visit.before.userId !== undefined && !isDestroyed) return undefined;
    const after = snapshot(req, deadline);
    const endedSid = visit.presentedSid ?? (after.userId === undefined ? visit.before.sid : undefined);
    if (enforce && endedSid !== undefined && visit.cookie !== undefined) expireCookie(req, res, endedSid, visit.cookie);
    // What another request has ended must not be stored again by this one; the end is the other's to tell.
    const isOfAnother = isDestroyed && hasSession(req) && req.sessionID === visit.before.sid;
    if (isOfAnother || capture.isSuperseded(visit, after)) return visit.hasEnded ? endSession(visit) : undefined;
    return tell(visit, after)?.catch(() => refusal(visit));
  };
  /** The same for a response that goes out: what happens to its session later is told when the store confirms it. */
  const pass = (visit: ExpressVisit, isEnd: boolean): ReturnType<Gate> => {
    if (isEnd) visit.hasEnded = visit.isEnding = true;
    const waiting = settle(visit);
    visit.isEnding = false;
    visit.isHeld = waiting !== undefined;
    visit.isOut = visit.hasEnded && !visit.isHeld;
    return waiting;
  };
  /** Of an answer that began: only what changed since matters, and before its end only a login. */
  const passLater = (visit: ExpressVisit): ReturnType<Gate> => {
    const { request: req, before, isHeld } = visit;
    const userId = hasSession(req) ? userOf(req.session) : undefined;
    const isSame = userId === before.userId && (userId === undefined || req.sessionID === before.sid);
    if (!isSame && (isHeld || userId !== undefined)) return pass(visit, false);
    visit.isHeld = false;
    visit.isOut = visit.hasEnded;
    return undefined;
  };
  /** The response is closed: for one whose client left, nobody may ever call `end`. A login that is not stored then is none. */
  const close = (visit: ExpressVisit): void => {
    const { request: req } = visit;
    leave(visit);
    if (visit.isOut || visit.isHeld) return;
    visit.isOut = true;
    const userId = hasSession(req) ? userOf(req.session) : undefined;
    // What the store is still destroying is told when that has happened.
    if (userId !== undefined || visit.isDestroying) return;
    void settle(visit, storedDeadline)?.catch(warn);
  };
  const leave = (visit: ExpressVisit): void => {
    if (visit.sid !== undefined) stores.leave(visit.sid, visit);
    visit.sid = undefined;
  };

  return function captureSession(req, res, next) {
    // Without a session: express-session was told that its store is away, or the path is not its own. With a gate: mounted twice.
    if (!hasSession(req) || isGated(res)) {
      next();
      return;
    }
    stores.watch(req.sessionStore);
    watchSessions(req.session);
    const address = { socketAddress: addressOf(req), headers: req.headers };
    const visit = capture.visit(address, req.headers['user-agent'], `${req.method} ${pathOf(req)}`) as Opened<ExpressVisit>;
    visit.request = req;
    visit.response = res;
    visit.destroyedSid = visit.next = undefined;
    visit.isDestroying = visit.isHeld = visit.hasEnded = visit.isOut = visit.isMute = visit.isEnding = false;
    visit.cookie = req.session.cookie;
    visit.presentedSid = stores.presented(req);
    const found = snapshot(req, storedDeadline);
    const isOver = capture.begin(visit, found, touchedDeadline(req.session.cookie));
    if (canBeGated(res)) {
      (req as Visited)[VISIT] = visit;
      visit.sid = found.sid;
      if (visit.sid !== undefined) stores.enter(visit.sid, visit);
      gateResponse(res, (isEnd) => pass(visit, isEnd), () => passLater(visit));
      res.on('close', () => close(visit));
    } else {
      // An upgrade: there is no answer, neither to wait for nor to tell by.
      void capture.finish({ req, res }, visit, visit.before, NOTHING)?.catch(warn);
    }
    const admitted = isOver ? undefined : capture.admit(visit);
    if (admitted !== undefined) {
      // No route runs as a user whose login is not on the record.
      admitted.then(async (isAdmitted) => (isAdmitted ? next() : (await refusal(visit))())).catch(next);
      return;
    }
    if (!isOver) {
      next();
      return;
    }
    req.session.regenerate((error: unknown) => {
      leave(visit);
      visit.destroyedSid = undefined;
      next(error ?? undefined);
    });
  };
}

type Opened<Type> = { -readonly [Key in keyof Type]: Type[Key] };
type Visited = Request & { [VISIT]?: ExpressVisit };

const NOTHING: RequestDescription = {};
const NOBODY: Snapshot = {};

/** When the session ends unless it is used again: as its cookie will say once express-session has touched it. */
function touchedDeadline(cookie: SessionData['cookie']): number | undefined {
  const { originalMaxAge } = cookie as { originalMaxAge: unknown };
  return typeof originalMaxAge === 'number' ? Date.now() + originalMaxAge : storedDeadline(cookie);
}

/** When the session would have ended without this request. */
function storedDeadline({ expires }: SessionData['cookie']): number | undefined {
  return expires instanceof Date ? expires.getTime() : undefined;
}

/** express-session's types promise a session; there is none behind its destruction, nor where the store is away. */
function hasSession(req: Request): boolean {
  return (req.session as unknown) !== undefined && (req.session as unknown) !== null;
}

/** The path that was asked for, wherever the application mounted what serves it. */
function pathOf({ originalUrl }: Request): string {
  const query = originalUrl.indexOf('?');
  return query < 0 ? originalUrl : originalUrl.slice(0, query);
}

/** A strategy of Passport said no. */
function refusedBy(strategy: string | undefined): FailedLogin | undefined {
  return strategy === undefined ? undefined : { details: { strategy } };
}

/** Passport's `deserializeUser` found nobody: it takes the user out of the session, which goes on. */
function deserializedToNobody({ req }: ExpressContext, before: Snapshot): RequestDescription | undefined {
  if (before.userId === undefined || before.sid !== req.sessionID) return undefined;
  const { passport } = (req.session as { passport?: { user?: unknown } } | undefined) ?? {};
  return passport !== undefined && passport.user === undefined ? { reason: 'account_gone', initiator: 'system' } : undefined;
}

/** Ends a session in the framework. If the store is away: whoever has it finds it over at the next request. */
function endSession(visit: ExpressVisit): Promise<void> {
  const { request } = visit;
  visit.isMute = true;
  return new Promise((resolve) => {
    if (hasSession(request)) request.session.destroy(() => resolve());
    else resolve();
  });
}

/** Ends the session of a login that is not on the record; gives what answers then. */
async function refusal(visit: ExpressVisit): Promise<() => void> {
  const { response: res } = visit;
  // The response's own word is what others are to believe of an answer that is held.
  const hasBegun = Reflect.get(ServerResponse.prototype, 'headersSent', res) as boolean;
  if (hasBegun) res.destroy();
  await endSession(visit);
  return () => {
    if (hasBegun) return;
    for (const header of res.getHeaderNames()) if (!outlivesRefusal(header)) res.removeHeader(header);
    for (const [header, value] of REFUSAL.headers) res.setHeader(header, value);
    res.statusCode = REFUSAL.status;
    res.statusMessage = STATUS_CODES[REFUSAL.status] ?? '';
    res.end(REFUSAL.body);
  };
}

function visitOf(req: Request): ExpressVisit | undefined {
  return (req as Visited)[VISIT];
}

/** The other end of the connection; parsed once for all of its requests. */
function addressOf({ socket }: Request): string | undefined {
  const known = socket as { [ADDRESS]?: string | undefined };
  return (known[ADDRESS] ??= parseAddress(socket.remoteAddress));
}

function warn(error: unknown): void {
  process.emitWarning(`a session event was not recorded: ${String(error)}`, { type: 'IndelibleWarning' });
}

function storeOf(store: unknown): ExpressStore {
  if (typeof (store as ExpressStore | undefined)?.generate === 'function') return store as ExpressStore;
  throw new SessionError('ERR_SESSION_OPTION_INVALID', 'the option store is no store that express-session uses: call session({ store, … }) first', 'store');
}
