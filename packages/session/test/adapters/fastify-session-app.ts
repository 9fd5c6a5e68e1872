import cookie from '@fastify/cookie';
import fastifySession, { type FastifySessionOptions } from '@fastify/session';
import { captureSessions } from '@indelible/session/fastify-session';
import { fastify, type FastifyInstance } from 'fastify';
import type { AdapterUnderTest, RunningApp, StartOptions } from './adapter-under-test.ts';

declare module 'fastify' {
  interface Session {
    userId?: string;
  }
}

type Done = (error?: Error) => void;
type Query = { readonly user?: string; readonly fail?: string; readonly delay?: string };

/** A store that can be away, and that keeps what a store outside of the process would: text. */
export class FailingStore {
  isDown = false;
  readonly rows = new Map<string, string>();

  set(sid: string, session: object, done: Done): void {
    this.#answer(done, () => void this.rows.set(sid, JSON.stringify(session)));
  }

  get(sid: string, done: (error: Error | null, session?: never) => void): void {
    const row = this.rows.get(sid);
    setImmediate(() => (this.isDown ? done(away()) : done(null, (row === undefined ? undefined : JSON.parse(row)) as never)));
  }

  destroy(sid: string, done: Done): void {
    this.#answer(done, () => void this.rows.delete(sid));
  }

  #answer(done: Done, work: () => void): void {
    setImmediate(() => {
      if (this.isDown) return done(away());
      work();
      done();
    });
  }
}

function away(): Error {
  return new Error('the store is away');
}

/** The routes that the suite calls; none of them knows of a record, but for the administrator's. */
export function addRoutes(app: FastifyInstance, { tracker }: Pick<StartOptions, 'tracker'>, store: FailingStore): void {
  app.get('/', () => ({}));
  app.get<{ Querystring: Query }>('/me', async (request, reply) => {
    const { userId } = request.session;
    await new Promise((resolve) => setTimeout(resolve, Number(request.query.delay ?? 0)));
    return userId === undefined ? reply.code(401).send({}) : { user: userId };
  });
  app.post<{ Querystring: Query }>('/login', async (request, reply) => {
    if (request.query.fail !== undefined) return reply.code(401).send({});
    await request.session.regenerate();
    request.session.userId = request.query.user ?? '';
    return {};
  });
  app.post('/logout', async (request, reply) => {
    await request.session.destroy();
    return reply.clearCookie('sessionId').code(204).send();
  });
  app.post('/extend', (request) => {
    request.session.touch();
    return {};
  });
  app.post('/regenerate', async (request) => {
    await request.session.regenerate(['userId']);
    return {};
  });
  app.post<{ Querystring: Query }>('/switch', (request) => {
    request.session.userId = request.query.user ?? '';
    return {};
  });
  app.post<{ Querystring: Query }>('/admin/revoke', async (request) => {
    const { user = '' } = request.query;
    for (const [sid, row] of store.rows) if ((JSON.parse(row) as { userId?: string }).userId === user) store.rows.delete(sid);
    await tracker.revoke({ userId: user }, { initiator: 'admin' });
    return {};
  });
}

export const adapter: AdapterUnderTest = {
  name: 'fastify-session',
  title: '@fastify/session 11.1.3, Fastify 5.12.8',
  module: import.meta.url,
  async start(options): Promise<RunningApp> {
    const { tracker, policy, trustProxy, secret, details } = options;
    const store = new FailingStore();
    const session: FastifySessionOptions = { secret, store, cookie: { secure: false, maxAge: policy.idleMs } };
    const app = fastify({ forceCloseConnections: true, http: { maxHeaderSize: 256 * 1024 } });
    app.register(cookie);
    app.register(captureSessions, {
      tracker, trustProxy, session,
      describe: ({ request }) => ({ explicitExtension: request.url === '/extend', details }),
    });
    app.register(fastifySession, session);
    app.after(() => addRoutes(app, options, store));
    const url = await app.listen({ host: '127.0.0.1', port: 0 });
    return {
      url,
      failStore(isDown) {
        store.isDown = isDown;
      },
      close: () => app.close(),
    };
  },
};
