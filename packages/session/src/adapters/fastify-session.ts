import { Signer } from '@fastify/cookie';
import type { FastifySessionOptions } from '@fastify/session';
import type { FastifyPluginAsync, FastifyReply, FastifyRequest, Session } from 'fastify';
import { SessionError } from '../error.ts';
import type { Snapshot } from '../tracker/request-change.ts';
import { type CaptureOptions, outlivesRefusal, REFUSAL, requestCapture, usualFailure, type Visit } from './request-capture.ts';

export type { CaptureOptions, FailedLogin, RequestDescription, User } from './request-capture.ts';

/** What Fastify hands to a route. */
export interface FastifyContext {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

/** Options of {@link captureSessions}. */
export interface FastifyCaptureOptions extends CaptureOptions<FastifyContext, Session> {
  /** The options that `@fastify/session` is registered with: the very same object. */
  readonly session: FastifySessionOptions;
}

interface FastifyVisit extends Visit {
  hasBegun: boolean;
  hasEnded: boolean;
  isLogin: boolean;
}

type LiveSession = FastifyRequest['session'];
type Work = Promise<void> | undefined;

/**
 * A Fastify plugin that puts the sessions of `@fastify/session` on the record; no route calls it.
 *
 * Register it behind `@fastify/cookie` and before `@fastify/session`, in the same context: then a login is on the record before
 * its session is stored. Behind `@fastify/session` it works too, but the session is stored before its login is recorded. A login
 * that cannot be recorded ends the session and is answered 503, in place of the route's answer and its headers; a session whose
 * absolute deadline has passed, or that the record has ended, is replaced by a new one before the route. A reply that a route
 * hijacks is looked at when it has been sent, too late to be refused.
 *
 * Registering fails with SessionError `ERR_SESSION_OPTION_INVALID` or `ERR_SESSION_TRUST_INVALID`.
 */
export const captureSessions: FastifyPluginAsync<FastifyCaptureOptions> = async (fastify, options) => {
  const { failedLogin = ({ request, reply }: FastifyContext) => usualFailure(request.method, pathOf(request), reply.statusCode) } = options;
  const capture = requestCapture<FastifyContext, Session>({ ...options, failedLogin });
  const { cookieName = 'sessionId', cookiePrefix = '', rolling = true, saveUninitialized = true, secret, algorithm } = sessionOptions(options);
  const signer = typeof secret === 'string' || Array.isArray(secret) ? new Signer(secret, algorithm) : secret;
  const visitKey = Symbol('session capture');
  fastify.decorateRequest(visitKey, null);

  const visitOf = (request: FastifyRequest): FastifyVisit | undefined => (request as { [visitKey]?: FastifyVisit | null })[visitKey] ?? undefined;
  const signedId = (request: FastifyRequest): string | undefined => {
    const cookie = request.cookies[cookieName];
    return cookie?.startsWith(cookiePrefix) === true ? cookie.slice(cookiePrefix.length) : undefined;
  };
  const snapshot = (session: LiveSession, expires: Date | null | undefined): Snapshot => ({
    sid: session.sessionId,
    userId: capture.userOf(session),
    idleDeadlineMs: expires?.getTime(),
  });
  const begin = (request: FastifyRequest, visit: FastifyVisit): Work => {
    const session = liveSession(request);
    if (visit.hasBegun || session === undefined) return undefined;
    visit.hasBegun = true;
    const signed = signedId(request);
    const sid = signed === undefined || signed === session.encryptedSessionId ? null : signer.unsign(signed).value;
    // Another id than the one that came: @fastify/session found no session for that, or one that had expired.
    if (sid !== null && sid !== session.sessionId) visit.presentedSid = sid;
    // What it restores, it prolongs at once: the deadline that was stored is the original one.
    const { originalExpires = session.cookie.expires } = session.cookie as { originalExpires?: Date };
    return capture.begin(visit, snapshot(session, originalExpires), rolling ? session.cookie.expires?.getTime() : undefined) ? session.regenerate() : undefined;
  };
  // As @fastify/session decides it, whose hook comes later.
  const willBeSaved = (request: FastifyRequest, session: LiveSession): boolean => {
    if (session.cookie.secure === true && request.protocol !== 'https') return false;
    return (signedId(request) === session.encryptedSessionId ? rolling : saveUninitialized) || session.isModified();
  };
  const finish = (request: FastifyRequest, reply: FastifyReply, visit: FastifyVisit): Work => {
    const session = liveSession(request);
    let after: Snapshot = {};
    if (session !== undefined) {
      if (session.isSaved() || (!reply.sent && willBeSaved(request, session))) after = snapshot(session, session.cookie.expires);
      else if (session.sessionId === visit.before.sid) after = visit.before;
    }
    visit.hasEnded = true;
    visit.isLogin = after.userId !== undefined && after.userId !== visit.before.userId;
    return capture.isSuperseded(visit, after) ? end(request) : capture.finish({ request, reply }, visit, after);
  };

  fastify.addHook('onRequest', (request, _reply, next) => {
    const address = { socketAddress: request.socket.remoteAddress, headers: request.headers };
    const visit = { ...capture.visit(address, request.headers['user-agent'], `${request.method} ${pathOf(request)}`), hasBegun: false, hasEnded: false, isLogin: false };
    (request as { [visitKey]?: FastifyVisit })[visitKey] = visit;
    whenDone(begin(request, visit), next);
  });
  fastify.addHook('preParsing', (request, reply, _payload, next) => {
    const visit = visitOf(request);
    if (visit === undefined) {
      next();
      return;
    }
    const begun = begin(request, visit);
    const admitted = capture.admit(visit);
    if (admitted === undefined) {
      whenDone(begun, next);
      return;
    }
    void admitted.then((mayRun) => (mayRun ? next() : refuse(request, reply, null).then((body) => void reply.send(body))));
  });
  fastify.addHook('onSend', (request, reply, payload, next) => {
    const visit = visitOf(request);
    let recorded: Work;
    if (visit?.isLogin === true && liveSession(request)?.isSaved() === false) {
      // Here again, with an error for an answer: the login was recorded, and then its session could not be stored.
      forget(request);
      visit.isLogin = false;
      recorded = capture.finish({ request, reply }, visit, {}, { reason: 'session_not_stored', initiator: 'system' });
    } else if (visit !== undefined) {
      recorded = finish(request, reply, visit);
    }
    if (recorded === undefined) next();
    else recorded.then(() => next(), () => void refuse(request, reply, payload).then((body) => next(null, body)));
  });
  // A reply that was hijacked, or that the hooks of others kept from onSend.
  fastify.addHook('onResponse', (request, reply, next) => {
    const visit = visitOf(request);
    const recorded = visit === undefined || visit.hasEnded ? undefined : finish(request, reply, visit);
    whenDone(recorded?.catch(() => end(request)), next);
  });
  fastify.addHook('onReady', (next) => {
    next(fastify.hasRequestDecorator('session') ? undefined : invalid('there is no @fastify/session in the context of captureSessions'));
  });
};

// What fastify-plugin does: the hooks are those of the context that it is registered in, and it comes behind the cookies.
Object.assign(captureSessions, {
  [Symbol.for('skip-override')]: true,
  [Symbol.for('plugin-meta')]: { name: '@indelible/session', fastify: '5.x', dependencies: ['@fastify/cookie'] },
});

function sessionOptions({ session }: FastifyCaptureOptions): FastifySessionOptions {
  const { secret } = (session as FastifySessionOptions | undefined) ?? {};
  if (secret !== undefined) return session;
  throw invalid('the option session of captureSessions must be the object that @fastify/session is registered with');
}

/** The route's pattern: in its parameters, and in what no route matches, there may be secrets. */
function pathOf(request: FastifyRequest): string {
  return request.routeOptions.url ?? request.url.split('?', 1)[0] ?? '';
}

/** The session; undefined before there is one, behind its destruction, and for a path that its cookie is not meant for. */
function liveSession(request: FastifyRequest): LiveSession | undefined {
  const session = request.session as Partial<LiveSession> | null;
  return typeof session?.sessionId === 'string' ? request.session : undefined;
}

function forget(request: FastifyRequest): void {
  (request as { session: LiveSession | null }).session = null;
}

async function end(request: FastifyRequest): Promise<void> {
  try {
    await liveSession(request)?.destroy();
  } catch {
    // The store is away as well. Nobody is given the session, and whoever has it already finds its login refused again.
  }
  forget(request);
}

async function refuse(request: FastifyRequest, reply: FastifyReply, payload: unknown): Promise<string> {
  const unsent = payload as { destroy?: () => void; cancel?: () => Promise<void> } | null;
  unsent?.destroy?.();
  await Promise.all([end(request), unsent?.cancel?.().catch(() => undefined)]);
  for (const header of Object.keys(reply.getHeaders())) if (!outlivesRefusal(header)) reply.removeHeader(header);
  for (const [header, value] of REFUSAL.headers) reply.header(header, value);
  reply.code(REFUSAL.status);
  return REFUSAL.body;
}

function whenDone(work: Work, next: (error?: Error) => void): void {
  if (work === undefined) next();
  else work.then(() => next(), next);
}

function invalid(message: string): SessionError {
  return new SessionError('ERR_SESSION_OPTION_INVALID', message, 'session');
}
