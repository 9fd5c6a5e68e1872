import { Readable } from 'node:stream';
import cookie from '@fastify/cookie';
import fastifySession, { type FastifySessionOptions } from '@fastify/session';
import { SessionError } from '@indelible/session';
import { captureSessions } from '@indelible/session/fastify-session';
import { fastify, type FastifyInstance } from 'fastify';
import { describe, expect, it } from 'vitest';
import { adapter, addRoutes, FailingStore } from './fastify-session-app.ts';
import { describeAdapter, type AdapterUnderTest, type StartOptions } from './suite.ts';
import { expectNoReturn } from './support/no-return.ts';
import { eventsOf } from './support/scenario.ts';
import { MINUTE, SECRET, startWorld, type World } from './support/world.ts';

describeAdapter(adapter);

interface Variant {
  readonly session?: Partial<FastifySessionOptions>;
  /** Behind @fastify/session instead of before it. */
  readonly isLast?: boolean;
  readonly routes?: (app: FastifyInstance) => void;
}

/** The suite's application with other options, and more routes. */
async function startVariant({ session: more = {}, isLast = false, routes }: Variant): Promise<World & { readonly store: FailingStore }> {
  const store = new FailingStore();
  const variant: AdapterUnderTest = {
    ...adapter,
    async start(options: StartOptions) {
      const { tracker, policy, secret } = options;
      const session: FastifySessionOptions = { secret, store, cookie: { secure: false, maxAge: policy.idleMs }, ...more };
      const app = fastify();
      app.register(cookie);
      if (isLast) app.register(fastifySession, session);
      app.register(captureSessions, { tracker, session });
      if (!isLast) app.register(fastifySession, session);
      app.after(() => {
        addRoutes(app, options, store);
        routes?.(app);
      });
      return { url: await app.listen({ host: '127.0.0.1', port: 0 }), close: () => app.close() };
    },
  };
  return Object.assign(await startWorld(variant), { store });
}

async function events(world: World): Promise<string[]> {
  return eventsOf(await world.entries());
}

