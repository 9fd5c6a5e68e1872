import cookie from '@fastify/cookie';
import fastifySession, { type FastifySessionOptions } from '@fastify/session';
import type { SessionTracker } from '@indelible/session';
import { captureSessions, type FailedLogin, type FastifyContext } from '@indelible/session/fastify-session';
import { fastify, type FastifyInstance } from 'fastify';
import { POLICY } from './middleware/sessionLogger.ts';
import { addRoutes } from './routes.ts';
import { isUser } from './users.ts';

declare module 'fastify' {
  interface Session {
    userId?: string;
  }
}

/** Options of `createApp`. */
export interface AppOptions {
  readonly tracker: SessionTracker;
  /** Signs the cookies: at least 32 characters, the same after each restart. */
  readonly cookieSecret: string;
}

/** The ticket desk. What makes it record its sessions is one `register`; its routes know nothing of that. */
export function createApp({ tracker, cookieSecret }: AppOptions): FastifyInstance {
  const app = fastify();
  // #region use
  const session: FastifySessionOptions = {
    secret: cookieSecret,
    saveUninitialized: false,
    cookie: { secure: 'auto', httpOnly: true, sameSite: 'strict', maxAge: POLICY.idleMs },
  };
  app.register(cookie);
  app.register(captureSessions, {
    tracker,
    session,
    trustProxy: ['127.0.0.1', '::1'],
    describe: ({ request }) => ({ explicitExtension: request.url === '/session/extend' }),
    failedLogin,
  });
  app.register(fastifySession, session);
  // #endregion use
  app.after(() => addRoutes(app));
  return app;
}

// #region failed
/** A name that nobody has may be a password in the wrong field: it is not recorded. */
function failedLogin({ request, reply }: FastifyContext): FailedLogin | undefined {
  if (request.url !== '/login' || reply.statusCode !== 401) return undefined;
  const { user } = request.body as { user: string };
  return isUser(user) ? { userId: user, reason: 'wrong_password' } : { reason: 'unknown_user' };
}
// #endregion failed
