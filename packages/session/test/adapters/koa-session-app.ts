import { createServer } from 'node:http';
import { captureSessions, type KoaContext, type KoaSession } from '@indelible/session/koa-session';
import Koa from 'koa';
import session, { type CreateSessionOptions } from 'koa-session';
import type { AdapterUnderTest, RunningApp, StartOptions } from './adapter-under-test.ts';

/** A store that can be away, and that keeps what a store outside of the process would: text. */
export class FailingStore {
  isDown = false;
  readonly rows = new Map<string, string>();

  async get(key: string): Promise<unknown> {
    await this.#answer();
    const row = this.rows.get(key);
    return row === undefined ? undefined : JSON.parse(row);
  }

  async set(key: string, value: unknown): Promise<void> {
    await this.#answer();
    this.rows.set(key, JSON.stringify(value));
  }

  async destroy(key: string): Promise<void> {
    await this.#answer();
    this.rows.delete(key);
  }

  async #answer(): Promise<void> {
    await new Promise(setImmediate);
    if (this.isDown) throw new Error('the store is away');
  }
}

export type Context = KoaContext & { readonly query: Record<string, string | undefined>; session: KoaSession | null; throw(status: number): never };

/** The routes that the suite calls; none of them knows of a record, but for the administrator's. */
async function route(ctx: Context, { tracker }: Pick<StartOptions, 'tracker'>, store: FailingStore): Promise<void> {
  const { user = '', fail, delay = '0' } = ctx.query;
  ctx.body = {};
  switch (`${ctx.method} ${ctx.path}`) {
    case 'GET /':
      return;
    case 'GET /me': {
      const userId = ctx.session?.['userId'];
      await new Promise((resolve) => setTimeout(resolve, Number(delay)));
      if (userId === undefined) ctx.throw(401);
      ctx.body = { user: userId };
      return;
    }
    case 'POST /login':
      if (fail !== undefined) ctx.throw(401);
      // A new id for the new user: whatever id the visitor had may be known to somebody else.
      await ctx.session?.regenerate();
      if (ctx.session !== null) ctx.session['userId'] = user;
      return;
    case 'POST /logout':
      ctx.session = null;
      return;
    case 'POST /extend':
      await ctx.session?.save();
      return;
    case 'POST /regenerate':
      await ctx.session?.regenerate();
      return;
    case 'POST /switch':
      if (ctx.session !== null) ctx.session['userId'] = user;
      return;
    case 'POST /admin/revoke':
      for (const [key, row] of store.rows) if ((JSON.parse(row) as { userId?: string }).userId === user) store.rows.delete(key);
      await tracker.revoke({ userId: user }, { initiator: 'admin' });
      return;
    default:
      ctx.status = 404;
  }
}

/** Starts the application with these options of koa-session, and a middleware before its routes. */
export async function startKoa(
  options: StartOptions,
  sessionOptions: CreateSessionOptions,
  store: FailingStore,
  more: (ctx: Context, next: () => Promise<void>) => Promise<void> = (_ctx, next) => next(),
): Promise<RunningApp> {
  const { tracker, trustProxy, secret, details } = options;
  const app = new Koa();
  app.keys = [secret];
  app.silent = true;
  // #region use
  app.use(session(sessionOptions, app));
  app.use(
    captureSessions({
      tracker,
      trustProxy,
      describe: (ctx) => ({ explicitExtension: ctx.path === '/extend', details }),
    }),
  );
  // #endregion use
  app.use((ctx) => more(ctx as unknown as Context, () => route(ctx as unknown as Context, options, store)));
  const serve = app.callback();
  const server = createServer({ maxHeaderSize: 256 * 1024 }, (request, response) => void serve(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`,
    failStore(isDown) {
      store.isDown = isDown;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export const adapter: AdapterUnderTest = {
  name: 'koa-session',
  title: 'koa-session 7.0.2, Koa 3.3.0, with a store',
  module: import.meta.url,
  start(options) {
    const store = new FailingStore();
    return startKoa(options, { store, maxAge: options.policy.idleMs, rolling: true } as unknown as CreateSessionOptions, store);
  },
};
