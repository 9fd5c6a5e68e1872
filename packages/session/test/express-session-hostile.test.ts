import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { pipeline, Readable } from 'node:stream';
import { captureSessions } from '@indelible/session/express-session';
import express, { type Express, type Request, type Response } from 'express';
import session from 'express-session';
import { Passport } from 'passport';
import { Strategy as Local } from 'passport-local';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { gateResponse } from '../dist/adapters/response-gate.js';
import { startExpress, type Variation } from './adapters/express-session-app.ts';
import { eventsOf } from './adapters/support/scenario.ts';
import { startWorld, type World, type WorldOptions } from './adapters/support/world.ts';

let world: World;
let warnings: string[];
const onWarning = ({ message }: Error): void => void warnings.push(message);
beforeEach(() => {
  warnings = [];
  process.on('warning', onWarning);
});
afterEach(async () => {
  process.off('warning', onWarning);
  await world?.close();
});

async function start(variation: Variation, options: WorldOptions = {}): Promise<World> {
  const adapter = { name: 'x', title: 'x', module: import.meta.url, start: (given: Parameters<typeof startExpress>[0]) => startExpress(given, variation) };
  world = await startWorld(adapter, options);
  return world;
}
const mounted = (mount: (app: Express) => void, rest: Variation = {}): Promise<World> => start({ ...rest, mount });
const events = async (): Promise<string[]> => eventsOf(await world.entries());
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const login = (req: Request, user = 'ada'): void => void (req.session.userId = user);

/** Each entry takes a while to become durable. */
function slowLog(ms: number): void {
  const append = world.port.append.bind(world.port);
  world.port.append = async (event) => {
    await wait(ms);
    return append(event);
  };
}

/** What comes back on a connection, byte by byte. */
async function raw(path: string, ms = 500): Promise<string> {
  const socket = connect(Number(new URL(world.app.url).port), '127.0.0.1');
  let text = '';
  socket.on('data', (data) => (text += String(data)));
  socket.on('error', () => undefined);
  socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\nGET /other HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
  await Promise.race([once(socket, 'close'), wait(ms)]);
  socket.destroy();
  return text;
}

it('an application that is reached through a router, or called, writes behind the gate as well', async () => {
  const sub = express();
  sub.get('/login', (req, res) => {
    login(req);
    res.write(req.query['next'] as string);
    res.end();
  });
  sub.get('/flush', (req, res) => {
    login(req);
    res.setHeader('x-token', 'secret');
    res.flushHeaders();
    res.end();
  });
  await mounted((app) => {
    const router = express.Router();
    router.use('/sub', sub);
    app.use(router);
    app.use('/called', (req, res) => (sub as unknown as (req: Request, res: Response) => void)(req, res));
  });
  slowLog(50);
  for (const path of ['/sub/login?next=evil', '/called/login?next=evil', '/sub/flush']) expect(await raw(path)).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  world.port.isDown = true;
  for (const path of ['/sub/login?next=evil', '/called/login?next=evil', '/sub/flush']) {
    const text = await raw(path);
    expect(text).toMatch(/^HTTP\/1\.1 503 /);
    expect(text).not.toMatch(/evil|secret/);
  }
});

describe('while an answer is held', () => {
  it('it has been sent, as far as anybody can see, and cannot be changed', async () => {
    const seen: unknown[] = [];
    await mounted((app) => {
      app.get('/held', (req, res) => {
        login(req);
        res.statusMessage = 'Fine';
        res.status(201).send('welcome');
        seen.push(res.headersSent, res.writableEnded);
        for (const change of [() => res.setHeader('a', 'b'), () => res.removeHeader('content-length'), () => res.writeHead(500), () => res.status(404).send('no')]) {
          try {
            change();
          } catch (error) {
            seen.push((error as { code?: string }).code);
          }
        }
      });
      app.get('/next', (req, res, next) => {
        login(req);
        res.send('welcome');
        next();
      });
      app.get('/other', (_req, res) => void res.send('other'));
    });
    slowLog(50);
    const text = await raw('/held');
    expect(seen).toEqual([true, true, ...Array<string>(4).fill('ERR_HTTP_HEADERS_SENT')]);
    expect(text).toMatch(/^HTTP\/1\.1 201 Fine\r\n[^]*\r\n\r\nwelcomeHTTP\/1\.1 200 OK\r\n[^]*other$/);
    expect(text).not.toMatch(/\r\na: b/);
    expect(await raw('/next')).toMatch(/Content-Length: 7\r\n[^]*\r\n\r\nwelcomeHTTP\/1\.1 200 OK\r\n[^]*other$/);
  });

  it('what its route does to the session is recorded before it goes out', async () => {
    await mounted((app) => {
      app.post('/other-user', (req, res) => {
        login(req);
        res.send('welcome');
        login(req, 'admin');
      });
      app.post('/none', (req, res) => {
        login(req);
        res.send('welcome');
        req.session.destroy(() => undefined);
      });
    });
    slowLog(20);
    await world.browser().post('/other-user');
    expect((await world.entries()).map(({ event, userId }) => [event, userId])).toEqual([['login', 'ada'], ['logout', 'ada'], ['login', 'admin']]);
    await world.browser().post('/none');
    expect((await events()).slice(3)).toEqual(['login', 'logout']);
  });
});

