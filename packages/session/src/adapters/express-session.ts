import type { Request, RequestHandler, Response } from 'express';
import type { SessionData } from 'express-session';
import { parseAddress } from '../client-address.ts';
import { SessionError } from '../error.ts';
import type { Snapshot } from '../tracker/request-change.ts';
import { type ExpressStore, StoreWatch, type StoreVisit } from './express-store.ts';
import { passportFailures, type PassportLike } from './passport-failures.ts';
import { type CaptureOptions, type FailedLogin, outlivesRefusal, REFUSAL, requestCapture, type RequestDescription, usualFailure, type Visit } from './request-capture.ts';
import { expireCookie } from './session-cookie.ts';
import { type Gate, gateResponse, isGated } from './response-gate.ts';

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
  response: Response;
  /** The session that it came with, until it has ended. */
  sid: string | undefined;
  /** What the application set for its session cookie, or will set. */
  cookie: SessionData['cookie'] | undefined;
}

const ADDRESS = Symbol('indelible client address');

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
    failedLogin: failedLogin ?? (({ req, res }) => refusedBy(passportFailure?.(req)) ?? usualFailure(req.method, pathOf(req), res.statusCode)),
  });
  const stores = new StoreWatch((sid) => {
    const open = tracker.find(sid);
    if (open !== undefined) void tracker.revoke({ sessionId: open.sessionId }, { reason: 'destroyed_in_store', initiator: 'system' }).catch(warn);
  });
  if (store !== undefined) stores.watch(storeOf(store));

  const snapshot = (req: Request, deadline: (cookie: SessionData['cookie']) => number | undefined): Snapshot => {
    const userId = hasSession(req) ? capture.userOf(req.session) : undefined;
    return userId === undefined ? NOBODY : { sid: req.sessionID, userId, idleDeadlineMs: deadline(req.session.cookie) };
  };
  /** Says what became of a request; resolves when its response may go out. */
  const settle = (req: Request, res: Response, visit: ExpressVisit, isEnd: boolean): ReturnType<Gate> => {
    const context = { req, res };
    asked = visit;
    if (!hasSession(req) && visit.before.userId !== undefined && !visit.isDestroyed) {
      // req.session = null: express-session destroys it at the very end, or not at all, as its option `unset` says.
      if (isEnd) {
        process.nextTick(() => {
          leave(visit);
          asked = visit;
          if (visit.isDestroyed) void capture.finish(context, visit, NOBODY)?.catch(warn);
        });
      }
      return undefined;
    }
    if (isEnd) leave(visit);
    const after = snapshot(req, touchedDeadline);
    const endedSid = visit.presentedSid ?? (after.userId === undefined ? visit.before.sid : undefined);
    if (enforce && endedSid !== undefined && visit.cookie !== undefined) expireCookie(req, res, endedSid, visit.cookie);
    // What another request has ended must not be stored again by this one; the end is the other's to tell.
    const isOfAnother = visit.isDestroyed && hasSession(req) && req.sessionID === visit.before.sid;
    if (isOfAnother || capture.isSuperseded(visit, after)) return isEnd ? endSession(req) : undefined;
    return capture.finish(context, visit, after)?.catch(() => refusal(req, res));
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
    const address = { socketAddress: addressOf(req), headers: req.headers };
    const visit = capture.visit(address, req.headers['user-agent'], `${req.method} ${pathOf(req)}`) as ExpressVisit;
    visit.isDestroyed = false;
    visit.response = res;
    visit.next = undefined;
    visit.cookie = req.session.cookie;
    visit.presentedSid = stores.presented(req);
    const found = snapshot(req, storedDeadline);
    const isOver = capture.begin(visit, found);
    visit.sid = found.sid;
    if (visit.sid !== undefined) stores.enter(visit.sid, visit);
    gateResponse(res, (isEnd) => settle(req, res, visit, isEnd));
    if (!isOver) {
      next();
      return;
    }
    req.session.regenerate((error: unknown) => {
      leave(visit);
      visit.isDestroyed = false;
      next(error ?? undefined);
    });
  };
}

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
function endSession(req: Request): Promise<void> {
  return new Promise((resolve) => {
    if (hasSession(req)) req.session.destroy(() => resolve());
    else resolve();
  });
}

/** Ends the session of a login that is not on the record; gives what answers then. */
async function refusal(req: Request, res: Response): Promise<() => void> {
  await endSession(req);
  return () => {
    if (res.headersSent) {
      res.destroy();
      return;
    }
    for (const header of res.getHeaderNames()) if (!outlivesRefusal(header)) res.removeHeader(header);
    for (const [header, value] of REFUSAL.headers) res.setHeader(header, value);
    res.statusCode = REFUSAL.status;
    res.end(REFUSAL.body);
  };
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