describe('@fastify/session, more closely', () => {
  it('stores a session when its login is on the record, and not before', async () => {
    const world = await startVariant({});
    let recorded: string[] = [];
    const { set } = world.store;
    world.store.set = (sid, session, done) => {
      void events(world).then((found) => {
        recorded = found;
        set.call(world.store, sid, session, done);
      });
    };
    await world.browser().login('ada');
    expect(recorded).toEqual(['login']);
    await world.close();
  });

  it('can be registered before the capture as well', async () => {
    const world = await startVariant({ isLast: true });
    const ada = world.browser();
    await ada.login('ada');
    world.pass(2 * MINUTE);
    await ada.get('/me');
    world.port.isDown = true;
    expect((await world.browser().login('bob')).status).toBe(503);
    world.port.isDown = false;
    expect([...world.store.rows.values()].join('')).not.toContain('bob');
    expect(await events(world)).toEqual(['login', 'extend']);
    await world.close();
  });

  it('gives away nothing of an answer that is refused', async () => {
    const world = await startVariant({
      routes(app) {
        app.post('/token', (request, reply) => {
          request.session.userId = 'ada';
          void reply.header('authorization', 'Bearer t0ken').setCookie('remember', 't0ken').header('access-control-allow-origin', '*');
          return reply.send(Readable.from(['t0', 'ken']));
        });
        app.post('/throws', (request) => {
          request.session.userId = 'ada';
          throw new Error('t0ken');
        });
      },
    });
    world.port.isDown = true;
    for (const path of ['/token', '/throws']) {
      const response = await fetch(new URL(path, world.app.url), { method: 'POST' });
      expect(response.status).toBe(503);
      expect([...response.headers.keys()].filter((name) => !/^(connection|date|keep-alive)$/.test(name)).toSorted()).toEqual(
        [...(path === '/token' ? ['access-control-allow-origin'] : []), 'cache-control', 'content-length', 'content-type'],
      );
      expect(await response.text()).toMatch(/could not be recorded/);
    }
    expect([...world.store.rows.values()].join('')).not.toContain('ada');
    await world.close();
  });

  it('does not leave a login on the record whose session could not be stored', async () => {
    const world = await startVariant({
      routes(app) {
        app.post('/store-goes-away', (request) => {
          request.session.userId = 'ada';
          world.store.isDown = true;
          return {};
        });
      },
    });
    const ada = world.browser();
    expect((await ada.post('/store-goes-away')).status).toBe(500);
    const entries = await world.entries();
    expect(entries).toMatchObject([{ event: 'login' }, { event: 'logout', reason: 'session_not_stored', initiator: 'system' }]);
    expect(ada.cookies.size).toBe(0);
    await world.close();
  });

  it('extends nothing by use with rolling: false, and says so', async () => {
    const world = await startVariant({ session: { rolling: false, saveUninitialized: false } });
    const ada = world.browser();
    await ada.login('ada');
    world.pass(10 * MINUTE);
    expect((await ada.get('/me')).status).toBe(200);
    world.pass(6 * MINUTE);
    expect((await ada.get('/me')).status).toBe(401);
    const entries = await world.entries();
    expect(eventsOf(entries)).toEqual(['login', 'timeout']);
    expect(entries[1]?.timestamp).toBe(entries[0]?.idleDeadline);
    await world.close();
  });

  it('records nothing of a session that will not be kept: a secure cookie over http', async () => {
    const world = await startVariant({ session: { cookie: {} } });
    expect((await world.browser().login('ada')).status).toBe(200);
    expect(await events(world)).toEqual([]);
    await world.close();
  });

  it('knows its cookie by name and prefix, and under older secrets', async () => {
    const secrets = [SECRET];
    const world = await startVariant({ session: { cookieName: 'bank', cookiePrefix: 's:', secret: secrets } });
    const ada = world.browser();
    await ada.login('ada');
    const thief = ada.clone();
    secrets.unshift('a newer secret for cookies, of 32 characters or more');
    expect((await ada.get('/me')).body).toEqual({ user: 'ada' });
    await ada.post('/logout');
    world.pass(MINUTE);
    await thief.get('/me');
    expect(await events(world)).toEqual(['login', 'logout', 'session_use_after_end']);
    await world.close();
  });

  it('sees what happens in a reply that a route hijacks', async () => {
    const world = await startVariant({
      routes(app) {
        app.post('/hijack', async (request, reply) => {
          reply.hijack();
          request.session.userId = 'ada';
          await request.session.save();
          reply.raw.end('{}');
        });
      },
    });
    await world.browser().post('/hijack');
    expect(await events(world)).toEqual(['login']);
    await world.close();
  });

  it('names a route by its pattern: in a path there may be a secret', async () => {
    const world = await startVariant({
      routes(app) {
        app.post('/links/:token', (request) => {
          request.session.userId = 'ada';
          return {};
        });
      },
    });
    await world.browser().post('/links/s3cret?key=s3cret');
    expect(await world.entries()).toMatchObject([{ event: 'login', resource: 'POST /links/:token' }]);
    expect(await world.text()).not.toContain('s3cret');
    await world.close();
  });

  it('does not let a request that is under way bring a session back', async () => {
    const world = await startVariant({});
    await expectNoReturn(world);
    await world.close();
  });

  it('refuses a login whose session id can be none', async () => {
    const world = await startVariant({ session: { idGenerator: () => 'bad\0id' } });
    const ada = world.browser();
    expect((await ada.login('ada')).status).toBe(503);
    expect((await ada.get('/me')).status).toBe(401);
    expect(await events(world)).toEqual([]);
    await world.close();
  });

  it('refuses options that it cannot work with', async () => {
    const register = async (options: object): Promise<unknown> => {
      const app = fastify();
      app.register(cookie);
      app.register(captureSessions, options as never);
      return app.ready().then(() => undefined, (error: unknown) => error);
    };
    const world = await startWorld(adapter);
    const { tracker } = world;
    const session = { secret: SECRET };
    for (const options of [{ tracker: Promise.resolve(tracker), session }, { tracker }, { tracker, session: {} }, { tracker, session, trustProxy: ['nonsense'] }, { tracker, session }]) {
      const error = await register(options);
      expect(error).toBeInstanceOf(SessionError);
      expect((error as SessionError).code).toMatch(/^ERR_SESSION_(OPTION|TRUST)_INVALID$/);
    }
    await world.close();
  });
});
