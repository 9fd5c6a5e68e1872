import { captureSessions, type KoaContext } from '@indelible/session/koa-session';
import { describe, expect, it } from 'vitest';
import { adapter, FailingStore, startKoa, type Context } from './koa-session-app.ts';
import { describeAdapter, type AdapterUnderTest } from './suite.ts';
import { expectNoReturn } from './support/no-return.ts';
import { eventsOf } from './support/scenario.ts';
import { MINUTE, startWorld, type World } from './support/world.ts';

describeAdapter(adapter);

type More = (ctx: Context, next: () => Promise<void>) => Promise<void>;

/** The suite's application with other options of koa-session, and a middleware before its routes. */
async function startVariant(options: object, more?: More): Promise<World & { readonly store: FailingStore }> {
  const store = new FailingStore();
  const variant: AdapterUnderTest = {
    ...adapter,
    start: (given) => startKoa(given, { store, maxAge: given.policy.idleMs, ...options } as never, store, more),
  };
  return Object.assign(await startWorld(variant), { store });
}

async function events(world: World): Promise<string[]> {
  return eventsOf(await world.entries());
}

describe('koa-session, more closely', () => {
  it('stores a session when its login is on the record, and not before', async () => {
    const world = await startVariant({});
    let recorded: string[] = [];
    const { set } = world.store;
    world.store.set = async (key, value) => {
      if ('userId' in (value as object)) recorded = await events(world);
      return set.call(world.store, key, value);
    };
    await world.browser().login('ada');
    expect(recorded).toEqual(['login']);
    await world.close();
  });

  it('extends by use as its options say', async () => {
    for (const [options, expected] of [[{}, ['login', 'timeout']], [{ renew: true }, ['login', 'extend']], [{ rolling: true }, ['login', 'extend', 'extend', 'extend']]] as const) {
      const world = await startVariant(options);
      const ada = world.browser();
      await ada.login('ada');
      world.pass(5 * MINUTE);
      await ada.get('/me');
      await world.entries();
      world.pass(9 * MINUTE);
      await ada.get('/me');
      await world.entries();
      world.pass(2 * MINUTE);
      expect((await ada.get('/me')).status).toBe(expected.includes('extend' as never) ? 200 : 401);
      expect(await events(world)).toEqual(expected);
      await world.close();
    }
  });

  it('tells sessions that live in their cookie alone apart by an id in it', async () => {
    const world = await startVariant({ store: undefined, rolling: true });
    const ada = world.browser();
    await ada.get('/me');
    await ada.login('ada');
    const thief = ada.clone();
    world.pass(2 * MINUTE);
    expect((await ada.get('/me')).body).toEqual({ user: 'ada' });
    await world.entries();
    await ada.post('/logout');
    expect((await ada.get('/me')).status).toBe(401);
    // koa-session would let it in: nothing but the record knows that this session is over.
    expect((await thief.get('/me')).status).toBe(401);
    const entries = await world.entries();
    expect(eventsOf(entries)).toEqual(['login', 'extend', 'logout', 'session_use_after_end']);
    expect(new Set(entries.map(({ sessionId }) => sessionId)).size).toBe(1);

    const bob = world.browser();
    await bob.login('bob');
    const late = bob.clone();
    world.pass(16 * MINUTE);
    expect((await late.get('/me')).status).toBe(401);
    expect((await events(world)).slice(4)).toEqual(['login', 'timeout']);
    await world.close();
  });

  it('refuses a login whose cookie is the session', async () => {
    const world = await startVariant({ store: undefined });
    const ada = world.browser();
    world.port.isDown = true;
    expect((await ada.login('ada')).status).toBe(503);
    expect((await ada.get('/me')).status).toBe(401);
    await world.close();
  });

  it('gives away nothing of an answer that is refused, or of an error behind a login', async () => {
    const world = await startVariant({}, async (ctx, next) => {
      if (!ctx.path.startsWith('/token')) return next();
      if (ctx.session !== null) ctx.session['userId'] = 'ada';
      ctx.set('authorization', 'Bearer t0ken');
      ctx.set('access-control-allow-origin', '*');
      if (ctx.path === '/token/throws') throw new Error('t0ken');
      ctx.body = 't0ken';
    });
    world.port.isDown = true;
    for (const path of ['/token', '/token/throws']) {
      const response = await fetch(new URL(path, world.app.url));
      expect(response.status).toBe(503);
      expect(response.headers.get('authorization')).toBeNull();
      expect(response.headers.get('access-control-allow-origin')).toBe('*');
      expect(await response.text()).toMatch(/could not be recorded/);
    }
    expect([...world.store.rows.values()].join('')).not.toContain('ada');
    await world.close();
  });

  it('records a login whose route throws: koa-session stores the session all the same', async () => {
    const world = await startVariant({}, async (ctx, next) => {
      if (ctx.path !== '/throws') return next();
      if (ctx.session !== null) ctx.session['userId'] = 'ada';
      throw new Error('too late');
    });
    expect((await fetch(new URL('/throws', world.app.url))).status).toBe(500);
    expect([...world.store.rows.values()].join('')).toContain('ada');
    expect(await events(world)).toEqual(['login']);
    await world.close();
  });

  it('counts what the application commits itself, and nothing else, with autoCommit: false', async () => {
    const world = await startVariant({ autoCommit: false }, async (ctx, next) => {
      await next();
      if (!('forget' in ctx.query)) await ctx.session?.manuallyCommit();
    });
    const ada = world.browser();
    await ada.post('/login?user=ada&forget');
    expect(await events(world)).toEqual([]);
    await ada.login('ada');
    expect(await ada.get('/me')).toMatchObject({ status: 200 });
    world.port.isDown = true;
    expect((await world.browser().login('bob')).status).toBe(503);
    expect([...world.store.rows.values()].join('')).not.toContain('bob');
    expect(await events(world)).toEqual(['login']);
    await world.close();
  });

  it('knows a key that comes in a header', async () => {
    const externalKey = { get: (ctx: KoaContext) => ctx.headers['x-session'] ?? '', set: (ctx: KoaContext, key: string) => ctx.set('x-session', key) };
    const world = await startVariant({ externalKey });
    const response = await fetch(new URL('/login?user=ada', world.app.url), { method: 'POST' });
    const headers = { 'x-session': response.headers.get('x-session') ?? '' };
    expect((await fetch(new URL('/me', world.app.url), { headers })).status).toBe(200);
    expect((await fetch(new URL('/logout', world.app.url), { method: 'POST', headers })).status).toBe(200);
    world.pass(MINUTE);
    expect((await fetch(new URL('/me', world.app.url), { headers })).status).toBe(401);
    expect(await events(world)).toEqual(['login', 'logout', 'session_use_after_end']);
    expect(await world.text()).not.toContain(headers['x-session']);
    await world.close();
  });

  it('does not let a request that is under way bring a session back', async () => {
    const world = await startVariant({ rolling: true });
    await expectNoReturn(world);
    await world.close();
  });

  it('says where it belongs', async () => {
    const world = await startVariant({});
    const middleware = captureSessions({ tracker: world.tracker });
    const ctx = { req: { socket: {} }, headers: {}, path: '/', method: 'GET' } as unknown as KoaContext;
    await expect(middleware(ctx, () => Promise.resolve())).rejects.toMatchObject({ code: 'ERR_SESSION_OPTION_INVALID' });
    expect(() => captureSessions({ tracker: {} as never })).toThrow(expect.objectContaining({ code: 'ERR_SESSION_OPTION_INVALID' }) as Error);
    await world.close();
  });
});
