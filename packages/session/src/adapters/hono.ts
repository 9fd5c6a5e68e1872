import type { Snapshot } from '../tracker/request-change.ts';
import { beginVisit, concludeVisit, type HonoAddressOption, type HonoContext, type HonoMiddleware, refuse, usualHonoFailure } from './hono-request.ts';
import { type CaptureOptions, requestCapture, type User } from './request-capture.ts';

export { captureHonoSessions } from './hono-sessions.ts';
export type { HonoAddressOption, HonoContext, HonoMiddleware } from './hono-request.ts';
export type { HonoSession, HonoSessionsCaptureOptions, HonoSessionsOptions } from './hono-sessions.ts';
export type { CaptureOptions, FailedLogin, RequestDescription, User } from './request-capture.ts';

/** A session as a hand-made middleware has it. */
export interface OwnSession {
  /** The secret id. It is hashed, and not recorded. */
  readonly sid: string;
  readonly user: User;
  readonly idleDeadlineMs?: number | undefined;
  readonly absoluteDeadlineMs?: number | undefined;
}

/** Options of {@link captureSessions}. */
export interface HonoCaptureOptions<Context extends HonoContext> extends Omit<CaptureOptions<Context, never>, 'user'>, HonoAddressOption<Context> {
  /** The session of a request, asked when it begins and when it ends; nothing where there is none, or none any more. */
  readonly read: (c: Context) => OwnSession | null | undefined;
  /** Destroys the session of a request, stored or not, and has `read` give nothing. */
  readonly end: (c: Context) => void | Promise<void>;
  /** The session id that the request came with, its signature checked, whether there is such a session or not. */
  readonly presented?: ((c: Context) => string | undefined) | undefined;
}

/**
 * A Hono middleware that puts the sessions of a hand-made session middleware on the record; no route calls it.
 *
 * Use it directly behind that middleware, which MUST store the session when this one is through. A login that cannot be recorded
 * ends the session and is answered 503, in place of the route's answer and its headers; a session whose absolute deadline has
 * passed, or that the record has ended, is ended before the route.
 *
 * @throws SessionError `ERR_SESSION_OPTION_INVALID`, `ERR_SESSION_TRUST_INVALID`.
 */
export function captureSessions<Context extends HonoContext>(options: HonoCaptureOptions<Context>): HonoMiddleware<Context> {
  const { read, end, presented, failedLogin = usualHonoFailure } = options;
  const capture = requestCapture<Context, OwnSession>({ ...options, failedLogin, user: (session) => session.user });
  const snapshot = (session: OwnSession | null | undefined): Snapshot => {
    const userId = session === null || session === undefined ? undefined : capture.userOf(session);
    if (session === null || session === undefined || userId === undefined) return {};
    const { sid, idleDeadlineMs, absoluteDeadlineMs } = session;
    return { sid, userId, idleDeadlineMs, absoluteDeadlineMs };
  };
  return async (c, next) => {
    const visit = beginVisit(capture, c, options);
    const session = read(c);
    const came = presented?.(c);
    if (came !== undefined && came !== session?.sid) visit.presentedSid = came;
    if (capture.begin(visit, snapshot(session))) await end(c);
    const admitted = capture.admit(visit);
    if (admitted !== undefined && !(await admitted)) {
      await end(c);
      await refuse(c);
      return;
    }
    await next();
    await concludeVisit(capture, c, visit, snapshot(read(c)), () => end(c));
  };
}
