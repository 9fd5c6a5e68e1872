import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto';
import { serve } from '@hono/node-server';
import { captureSessions } from '@indelible/session/hono';
import { Hono, type Context } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import { createMiddleware } from 'hono/factory';
import type { AdapterUnderTest, RunningApp, StartOptions } from './adapter-under-test.ts';

interface Own {
  readonly sid: string;
  readonly userId: string;
  readonly expiresMs: number;
}

interface Env {
  Variables: { session: Own | undefined; cameWith: string | undefined };
}

/** The hand-made sessions of an application: a signed id in a cookie, rows in a store. */
class OwnSessions {
  isDown = false;
  readonly rows = new Map<string, Own>();
  readonly #secret: string;
  readonly #idleMs: number;

  constructor(secret: string, idleMs: number) {
    this.#secret = secret;
    this.#idleMs = idleMs;
  }

  sign(sid: string): string {
    return `${sid}.${createHmac('sha256', this.#secret).update(sid).digest('base64url')}`;
  }

  verify(cookie: string): string | undefined {
    const [sid = ''] = cookie.split('.', 1);
    const [given, own] = [Buffer.from(cookie), Buffer.from(this.sign(sid))];
    return given.length === own.length && timingSafeEqual(given, own) ? sid : undefined;
  }

  create(userId: string): Own {
    return { sid: randomUUID(), userId, expiresMs: Date.now() + this.#idleMs };
  }

  read(sid: string): Own | undefined {
    if (this.isDown) throw new Error('the store is away');
    const row = this.rows.get(sid);
    return row === undefined || row.expiresMs <= Date.now() ? undefined : row;
  }

  prolong(session: Own): Own {
    return { ...session, expiresMs: Date.now() + this.#idleMs };
  }

  /** Stores what the request leaves, when the capture is through with it. */
  readonly middleware = createMiddleware<Env>(async (c, next) => {
    const cookie = getCookie(c, 'sid');
    const sid = cookie === undefined ? undefined : this.verify(cookie);
    const found = sid === undefined ? undefined : this.read(sid);
    c.set('cameWith', sid);
    c.set('session', found === undefined ? undefined : this.prolong(found));
    await next();
    const left = c.get('session');
    if (sid !== undefined && left?.sid !== sid) this.rows.delete(sid);
    if (left !== undefined) this.rows.set(left.sid, left);
    if (left !== undefined) setCookie(c, 'sid', this.sign(left.sid), { httpOnly: true, path: '/' });
  });
}

/** The routes that the suite calls; none of them knows of a record, but for the administrator's. */
function addRoutes(app: Hono<Env>, { tracker }: Pick<StartOptions, 'tracker'>, sessions: OwnSessions): void {
  const named = (c: Context<Env>): string => c.req.query('user') ?? '';
  app.get('/', (c) => c.json({}));
  app.get('/me', async (c) => {
    const user = c.get('session')?.userId;
    await new Promise((resolve) => setTimeout(resolve, Number(c.req.query('delay') ?? 0)));
    return user === undefined ? c.json({}, 401) : c.json({ user });
  });
  app.post('/login', (c) => {
    if (c.req.query('fail') !== undefined) return c.json({}, 401);
    c.set('session', sessions.create(named(c)));
    return c.json({});
  });
  app.post('/logout', (c) => {
    c.set('session', undefined);
    deleteCookie(c, 'sid');
    return c.body(null, 204);
  });
  app.post('/extend', (c) => c.json({}));
  app.post('/regenerate', (c) => {
    const session = c.get('session');
    c.set('session', session === undefined ? undefined : sessions.create(session.userId));
    return c.json({});
  });
  app.post('/switch', (c) => {
    const session = c.get('session');
    c.set('session', session === undefined ? undefined : { ...session, userId: named(c) });
    return c.json({});
  });
  app.post('/admin/revoke', async (c) => {
    for (const [sid, row] of sessions.rows) if (row.userId === named(c)) sessions.rows.delete(sid);
    await tracker.revoke({ userId: named(c) }, { initiator: 'admin' });
    return c.json({});
  });
}

export const adapter: AdapterUnderTest = {
  name: 'hono-own-session',
  title: 'hand-made sessions, Hono 4.13.19 on Node',
  module: import.meta.url,
  start({ tracker, policy, trustProxy, secret, details }): Promise<RunningApp> {
    const sessions = new OwnSessions(secret, policy.idleMs);
    const app = new Hono<Env>();
    app.onError((_error, c) => c.json({}, 500));
    app.use(sessions.middleware);
    // #region use
    app.use(
      captureSessions<Context<Env>>({
        tracker,
        trustProxy,
        read(c) {
          const session = c.get('session');
          return session && { sid: session.sid, user: session.userId, idleDeadlineMs: session.expiresMs };
        },
        end: (c) => c.set('session', undefined),
        presented: (c) => c.get('cameWith'),
        describe: (c) => ({ explicitExtension: c.req.path === '/extend', details }),
      }),
    );
    // #endregion use
    addRoutes(app, { tracker }, sessions);
    return new Promise((resolve) => {
      const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0, serverOptions: { maxHeaderSize: 256 * 1024 } }, ({ port }) => {
        resolve({
          url: `http://127.0.0.1:${port}`,
          failStore(isDown) {
            sessions.isDown = isDown;
          },
          close: () =>
            new Promise((closed) => {
              server.close(() => closed());
              if ('closeAllConnections' in server) server.closeAllConnections();
            }),
        });
      });
    });
  },
};