it('an upgrade with an object for a response breaks nothing and adds to nothing', async () => {
  await start({});
  const store = new session.MemoryStore();
  const capture = captureSessions({ tracker: world.tracker });
  const upgrade = session({ store, secret: 'x', resave: false, saveUninitialized: false });
  const server = createServer();
  server.on('upgrade', (req, socket) => {
    const [given, none] = [Object.assign(req, { originalUrl: req.url }) as unknown as Request, {} as Response];
    upgrade(given, none, () => void capture(given, none, () => void socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\n')));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.write('GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
  const [data] = (await once(socket, 'data')) as [Buffer];
  expect(String(data)).toMatch(/^HTTP\/1\.1 101 /);
  socket.destroy();
  server.close();
  expect(Reflect.ownKeys(Object.prototype).filter((key) => typeof key === 'symbol' || ['write', 'flushHeaders', 'end'].includes(key))).toEqual([]);
});

describe('a session that ends while its client is not there to hear of it', () => {
  /** Destroys with some delay, as a store in a network does. */
  class SlowStore extends session.MemoryStore {
    override destroy(sid: string, done?: (error?: unknown) => void): void {
      setTimeout(() => super.destroy(sid, done), 100);
    }
  }

  it.each([['while the store destroys it', 30, 0], ['before', 30, 60]])('is a logout by the user: %s', async (_when, leaveMs, destroyMs) => {
    await mounted(
      (app) =>
        app.post('/bye', (req, res) => {
          setTimeout(() => req.session.destroy(() => pipeline(Readable.from(['bye']), res, () => undefined)), destroyMs);
        }),
      { store: new SlowStore() },
    );
    const ada = world.browser();
    await ada.login('ada');
    await expect(ada.post('/bye', AbortSignal.timeout(leaveMs))).rejects.toThrow();
    await vi.waitFor(async () => expect(await events()).toEqual(['login', 'logout']));
    expect((await world.entries())[1]).toMatchObject({ initiator: 'user', ip: '127.0.0.1', resource: 'POST /bye' });
  });

  it('is revoked at once where somebody else destroyed it, however long its answer lasts', async () => {
    const store = new session.MemoryStore();
    await mounted((app) => app.get('/events', (_req, res) => void res.write('data: 1\n\n')), { store });
    const ada = world.browser();
    await ada.login('ada');
    const leave = new AbortController();
    const answer = ada.get('/events', leave.signal).catch(() => undefined);
    await wait(30);
    const [sid = ''] = Object.keys((store as unknown as { sessions: object }).sessions);
    store.destroy(sid);
    await vi.waitFor(async () => expect(await events()).toEqual(['login', 'revoked']));
    leave.abort();
    await answer;
    await wait(20);
    expect(await events()).toEqual(['login', 'revoked']);
  });

  it('is a logout by the user where the route answers first and destroys then', async () => {
    await mounted((app) =>
      app.post('/bye', (req, res) => {
        res.send('bye');
        req.session.destroy(() => undefined);
      }),
    );
    const ada = world.browser();
    await ada.login('ada');
    await ada.post('/bye');
    const entries = await world.entries();
    expect(eventsOf(entries)).toEqual(['login', 'logout']);
    expect(entries[1]).toMatchObject({ initiator: 'user', ip: '127.0.0.1', resource: 'POST /bye' });
  });

  it('is a timeout where the store destroys what it finds expired', async () => {
    class ExpiringStore extends session.MemoryStore {
      override get(sid: string, done: (error: unknown, found?: session.SessionData | null) => void): void {
        const found = (this as unknown as { sessions: Record<string, string> }).sessions[sid];
        const isOver = found !== undefined && new Date((JSON.parse(found) as { cookie: { expires: string } }).cookie.expires).getTime() <= Date.now();
        if (isOver) this.destroy(sid, () => done(null));
        else super.get(sid, done);
      }
    }
    await start({ store: new ExpiringStore() });
    const ada = world.browser();
    await ada.login('ada');
    world.pass(world.policy.idleMs + 1000);
    expect((await ada.get('/me')).status).toBe(401);
    expect((await events()).slice(0, 2)).toEqual(['login', 'timeout']);
  });
});

it('a function user that throws at the end of a request costs neither the answer nor the entry', async () => {
  await mounted(
    (app) => {
      app.post('/in', (req, res) => {
        (req.session as { who?: object }).who = { user: { id: 'ada' } };
        res.send('in');
      });
      app.post('/out', (req, res) => {
        (req.session as { who?: object }).who = {};
        res.send('out');
      });
    },
    { capture: { user: (given) => ((given as { who?: { user: { id: string } } }).who === undefined ? undefined : (given as unknown as { who: { user: { id: string } } }).who.user.id) } },
  );
  const ada = world.browser();
  await ada.post('/in');
  expect((await ada.post('/out')).status).toBe(200);
  expect(await events()).toEqual(['login', 'logout']);
  expect(warnings.join()).toContain('the option user threw');
});

it('of several strategies of Passport, one that fails before another succeeds is no failed login', async () => {
  const passport = new Passport();
  const strategy = (accepts: boolean): Local => new Local({ usernameField: 'user', passwordField: 'user' }, (name, _password, done) => done(null, accepts ? { id: name } : false));
  passport.use('ldap', strategy(false));
  passport.use('other', strategy(false));
  passport.use('local', strategy(true));
  passport.serializeUser((given, done) => done(null, (given as { id: string }).id));
  passport.deserializeUser((id, done) => done(null, { id }));
  await mounted(
    (app) => {
      app.use(passport.initialize(), passport.session());
      app.post('/both', passport.authenticate(['ldap', 'local'], { session: false }), (_req, res) => void res.json({}));
      app.post('/none', passport.authenticate(['ldap', 'other'], { session: false }), (_req, res) => void res.json({}));
    },
    { capture: { passport } },
  );
  expect((await world.browser().post('/both?user=ada')).status).toBe(200);
  expect((await world.browser().post('/none?user=ada')).status).toBe(401);
  expect(await world.entries()).toMatchObject([{ event: 'login_failed', resource: 'POST /none', details: { strategy: 'other' } }]);
});

it('a failed login that is streamed is one entry', async () => {
  await mounted((app) =>
    app.post('/api/login', (_req, res) => {
      res.status(401);
      res.write('no');
      res.end();
    }),
  );
  expect((await world.browser().post('/api/login')).status).toBe(401);
  expect(await events()).toEqual(['login_failed']);
});

describe('a refused login', () => {
  it('keeps neither a status message nor early hints', async () => {
    await mounted((app) =>
      app.get('/early', (req, res) => {
        login(req);
        res.writeEarlyHints({ link: '</secret>; rel=preload' });
        res.statusMessage = 'secret';
        res.send('secret');
      }),
    );
    world.port.isDown = true;
    expect(await raw('/early')).not.toContain('secret');
    world.port.isDown = false;
    expect(await raw('/early')).toMatch(/^HTTP\/1\.1 103 [^]*HTTP\/1\.1 200 secret\r\n/);
  });

  it('cuts an answer that had begun, at the first byte after it', async () => {
    await mounted((app) =>
      app.get('/begun', (req, res) => {
        res.write('begun');
        login(req);
        res.write('secret');
        // Never ended.
      }),
    );
    world.port.isDown = true;
    const begin = performance.now();
    const text = await raw('/begun', 3_000);
    expect(performance.now() - begin).toBeLessThan(2_000);
    expect(text).toContain('begun');
    expect(text).not.toContain('secret');
  });
});

it('a gate that throws cuts the connection, and throws at nobody', async () => {
  world = undefined as never;
  let thrown: unknown;
  const server = createServer((_req, res: ServerResponse) => {
    gateResponse(res, () => {
      throw new Error('x');
    });
    res.on('error', () => undefined);
    try {
      res.end('secret');
    } catch (error) {
      thrown = error;
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  await expect(fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)).rejects.toThrow();
  expect(thrown).toBeUndefined();
  server.close();
});

it('a route with a parameter is named by its pattern: the parameter may be a token', async () => {
  await mounted((app) => {
    app.get('/magic/:token', (req: Request, res: Response) => {
      login(req);
      res.send('welcome');
    });
  });
  expect((await fetch(new URL('/magic/SECRETTOKEN', world.app.url))).status).toBe(200);
  const [entry] = (await world.entries()).filter(({ event }) => event === 'login');
  expect(entry?.resource).toBe('GET /magic/:token');
  expect(JSON.stringify(await world.entries())).not.toContain('SECRETTOKEN');
});
