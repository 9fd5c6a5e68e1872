import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import session from 'express-session';
import { Passport } from 'passport';
import { Strategy } from 'passport-local';
import { afterEach, describe, expect, it } from 'vitest';
import { gateResponse } from '../dist/adapters/response-gate.js';
import { startExpress, type Variation } from './adapters/express-session-app.ts';
import { eventsOf } from './adapters/support/scenario.ts';
import { startWorld, type World, type WorldOptions } from './adapters/support/world.ts';

let world: World;
afterEach(() => world?.close());

async function start(variation: Variation, options: WorldOptions = {}): Promise<World> {
  const adapter = { name: 'x', title: 'x', module: import.meta.url, start: (given: Parameters<typeof startExpress>[0]) => startExpress(given, variation) };
  world = await startWorld(adapter, options);
  return world;
}
const events = async (): Promise<string[]> => eventsOf(await world.entries());
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('cookies of express-session', () => {
  it.each([
    ['rolling', { rolling: true }],
    ['without an age', { cookie: {} }],
    ['saveUninitialized', { saveUninitialized: true }],
    ['resave', { resave: true }],
    ['another name', { name: 'bank.sid' }],
  ])('%s: login, use, logout', async (_what, options) => {
    await start({ session: options });
    const ada = world.browser();
    await ada.get('/me');
    await ada.login('ada');
    await ada.get('/me');
    await ada.post('/logout');
    expect((await ada.get('/me')).status).toBe(401);
    expect(await events()).toEqual(['login', 'logout']);
  });

  it('a session whose cookie has no age idles out by the policy, at the next request', async () => {
    await start({ session: { cookie: {} } });
    const ada = world.browser();
    await ada.login('ada');
    world.pass(world.policy.idleMs - 1000);
    expect((await ada.get('/me')).status).toBe(200);
    world.pass(world.policy.idleMs + 1000);
    expect((await ada.get('/me')).status).toBe(401);
    expect((await ada.get('/me')).status).toBe(401);
    expect(await events()).toEqual(['login', 'extend', 'timeout']);
  });

  it('enforce: false leaves a session alone that the record has as over', async () => {
    await start({ session: { cookie: {} }, capture: { enforce: false } });
    const ada = world.browser();
    await ada.login('ada');
    world.pass(world.policy.absoluteMs + 1000);
    expect((await ada.get('/me')).status).toBe(200);
    expect((await events()).slice(0, 2)).toEqual(['login', 'timeout']);
  });
});

describe('req.session = null', () => {
  const mount: NonNullable<Variation['mount']> = (app) =>
    app.post('/forget', (req, res) => {
      (req as { session: unknown }).session = null;
      res.json({});
    });

  it('is a logout where express-session destroys the session', async () => {
    await start({ session: { unset: 'destroy' }, mount });
    const ada = world.browser();
    await ada.login('ada');
    await ada.post('/forget');
    expect(await events()).toEqual(['login', 'logout']);
  });

  it('is nothing where it keeps the session', async () => {
    await start({ session: { unset: 'keep' }, mount });
    const ada = world.browser();
    await ada.login('ada');
    await ada.post('/forget');
    expect((await ada.get('/me')).status).toBe(200);
    expect(await events()).toEqual(['login']);
  });
});

it('a session that is destroyed in the store, by whomever, was revoked', async () => {
  const store = new session.MemoryStore();
  await start({ store });
  const ada = world.browser();
  await ada.login('ada');
  const [sid = ''] = Object.keys((store as unknown as { sessions: object }).sessions);
  await new Promise((resolve) => store.destroy(sid, resolve));
  expect((await ada.get('/me')).status).toBe(401);
  const entries = await world.entries();
  expect(eventsOf(entries)).toEqual(['login', 'revoked', 'session_use_after_end']);
  expect(entries[1]).toMatchObject({ userId: 'ada', reason: 'destroyed_in_store', initiator: 'system' });
});

it('a login whose response streams waits as well, and is refused before a byte', async () => {
  await start({
    mount: (app) =>
      app.post('/stream', (req, res) => {
        req.session.userId = 'ada';
        res.setHeader('x-secret', 'a token of the session');
        res.writeHead(200, { 'content-type': 'text/plain' });
        res.write('welcome ');
        setTimeout(() => res.end('ada'), 20);
      }),
  });
  world.port.isDown = true;
  const refused = await fetch(`${world.app.url}/stream`, { method: 'POST' });
  expect([refused.status, refused.headers.get('set-cookie'), refused.headers.get('x-secret')]).toEqual([503, null, null]);
  expect(await refused.text()).not.toContain('welcome');
  world.port.isDown = false;
  const response = await fetch(`${world.app.url}/stream`, { method: 'POST' });
  expect([response.status, await response.text()]).toEqual([200, 'welcome ada']);
  expect(response.headers.getSetCookie()).toHaveLength(1);
  expect(await events()).toEqual(['login']);
});

it('a logout does not wait for a log that is away, and reaches the record later', async () => {
  await start({});
  const ada = world.browser();
  await ada.login('ada');
  world.port.isDown = true;
  const begin = performance.now();
  expect((await ada.post('/logout')).status).toBe(204);
  expect(performance.now() - begin).toBeLessThan(2_000);
  world.port.isDown = false;
  expect((await ada.get('/me')).status).toBe(401);
});

