import { type KoaContext, type KoaSession, type SessionContext, SessionOfRequest } from './koa-session-request.ts';
import { type CaptureOptions, outlivesRefusal, REFUSAL, requestCapture, usualFailure } from './request-capture.ts';

export type { KoaContext, KoaSession } from './koa-session-request.ts';
export type { CaptureOptions, FailedLogin, RequestDescription, User } from './request-capture.ts';

/** Options of {@link captureSessions}. */
export interface KoaCaptureOptions<Context extends KoaContext = KoaContext> extends CaptureOptions<Context, KoaSession> {
  /** Where a session that lives in its cookie alone, and so has no id, keeps the one that it is given. Default `auditId`. */
  readonly idKey?: string | undefined;
}

/**
 * A Koa middleware that puts the sessions of koa-session on the record; no route calls it.
 *
 * Use it directly behind koa-session, which stores the session when this middleware is through: a login is on the record before.
 * A login that cannot be recorded ends the session and is answered 503, in place of the route's answer and its headers; a session
 * whose absolute deadline has passed, or that the record has ended, is replaced by a new one before the route. A route that saves
 * the session itself, or writes to `ctx.res`, does so before its login is recorded.
 *
 * @throws SessionError `ERR_SESSION_OPTION_INVALID`, `ERR_SESSION_TRUST_INVALID`.
 */
export function captureSessions<Context extends KoaContext = KoaContext>(
  options: KoaCaptureOptions<Context>,
): (ctx: Context, next: () => Promise<unknown>) => Promise<void> {
  const { idKey = 'auditId', failedLogin = (ctx: Context) => usualFailure(ctx.method, ctx.path, ctx.status) } = options;
  const capture = requestCapture<Context, KoaSession>({ ...options, failedLogin });
  return async (context, next) => {
    const ctx = context as Context & SessionContext;
    const address = { socketAddress: ctx.req.socket.remoteAddress, headers: ctx.headers };
    const visit = capture.visit(address, ctx.headers['user-agent'], `${ctx.method} ${ctx.path}`);
    const session = new SessionOfRequest(ctx, capture.userOf, idKey);
    visit.presentedSid = session.presentedSid();
    if (capture.begin(visit, session.atStart(), session.touchedDeadlineMs())) await session.replace();
    const admitted = capture.admit(visit);
    if (admitted !== undefined && !(await admitted)) {
      await session.end();
      refuse(ctx);
      return;
    }
    let failure: { readonly error: unknown } | undefined;
    try {
      await next();
    } catch (error) {
      failure = { error };
    }
    // koa-session stores the session in any case, so what it holds is told in any case.
    const after = session.atEnd(visit.before);
    if (capture.isSuperseded(visit, after)) {
      await session.end();
    } else {
      const recorded = capture.finish(failure === undefined ? ctx : withError(ctx, failure.error), visit, after);
      try {
        if (recorded !== undefined) await recorded;
      } catch {
        if (failure !== undefined) ctx.app.emit('error', failure.error, ctx);
        await session.end();
        refuse(ctx);
        return;
      }
    }
    if (failure !== undefined) throw failure.error;
  };
}

/** The context as it will be when Koa has answered with the error. */
function withError<Context extends KoaContext>(ctx: Context, error: unknown): Context {
  const { status } = (error ?? {}) as { status?: unknown };
  return Object.create(ctx, { status: { value: typeof status === 'number' ? status : 500 } }) as Context;
}

function refuse(ctx: KoaContext): void {
  if (ctx.headerSent) {
    ctx.res.destroy();
    return;
  }
  for (const header of ctx.res.getHeaderNames()) if (!outlivesRefusal(header)) ctx.remove(header);
  ctx.status = REFUSAL.status;
  ctx.body = REFUSAL.body;
  for (const [header, value] of REFUSAL.headers) ctx.set(header, value);
}
