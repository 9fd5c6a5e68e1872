import { serve } from '@hono/node-server';
import { captureHonoSessions } from '@indelible/session/hono';
import { Hono, type Context } from 'hono';
import { deleteCookie } from 'hono/cookie';
import { sessionMiddleware, type Session, type SessionData, type SessionOptions, type Store } from 'hono-sessions';
import type { AdapterUnderTest, RunningApp, StartOptions } from './adapter-under-test.ts';

export type Env = { Variables: { session: Session<{ userId: string }>; session_key_rotation: boolean } };

/** A store that can be away, and that keeps what a store outside of the process would: text. */
export class FailingStore implements Store {
  isDown = false;
  readonly rows = new Map<string, string>();

  async getSessionById(sid = ''): Promise<SessionData | null> {
    await this.#answer();
    const row = this.rows.get(sid);
    return row === undefined ? null : (JSON.parse(row) as SessionData);
  }

  async createSession(sid: string, data: SessionData): Promise<void> {
    await this.persistSessionData(sid, data);
  }

  async persistSessionData(sid: string, data: SessionData): Promise<void> {
    await this.#answer();
    this.rows.set(sid, JSON.stringify(data));
  }

  async deleteSession(sid: string): Promise<void> {
    await this.#answer();
    this.rows.delete(sid);
  }

  async #answer(): Promise<void> {
    await new Promise(setImmediate);
    if (this.isDown) throw new Error('the store is away');
  }
}

/** The routes that the suite calls; none of them knows of a record, but for the administrator's. */
function addRoutes(app: Hono<Env>, { tracker }: Pick<StartOptions, 'tracker'>, store: FailingStore): void {
  const named = (c: Context<Env>): string => c.req.query('user') ?? '';
  app.get('/', (c) => c.json({}));
  app.get('/me', async (c) => {
    const user = c.get('session').get('userId');
    await new Promise((resolve) => setTimeout(resolve, Number(c.req.query('delay') ?? 0)));
    return user === null ? c.json({}, 401) : c.json({ user });
  });
  app.post('/login', (c) => {
    if (c.req.query('fail') !== undefined) return c.json({}, 401);
    c.get('session').set('userId', named(c));
    c.set('session_key_rotation', true);
    return c.json({});
  });
  app.post('/logout', (c) => {
    c.get('session').deleteSession();
    deleteCookie(c, 'session');
    return c.body(null, 204);
  });
  app.post('/extend', (c) => {
    c.get('session').touch();
    return c.json({});
  });
  app.post('/regenerate', (c) => {
    c.set('session_key_rotation', true);
    return c.json({});
  });
  app.post('/switch', (c) => {
    c.get('session').set('userId', named(c));
    return c.json({});
  });
  app.post('/admin/revoke', async (c) => {
    for (const [sid, row] of store.rows) if ((JSON.parse(row) as SessionData)._data['userId']?.value === named(c)) store.rows.delete(sid);
    await tracker.revoke({ userId: named(c) }, { initiator: 'admin' });
    return c.json({});
  });
}

/** Starts the application with these options of hono-sessions, and more routes. */
export async function startHono(options: StartOptions, session: SessionOptions, store: FailingStore, more?: (app: Hono<Env>) => void): Promise<RunningApp> {
  const { tracker, trustProxy, details } = options;
  const app = new Hono<Env>();
  app.onError((_error, c) => c.json({}, 500));
  // #region use
  app.use(
    captureHonoSessions({
      tracker,
      trustProxy,
      sessionMiddleware,
      session,
      describe: (c) => ({ explicitExtension: c.req.path === '/extend', details }),
    }),
  );
  // #endregion use
  addRoutes(app, options, store);
  more?.(app);
  return new Promise((resolve) => {
    const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0, serverOptions: { maxHeaderSize: 256 * 1024 } }, ({ port }) => {
      resolve({
        url: `http://127.0.0.1:${port}`,
        failStore(isDown) {
          store.isDown = isDown;
        },
        close: () =>
          new Promise((closed) => {
            server.close(() => closed());
            if ('closeAllConnections' in server) server.closeAllConnections();
          }),
      });
    });
  });
}

export const adapter: AdapterUnderTest = {
  name: 'hono',
  title: 'hono-sessions 0.8.1, Hono 4.13.19 on Node',
  module: import.meta.url,
  start(options) {
    const store = new FailingStore();
    return startHono(options, { store, encryptionKey: options.secret, expireAfterSeconds: options.policy.idleMs / 1000 }, store);
  },
};
