import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { captureSessions, type ExpressCaptureOptions } from '@indelible/session/express-session';
import express, { type Express, type NextFunction, type Request, type RequestHandler, type Response } from 'express';
import session from 'express-session';
import type { AdapterUnderTest, RunningApp, StartOptions } from './adapter-under-test.ts';

declare module 'express-session' {
  interface SessionData {
    userId: string;
  }
}

type Call = (...args: unknown[]) => void;

/** A store that can be away: every call then ends in an error. */
function canFail<Kind extends session.Store>(store: Kind): { readonly store: Kind; failStore(isDown: boolean): void } {
  let isDown = false;
  for (const method of ['get', 'set', 'destroy', 'touch'] as const) {
    const call = store[method]!.bind(store) as Call;
    (store as unknown as Record<string, Call>)[method] = (...args) => {
      const done = args.at(-1);
      if (!isDown) return call(...args);
      if (typeof done === 'function') setImmediate(() => (done as Call)(new Error('the store is away')));
    };
  }
  return {
    store,
    failStore(down) {
      isDown = down;
    },
  };
}

const regenerate = (req: Request): Promise<void> => new Promise((resolve, reject) => req.session.regenerate((error) => (error ? reject(error as Error) : resolve())));
const destroy = (req: Request): Promise<void> => new Promise((resolve, reject) => req.session.destroy((error) => (error ? reject(error as Error) : resolve())));
const named = ({ query }: Request): string => (typeof query['user'] === 'string' ? query['user'] : '');

/** The routes that the suite calls; none of them knows of a record, but for the administrator's. */
function addRoutes(app: Express, { tracker }: Pick<StartOptions, 'tracker'>): void {
  app.get('/', (_req, res) => void res.json({}));
  app.get('/me', async (req, res) => {
    await new Promise((resolve) => setTimeout(resolve, Number(req.query['delay'] ?? 0)));
    const { userId } = req.session;
    res.status(userId === undefined ? 401 : 200).json(userId === undefined ? {} : { user: userId });
  });
  app.post('/login', async (req, res) => {
    if (req.query['fail'] !== undefined) return void res.status(401).json({});
    await regenerate(req);
    req.session.userId = named(req);
    res.json({});
  });
  app.post('/logout', async (req, res) => {
    await destroy(req);
    res.status(204).end();
  });
  app.post('/extend', (req, res) => {
    req.session.touch();
    res.json({});
  });
  app.post('/regenerate', async (req, res) => {
    const { userId } = req.session;
    await regenerate(req);
    if (userId !== undefined) req.session.userId = userId;
    res.json({});
  });
  app.post('/switch', (req, res) => {
    req.session.userId = named(req);
    res.json({});
  });
  app.post('/admin/revoke', async (req, res) => {
    await tracker.revoke({ userId: named(req) }, { initiator: 'admin', reason: 'by_admin' });
    res.status(204).end();
  });
}

/** Serves an application on a port of its own. */
async function serve(app: Express): Promise<{ readonly url: string; readonly server: Server; close(): Promise<void> }> {
  const server = createServer({ maxHeaderSize: 262_144 }, app);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    server,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** What an application may do otherwise. */
export interface Variation {
  readonly store?: session.Store;
  readonly session?: Partial<session.SessionOptions>;
  readonly capture?: Partial<ExpressCaptureOptions>;
  /** Called behind the middleware of the sessions, before the usual routes. */
  mount?(app: Express, capture: RequestHandler): void;
}

/** An application of Express with express-session, as its documentation says. */
export async function startExpress({ tracker, policy, trustProxy, secret, details }: StartOptions, variation: Variation = {}): Promise<RunningApp> {
  const { store, failStore } = canFail(variation.store ?? new session.MemoryStore());
  const app = express();
  app.use(session({ store, secret, resave: false, saveUninitialized: false, cookie: { maxAge: policy.idleMs }, ...variation.session }));
  const capture = captureSessions({
    tracker,
    store,
    trustProxy,
    describe: ({ req }) => ({ explicitExtension: req.path === '/extend', details }),
    ...variation.capture,
  });
  app.use(capture);
  variation.mount?.(app, capture);
  addRoutes(app, { tracker });
  app.use((_error: unknown, _req: Request, res: Response, _next: NextFunction) => void res.status(500).json({}));
  const { url, close } = await serve(app);
  return { url, failStore, close };
}

/** express-session with its memory store. */
export const adapter: AdapterUnderTest = {
  name: 'express-session',
  title: 'express-session 1.19.0, Express 5.3.0 and the memory store',
  module: import.meta.url,
  start: (options) => startExpress(options),
};
