import { createSigningKey, memoryStore, openLog, parseSigningKey, type Log } from '@indelible/log';
import { parseEntry, type Entry, type EventInput } from '@indelible/event';
import { openTracker, type SessionTracker, type TrackerPort } from '@indelible/session';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createApp } from '../examples/fastify/dist/app.js';
import { POLICY } from '../examples/fastify/dist/middleware/sessionLogger.js';

const MINUTE = 60_000;
const PASSWORDS = { ada: 'counting-engine-1843', grace: 'flow-matic-1955' } as const;

let log: Log;
let isLogDown: boolean;
let tracker: SessionTracker;
let app: ReturnType<typeof createApp>;
let url: string;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2026, 10, 19, 9) });
  log = await openLog({ store: memoryStore(), signer: parseSigningKey(createSigningKey('desk.example').secret), app: 'ticket-desk', heartbeatMs: 0 });
  isLogDown = false;
  const port: TrackerPort = {
    append: (event: EventInput) => (isLogDown ? Promise.reject(new Error('no space')) : log.append(event)),
    follow: (options) => log.follow(options),
    openSessions: () => log.openSessions(),
  };
  tracker = await openTracker({ log: port, sidKey: new Uint8Array(32).fill(7), policy: POLICY, sweepEveryMs: 0, heartbeatMs: 0, onError: () => undefined });
  app = createApp({ tracker, cookieSecret: 'a secret for cookies, of 32 characters or more' });
  url = await app.listen({ host: '127.0.0.1', port: 0 });
});
afterEach(async () => {
  await app.close();
  isLogDown = false;
  await tracker.close();
  await log.close();
  vi.useRealTimers();
});

/** The entries about sessions. What no answer waits for is there a moment later. */
async function entries(): Promise<Entry[]> {
  await new Promise((resolve) => setTimeout(resolve, 20));
  const found: Entry[] = [];
  for await (const { bytes } of log.reader().entries()) found.push(parseEntry(bytes));
  return found.filter(({ event }) => !/^(?:log_|heartbeat|capture_gap)/.test(event));
}

/** A browser behind the proxy of the desk. */
class Client {
  readonly ip: string;
  cookie = '';

  constructor(ip = '198.51.100.23') {
    this.ip = ip;
  }

  async send(method: string, path: string, body?: object): Promise<number> {
    const response = await fetch(new URL(path, url), {
      method,
      headers: { 'x-forwarded-for': this.ip, cookie: this.cookie, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const [cookie] = response.headers.getSetCookie();
    if (cookie !== undefined) this.cookie = cookie.split(';', 1)[0] ?? '';
    await response.arrayBuffer();
    return response.status;
  }

  login(user: keyof typeof PASSWORDS = 'ada', password: string = PASSWORDS[user]): Promise<number> {
    return this.send('POST', '/login', { user, password });
  }
}

describe('examples/fastify', () => {
  it('records a day at the desk, and none of its routes knows', async () => {
    const ada = new Client();
    expect(await ada.send('GET', '/tickets')).toBe(401);
    expect(await ada.login('ada', 'wrong')).toBe(401);
    expect(await ada.login()).toBe(200);
    expect(await ada.send('POST', '/tickets', { title: 'the printer' })).toBe(201);
    vi.setSystemTime(Date.now() + 5 * MINUTE);
    expect(await ada.send('GET', '/tickets')).toBe(200);
    vi.setSystemTime(Date.now() + 5_000);
    expect(await ada.send('POST', '/session/extend')).toBe(200);
    const elsewhere = new Client('203.0.113.7');
    expect(await elsewhere.login()).toBe(200);
    expect(await elsewhere.send('POST', '/logout')).toBe(204);
    vi.setSystemTime(Date.now() + 16 * MINUTE);
    await tracker.sweep();

    const found = await entries();
    expect(found.map(({ event }) => event)).toEqual(['login_failed', 'login', 'extend', 'extend', 'login', 'concurrent_warning', 'logout', 'timeout']);
    const [failed, login, , extend, second, warning, , timeout] = found;
    expect(failed).toMatchObject({ userId: 'ada', reason: 'wrong_password', ip: '198.51.100.23' });
    expect(login).toMatchObject({ userId: 'ada', ip: '198.51.100.23', idleDeadline: '2026-11-19T09:15:00.000Z', absoluteDeadline: '2026-11-19T17:00:00.000Z' });
    expect(extend).toMatchObject({ idleDeadline: '2026-11-19T09:20:05.000Z', initiator: 'user' });
    expect(warning).toMatchObject({ sessionId: second?.sessionId, details: { others: [{ sessionId: login?.sessionId }] } });
    expect(timeout).toMatchObject({ sessionId: login?.sessionId, reason: 'idle', timestamp: extend?.idleDeadline });
  });

  it('keeps what was typed into the wrong field off the record', async () => {
    expect(await new Client().send('POST', '/login', { user: PASSWORDS.ada, password: '' })).toBe(401);
    const found = await entries();
    expect(found).toMatchObject([{ event: 'login_failed', reason: 'unknown_user' }]);
    expect(JSON.stringify(found)).not.toContain(PASSWORDS.ada);
  });

  it('lets nobody in while that cannot be recorded, and everybody out', async () => {
    const ada = new Client();
    await ada.login();
    isLogDown = true;
    const grace = new Client();
    expect(await grace.login('grace')).toBe(503);
    expect(await grace.send('GET', '/tickets')).toBe(401);
    expect(await ada.send('POST', '/logout')).toBe(204);
    expect(await ada.send('GET', '/tickets')).toBe(401);
    isLogDown = false;
    await tracker.close();
    expect((await entries()).map(({ event, userId }) => `${event} ${userId}`)).toEqual(['login ada', 'logout ada']);
  });

  it('ends a session at the end of the working day, however busy it is', async () => {
    const ada = new Client();
    await ada.login();
    for (let i = 0; i < 47; i++) {
      vi.setSystemTime(Date.now() + 10 * MINUTE);
      expect(await ada.send('GET', '/tickets')).toBe(200);
    }
    vi.setSystemTime(Date.now() + 10 * MINUTE);
    expect(await ada.send('GET', '/tickets')).toBe(401);
    expect((await entries()).at(-1)).toMatchObject({ event: 'timeout', reason: 'absolute', timestamp: '2026-11-19T17:00:00.000Z' });
  });
});
