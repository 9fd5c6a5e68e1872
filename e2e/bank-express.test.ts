import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFile, readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseEntry, sidHash, type Entry, type EventInput } from '@indelible/event';
import { createSigningKey, memoryStore, openLog, parseSigningKey, type Log } from '@indelible/log';
import { connectLog, openTracker, type Acknowledgement, type SessionTracker } from '@indelible/session';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createBank, type BankApp } from '../examples/bank-express/dist/bank.js';

const sidKey = new Uint8Array(32).fill(7);
const MINUTE = 60_000;
const PASSWORDS = { maria: 'linden-harbour-41', petra: 'north-stair-staff' } as const;
const POLICY = { name: 'idle-10m-absolute-8h', idleMs: 10 * MINUTE, absoluteMs: 480 * MINUTE, extendEveryMs: MINUTE };

let nowMs: number;
let isLogDown: boolean;
let log: Log;
let tracker: SessionTracker;
let bank: BankApp;
let server: Server;

beforeEach(async () => {
  nowMs = Date.UTC(2025, 10, 19, 9);
  isLogDown = false;
  log = await openLog({ store: memoryStore(), signer: parseSigningKey(createSigningKey('bank.example').secret), app: 'bank-express', heartbeatMs: 0 });
  const append = (event: EventInput): Promise<Acknowledgement> => {
    if (isLogDown) return Promise.reject(Object.assign(new Error('no space'), { code: 'ERR_LOG_STORAGE_FULL' }));
    return log.append({ timestamp: nowMs, ...event });
  };
  connectLog({ append });
  const port = { append, follow: log.follow.bind(log), openSessions: log.openSessions.bind(log) };
  tracker = await openTracker({ log: port, sidKey, policy: POLICY, app: 'bank-express', nowMs: () => nowMs, sweepEveryMs: 0, heartbeatMs: 0, onError: () => undefined });
  bank = createBank({ tracker, now: () => nowMs });
  server = bank.app.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(async () => {
  isLogDown = false;
  server.close();
  await tracker.close();
  await log.close();
});

async function lines(): Promise<string[]> {
  const found = [];
  for await (const { bytes } of log.reader().entries()) found.push(new TextDecoder().decode(bytes));
  return found;
}
const entries = async (): Promise<Entry[]> => (await lines()).map((line) => parseEntry(line)).filter(({ event }) => !event.startsWith('log_'));
const events = async (): Promise<string[]> => (await entries()).map(({ event }) => event);

interface Answer {
  readonly status: number;
  readonly body: { readonly [key: string]: unknown };
}

/** A browser behind the bank's proxy. */
class Client {
  readonly ip: string;
  cookie = '';

  constructor(ip = '198.51.100.23') {
    this.ip = ip;
  }

  get secret(): string {
    return /s:([^.]+)/.exec(decodeURIComponent(this.cookie))?.[1] ?? '';
  }

  async send(method: string, path: string, body?: object, headers: Record<string, string> = {}): Promise<Answer> {
    const { port } = server.address() as AddressInfo;
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      headers: { 'x-forwarded-for': this.ip, 'x-forwarded-proto': 'https', 'content-type': 'application/json', cookie: this.cookie, ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const [cookie] = response.headers.getSetCookie();
    if (cookie !== undefined) this.cookie = cookie.split(';', 1)[0] ?? '';
    const text = await response.text();
    return { status: response.status, body: (text === '' ? {} : JSON.parse(text)) as Answer['body'] };
  }

  login(user: keyof typeof PASSWORDS = 'maria'): Promise<Answer> {
    return this.send('POST', '/login', { user, password: PASSWORDS[user] });
  }
}

const sessionOf = (user: string): string => tracker.sessionsOf(user)[0]?.sessionId ?? '';

it('has routes without a call to Indelible', async () => {
  const routes = fileURLToPath(new URL('../examples/bank-express/src/routes/', import.meta.url));
  for (const name of await readdir(routes)) {
    expect(await readFile(routes + name, 'utf8'), name).not.toMatch(/@indelible|logSessionEvent|[^.]tracker/);
  }
});

describe('sign-in', () => {
  it('is recorded: who, whence, until when, and the keyed hash of the session id, never the id', async () => {
    const client = new Client();
    expect((await client.login()).status).toBe(200);
    expect(await entries()).toMatchObject([
      {
        event: 'login', userId: 'maria', sessionId: sessionOf('maria'), outcome: 'success', initiator: 'user', ip: '198.51.100.23', resource: 'POST /login',
        idleDeadline: '2025-11-19T09:10:00.000Z', absoluteDeadline: '2025-11-19T17:00:00.000Z', policy: 'idle-10m-absolute-8h', details: { method: 'password' },
      },
    ]);
    expect(client.secret).toHaveLength(32);
    expect((await entries())[0]?.sidHash).toBe(sidHash(sidKey, client.secret));
    expect((await lines()).join()).not.toContain(client.secret);
  });

  it('leaves visitors who never sign in alone', async () => {
    const client = new Client();
    expect((await client.send('GET', '/account')).status).toBe(401);
    expect([client.cookie, await entries()]).toEqual(['', []]);
  });

  it('records a wrong password with its user, and an unknown name without the name', async () => {
    const client = new Client();
    expect((await client.send('POST', '/login', { user: 'maria', password: 'wrong' })).status).toBe(401);
    expect((await client.send('POST', '/login', { user: 'linden-harbour-41', password: '' })).status).toBe(401);
    expect(await entries()).toMatchObject([{ event: 'login_failed', userId: 'maria', outcome: 'failure' }, { event: 'login_failed', reason: 'unknown_user' }]);
    expect((await lines()).join()).not.toMatch(/linden|"wrong"/);
    for (const body of [{}, { user: 1, password: 2 }, { user: 'maria' }]) expect((await client.send('POST', '/login', body)).status).toBe(400);
    expect(await entries()).toHaveLength(2);
  });

  it('is refused, and leaves no session, while it cannot be recorded', async () => {
    const client = new Client();
    isLogDown = true;
    expect((await client.login()).status).toBe(503);
    isLogDown = false;
    expect((await client.send('GET', '/account')).status).toBe(401);
    expect([await entries(), tracker.sessionsOf('maria')]).toEqual([[], []]);
  });

  it('in the same browser goes on with the session under another secret', async () => {
    const client = new Client();
    await client.login();
    const { secret } = client;
    await client.login();
    expect(client.secret).not.toBe(secret);
    expect(await events()).toEqual(['login', 'session_regenerated']);
  });
});

describe('the address', () => {
  it('is what the proxy says, not what the customer says', async () => {
    const client = new Client();
    await client.send('POST', '/login', { user: 'maria', password: 'wrong' }, { 'x-forwarded-for': '10.0.0.1, 192.0.2.9' });
    await client.send('POST', '/login', { user: 'maria', password: 'wrong' }, { 'x-forwarded-for': '10.0.0.1, nonsense' });
    expect(await entries()).toMatchObject([{ ip: '192.0.2.9' }, { ip: '127.0.0.1' }]);
  });
});

describe('a second session', () => {
  it('is recorded with what differs from the others', async () => {
    await new Client().login();
    const first = sessionOf('maria');
    await new Client('203.0.113.200').login();
    const [, second, warning] = await entries();
    expect(await events()).toEqual(['login', 'login', 'concurrent_warning']);
    expect(warning).toMatchObject({
      prev: second?.id, sessionId: second?.sessionId, details: { differs: ['network'], others: [{ sessionId: first, ip: '198.51.100.23', since: '2025-11-19T09:00:00.000Z' }] },
    });
  });

  it('from the same network and device says that nothing differs', async () => {
    await new Client().login();
    await new Client('198.51.100.99').login();
    expect((await entries())[2]).toMatchObject({ event: 'concurrent_warning', details: { differs: [] } });
  });
});

describe('extension', () => {
  it('by wish is recorded each time, by use when it matters', async () => {
    const client = new Client();
    await client.login();
    await client.send('POST', '/session/extend');
    nowMs += 30_000;
    await client.send('GET', '/account');
    await client.send('GET', '/account');
    expect(await events()).toEqual(['login', 'extend']);
    nowMs += 40_000;
    await client.send('GET', '/account');
    await expect.poll(events).toEqual(['login', 'extend', 'extend']);
    const [, wish, use] = await entries();
    expect(wish).toMatchObject({ reason: 'stay_signed_in' });
    expect(use).toMatchObject({ prev: wish?.id, idleDeadline: '2025-11-19T09:11:10.000Z' });
  });

  it('does not outlive the absolute deadline', async () => {
    const client = new Client();
    await client.login();
    for (let i = 0; i < 59; i++) {
      nowMs += 8 * MINUTE;
      expect((await client.send('POST', '/session/extend')).status).toBe(200);
    }
    expect((await entries()).at(-1)).toMatchObject({ event: 'extend', absoluteDeadline: '2025-11-19T17:00:00.000Z' });
    nowMs += 8 * MINUTE;
    expect((await client.send('GET', '/account')).status).toBe(401);
    expect((await entries()).at(-1)).toMatchObject({ event: 'timeout', reason: 'absolute', initiator: 'policy', timestamp: '2025-11-19T17:00:00.000Z' });
  });
});

describe('the end of a session', () => {
  it('by idleness is found by the sweep, or by the next request, once', async () => {
    const [swept, returning] = [new Client(), new Client()];
    await swept.login();
    nowMs += MINUTE;
    await returning.login('petra');
    nowMs += 9.5 * MINUTE;
    await tracker.sweep();
    expect((await entries()).filter(({ event }) => event === 'timeout')).toMatchObject([{ userId: 'maria', reason: 'idle', timestamp: '2025-11-19T09:10:00.000Z' }]);
    nowMs += MINUTE;
    expect((await returning.send('GET', '/account')).status).toBe(401);
    await tracker.sweep();
    expect((await swept.send('GET', '/account')).status).toBe(401);
    expect((await entries()).filter(({ event }) => event === 'timeout').map(({ userId }) => userId)).toEqual(['maria', 'petra']);
  });

  it('takes place also when it cannot be recorded, and reaches the record later', async () => {
    const client = new Client();
    await client.login();
    isLogDown = true;
    expect((await client.send('POST', '/logout')).status).toBe(204);
    isLogDown = false;
    expect((await client.send('GET', '/account')).status).toBe(401);
    await expect.poll(events, { timeout: 10_000 }).toContain('logout');
  });

  it('comes by the hand of its owner or of staff, and of nobody else', async () => {
    const [maria, petra] = [new Client(), new Client()];
    await maria.login();
    await petra.login('petra');
    const [ofMaria, ofPetra] = [sessionOf('maria'), sessionOf('petra')];
    expect((await maria.send('DELETE', `/sessions/${ofPetra}`)).status).toBe(404);
    expect((await petra.send('DELETE', `/sessions/${ofMaria}`, { reason: 'lost_device' })).status).toBe(204);
    expect((await entries()).at(-1)).toMatchObject({
      event: 'revoked', userId: 'maria', sessionId: ofMaria, initiator: 'admin', reason: 'lost_device', details: { revokedBy: 'petra' },
    });
    expect((await maria.send('GET', '/account')).status).toBe(401);
  });
});

describe('a transfer', () => {
  it('names the session in the books; a large one is confirmed on the record', async () => {
    const client = new Client();
    await client.login();
    const sessionId = sessionOf('maria');
    const small = await client.send('POST', '/transfers', { to: 'landlord', amountCents: 500 });
    expect(small).toMatchObject({ status: 201, body: { sessionId, transferId: 'T-0001' } });
    const large = { to: 'R. Novak', amountCents: 490_000 };
    expect((await client.send('POST', '/transfers', large)).status).toBe(403);
    expect((await client.send('POST', '/transfers', { ...large, password: PASSWORDS.maria })).status).toBe(201);
    const confirmations = (await entries()).filter(({ event }) => event === 'reauthenticated');
    expect(confirmations).toMatchObject([{ outcome: 'failure' }, { outcome: 'success', sessionId, details: { transferId: 'T-0002' } }]);
    expect((await lines()).join()).not.toContain(PASSWORDS.maria);
  });

  it('is refused when it is malformed or too large', async () => {
    const client = new Client();
    await client.login();
    for (const amountCents of [0, -5, 1.5, '100', 2 ** 53]) {
      expect((await client.send('POST', '/transfers', { to: 'x', amountCents })).status).toBe(400);
    }
    expect((await client.send('POST', '/transfers', { to: 'x', amountCents: 2_000_000, password: PASSWORDS.maria })).status).toBe(409);
    expect(bank.bank.ledger).toEqual([]);
  });
});
