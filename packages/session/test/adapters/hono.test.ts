import { captureHonoSessions, captureSessions } from '@indelible/session/hono';
import type { Hono } from 'hono';
import { CookieStore, sessionMiddleware, type SessionOptions } from 'hono-sessions';
import { describe, expect, it } from 'vitest';
import { adapter, FailingStore, startHono, type Env } from './hono-app.ts';
import { adapter as ownSession } from './hono-own-session-app.ts';
import { describeAdapter, type AdapterUnderTest } from './suite.ts';
import { expectNoReturn } from './support/no-return.ts';
import { eventsOf } from './support/scenario.ts';
import { MINUTE, SECRET, startWorld, type World } from './support/world.ts';

describeAdapter(adapter);
describeAdapter(ownSession);

/** The suite's application with other options of hono-sessions, and more routes. */
async function startVariant(options: Partial<SessionOptions>, more?: (app: Hono<Env>) => void): Promise<World & { readonly store: FailingStore }> {
  const store = new FailingStore();
  const variant: AdapterUnderTest = {
    ...adapter,
    start: (given) => startHono(given, { store, expireAfterSeconds: given.policy.idleMs / 1000, ...options }, store, more),
  };
  return Object.assign(await startWorld(variant), { store });
}

async function events(world: World): Promise<string[]> {
  return eventsOf(await world.entries());
}

describe('hono-sessions, more closely', () => {
  it('stores a session when its login is on the record, and not before', async () => {
    const world = await startVariant({});
    let recorded: string[] = [];
    const { createSession } = world.store;
    world.store.createSession = async (sid, data) => {
      if ('userId' in data._data) recorded = await events(world);
      return createSession.call(world.store, sid, data);
    };
    await world.browser().login('ada');
    expect(recorded).toEqual(['login']);
    await world.close();
  });

  it('takes a login without a new id as it is', async () => {
    const world = await startVariant({}, (app) => {
      app.post('/fixed', (c) => {
        c.get('session').set('userId', 'ada');
        return c.json({});
      });
    });
    const ada = world.browser();
    await ada.get('/me');
    await ada.post('/fixed');
    world.port.isDown = true;
    expect((await world.browser().post('/fixed')).status).toBe(503);
    world.port.isDown = false;
    expect((await ada.get('/me')).body).toEqual({ user: 'ada' });
    expect(await events(world)).toEqual(['login']);
    expect([...world.store.rows.values()].filter((row) => row.includes('ada'))).toHaveLength(1);
    await world.close();
  });

  it('gives away nothing of an answer that is refused', async () => {
    const world = await startVariant({}, (app) => {
      for (const path of ['/token', '/token/rotated']) {
        app.post(path, (c) => {
          c.get('session').set('userId', 'ada');
          if (path === '/token/rotated') c.set('session_key_rotation', true);
          c.header('authorization', 'Bearer t0ken');
          c.header('access-control-allow-origin', '*');
          return c.text('t0ken');
        });
      }
    });
    world.port.isDown = true;
    for (const path of ['/token', '/token/rotated']) {
      const response = await fetch(new URL(path, world.app.url), { method: 'POST' });
      expect(response.status).toBe(503);
      expect([...response.headers.keys()].filter((name) => !/^(connection|date|keep-alive|transfer-encoding|content-length)$/.test(name)).toSorted()).toEqual(
        ['access-control-allow-origin', 'cache-control', 'content-type'],
      );
      expect(await response.text()).toMatch(/could not be recorded/);
    }
    expect([...world.store.rows.values()].join('')).not.toContain('ada');
    await world.close();
  });

  it('does not leave a login on the record whose session could not be stored', async () => {
    const world = await startVariant({}, (app) => {
      app.post('/store-goes-away', (c) => {
        c.get('session').set('userId', 'ada');
        c.set('session_key_rotation', c.req.query('rotate') !== undefined);
        world.store.isDown = true;
        return c.json({});
      });
    });
    expect((await world.browser().post('/store-goes-away')).status).toBe(500);
    expect(await world.entries()).toMatchObject([{ event: 'login' }, { event: 'logout', reason: 'session_not_stored', initiator: 'system' }]);
    await world.close();
  });

  it('extends nothing by use with autoExtendExpiration: false', async () => {
    const world = await startVariant({ autoExtendExpiration: false });
    const ada = world.browser();
    await ada.login('ada');
    world.pass(10 * MINUTE);
    expect((await ada.get('/me')).status).toBe(200);
    world.pass(6 * MINUTE);
    expect((await ada.get('/me')).status).toBe(401);
    expect(await events(world)).toEqual(['login', 'timeout']);
    await world.close();
  });

  it('tells sessions that live in their cookie alone apart by an id in it', async () => {
    const world = await startVariant({ store: new CookieStore(), encryptionKey: SECRET });
    const ada = world.browser();
    await ada.get('/me');
    await ada.login('ada');
    const thief = ada.clone();
    world.pass(2 * MINUTE);
    expect((await ada.get('/me')).body).toEqual({ user: 'ada' });
    await world.entries();
    await ada.post('/logout');
    // hono-sessions would let it in: nothing but the record knows that this session is over.
    expect((await thief.get('/me')).status).toBe(401);
    world.port.isDown = true;
    const bob = world.browser();
    expect((await bob.login('bob')).status).toBe(503);
    expect((await bob.get('/me')).status).toBe(401);
    world.port.isDown = false;
    expect(await events(world)).toEqual(['login', 'extend', 'logout', 'session_use_after_end']);
    await world.close();
  });

  it('does not let a request that is under way bring a session back', async () => {
    const world = await startVariant({});
    await expectNoReturn(world);
    await world.close();
  });

  it('refuses options that it cannot work with', async () => {
    const world = await startVariant({});
    const { tracker } = world;
    const invalid = expect.objectContaining({ code: expect.stringMatching(/^ERR_SESSION_(OPTION|TRUST)_INVALID$/) as string }) as Error;
    expect(() => captureSessions({ tracker: {} as never, read: () => undefined, end: () => undefined })).toThrow(invalid);
    expect(() => captureHonoSessions({ tracker, sessionMiddleware, session: { store: world.store }, trustProxy: ['nonsense'] })).toThrow(invalid);
    await world.close();
  });
});