describe('Passport', () => {
  const variation = (user: { gone?: boolean } = {}): Variation => {
    const passport = new Passport();
    passport.use(new Strategy({ usernameField: 'user', passwordField: 'user' }, (name, _password, done) => done(null, name === 'nobody' ? false : { id: name })));
    passport.serializeUser((given, done) => done(null, (given as { id: string }).id));
    passport.deserializeUser((id, done) => done(null, user.gone === true ? false : { id }));
    return {
      capture: { passport },
      mount(app) {
        app.use(passport.initialize(), passport.session());
        app.post('/form', passport.authenticate('local', { successRedirect: '/', failureRedirect: '/form' }));
        app.post('/keep', passport.authenticate('local', { keepSessionInfo: true }), (_req, res) => void res.json({}));
        app.post('/api', passport.authenticate('local', { session: false }), (req, res) => void res.json(req.user));
        app.post('/bye', (req, res, next) => req.logOut({ keepSessionInfo: true }, (error) => (error ? next(error) : void res.json({}))));
        app.get('/who', (req, res) => void res.status(req.user === undefined ? 401 : 200).json({}));
      },
    };
  };

  it('a failure that is answered with a redirect is a failed login, with the strategy', async () => {
    await start(variation());
    expect((await world.browser().post('/form?user=nobody')).status).toBe(302);
    const [failed] = await world.entries();
    expect(failed).toMatchObject({ event: 'login_failed', details: { strategy: 'local' } });
  });

  it('session: false logs nobody in', async () => {
    await start(variation());
    expect((await world.browser().post('/api?user=ada')).body).toEqual({ id: 'ada' });
    expect(await events()).toEqual([]);
  });

  it('a user that is gone is a logout by the system', async () => {
    const user: { gone?: boolean } = {};
    await start(variation(user));
    const ada = world.browser();
    expect((await ada.post('/form?user=ada')).status).toBe(302);
    expect((await ada.get('/who')).status).toBe(200);
    user.gone = true;
    expect((await ada.get('/who')).status).toBe(401);
    const entries = await world.entries();
    expect(eventsOf(entries)).toEqual(['login', 'logout']);
    expect(entries[1]).toMatchObject({ userId: 'ada', reason: 'account_gone', initiator: 'system' });
  });

  it('keepSessionInfo makes no difference', async () => {
    await start(variation());
    const ada = world.browser();
    await ada.get('/me');
    await ada.post('/keep?user=ada');
    await ada.post('/bye');
    const entries = await world.entries();
    expect(eventsOf(entries)).toEqual(['login', 'logout']);
    expect(entries[1]).toMatchObject({ initiator: 'user' });
  });

  it('one that is none is refused', async () => {
    await expect(start({ capture: { passport: {} as never } })).rejects.toMatchObject({ code: 'ERR_SESSION_OPTION_INVALID', field: 'passport' });
    world = undefined as never;
  });
});

describe('the gate before a response', () => {
  async function answer(gate: Parameters<typeof gateResponse>[1], respond: (res: ServerResponse) => void): Promise<{ status: number; text: string }> {
    world = undefined as never;
    const server = createServer((_req, res) => {
      gateResponse(res, gate);
      respond(res);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
      return { status: response.status, text: await response.text() };
    } finally {
      server.close();
    }
  }

  it('keeps what was written in order, says that the buffer is full, and then drains', async () => {
    let drained = 0;
    const full: boolean[] = [];
    const { status, text } = await answer(
      (isEnd) => (isEnd ? undefined : wait(20)),
      (res) => {
        res.on('drain', () => drained++);
        res.writeHead(201);
        res.flushHeaders();
        full.push(res.write('a'), res.write('b'));
        void wait(60).then(() => res.end('c'));
      },
    );
    expect({ status, text, full, drained }).toEqual({ status: 201, text: 'abc', full: [false, false], drained: 1 });
  });

  it('asks at the end again, and only then', async () => {
    const asked: boolean[] = [];
    const gate = (isEnd: boolean): Promise<void> => {
      asked.push(isEnd);
      return wait(1);
    };
    expect((await answer(gate, (res) => res.write('a') || res.end('b'))).text).toBe('ab');
    expect((await answer(gate, (res) => void res.end('c'))).text).toBe('c');
    expect(asked).toEqual([false, true, true]);
  });

  it('drops what was held back where somebody else answers', async () => {
    const { status, text } = await answer(
      () => Promise.resolve(() => undefined),
      (res) => {
        res.end('secret');
        void wait(20).then(() => {
          res.statusCode = 503;
          res.end('no');
        });
      },
    );
    expect([status, text]).toEqual([503, 'no']);
  });

  it('cuts the connection where it fails, or a held call throws', async () => {
    await expect(answer(() => Promise.reject(new Error('x')), (res) => void res.end('a'))).rejects.toThrow();
    await expect(answer(() => wait(1), (res) => void res.writeHead(200, { bad: 'a\nb' }).end('a'))).rejects.toThrow();
  });
});
