import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createId, encodeEvent, sidHash, type Entry } from '@indelible/event';
import { connectLog, type FailedEvent } from '@indelible/session';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createBank, type BankApp } from '../examples/bank-express/dist/bank.js';

const sidHashKey = new Uint8Array(32).fill(7);
const MINUTE = 60_000;
const PASSWORDS = { maria: 'linden-harbour-41', petra: 'north-stair-staff' } as const;

let nowMs: number;
let isLogDown: boolean;
let lines: string[];
let unheard: FailedEvent[];
let bank: BankApp;
let server: Server;

beforeEach(async () => {
  nowMs = Date.UTC(2026, 10, 19, 9);
  isLogDown = false;
  lines = [];
  unheard = [];
  const append = async (event: Parameters<Parameters<typeof connectLog>[0]['append']>[0]): Promise<{ id: string; index: number }> => {
    if (isLogDown) throw Object.assign(new Error('no space'), { code: 'ERR_LOG_STORAGE_FULL' });
    const id = createId(nowMs);
    return { id, index: lines.push(encodeEvent({ ...event, id, timestamp: nowMs }, { nowMs })) - 1 };
  };
  connectLog({ append }, { onError: (_error, failed) => unheard.push(failed) });
  bank = createBank({ sidHashKey, now: () => nowMs });
  server = bank.app.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => void server.close());

const entries = (): Entry[] => lines.map((line) => JSON.parse(line) as Entry);
const events = (): string[] => entries().map(({ event }) => event);

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

describe('sign-in', () => {
  it('records who, whence, until when, and the keyed hash of the session id, never the id', async () => {
    const client = new Client();
    const { status, body } = await client.login();
    expect(status).toBe(200);
    expect(entries()).toMatchObject([
      {
        event: 'login', userId: 'maria', sessionId: body['sessionId'], outcome: 'success', initiator: 'user', ip: '198.51.100.23', resource: '/login',
        idleDeadline: '2026-11-19T09:10:00.000Z', absoluteDeadline: '2026-11-19T17:00:00.000Z', policy: 'idle-10m-absolute-8h',
      },
    ]);
    expect(client.secret).toHaveLength(32);
    expect(entries()[0]?.sidHash).toBe(sidHash(sidHashKey, client.secret));
    expect(lines.join()).not.toContain(client.secret);
  });

  it('leaves visitors who never sign in alone', async () => {
    const client = new Client();
    expect((await client.send('GET', '/account')).status).toBe(401);
    expect([client.cookie, lines]).toEqual(['', []]);
  });

  it('records a wrong password with its user, and an unknown name without the name', async () => {
    const client = new Client();
    expect((await client.send('POST', '/login', { user: 'maria', password: 'wrong' })).status).toBe(401);
    expect((await client.send('POST', '/login', { user: 'linden-harbour-41', password: '' })).status).toBe(401);
    expect(entries()).toMatchObject([{ event: 'login_failed', userId: 'maria', outcome: 'failure' }, { event: 'login_failed', reason: 'unknown_user' }]);
    expect(lines.join()).not.toMatch(/linden|"wrong"/);
    for (const body of [{}, { user: 1, password: 2 }, { user: 'maria' }]) expect((await client.send('POST', '/login', body)).status).toBe(400);
    expect(lines).toHaveLength(2);
  });

  it('is refused, and leaves no session, while it cannot be recorded', async () => {
    const client = new Client();
    isLogDown = true;
    expect((await client.login()).status).toBe(503);
    isLogDown = false;
    expect((await client.send('GET', '/account')).status).toBe(401);
    expect([lines, bank.bank.sessions.of('maria')]).toEqual([[], []]);
  });

  it('in the same browser ends the session before', async () => {
    const client = new Client();
    const first = (await client.login()).body['sessionId'];
    await client.login();
    expect(entries()).toMatchObject([{ event: 'login' }, { event: 'logout', sessionId: first, reason: 'signed_in_again' }, { event: 'login' }]);
  });
});

describe('the address', () => {
  it('is what the proxy says, not what the customer says', async () => {
    const client = new Client();
    await client.send('POST', '/login', { user: 'maria', password: 'wrong' }, { 'x-forwarded-for': '10.0.0.1, 192.0.2.9' });
    await client.send('POST', '/login', { user: 'maria', password: 'wrong' }, { 'x-forwarded-for': '10.0.0.1, nonsense' });
    expect(entries()).toMatchObject([{ ip: '192.0.2.9', details: { proxy: '127.0.0.1' } }, { ip: '127.0.0.1' }]);
  });
});

describe('a second session', () => {
  it('is recorded with what differs from the others', async () => {
    const first = (await new Client().login()).body['sessionId'];
    await new Client('203.0.113.200').login();
    expect(events()).toEqual(['login', 'login', 'concurrent_warning']);
    expect(entries()[2]).toMatchObject({
      prev: entries()[1]?.id, sessionId: entries()[1]?.sessionId,
      details: { differs: ['network'], openSessions: [{ sessionId: first, ip: '198.51.100.23', openedAt: '2026-11-19T09:00:00.000Z' }] },
    });
  });

  it('from the same network and device says that', async () => {
    await new Client().login();
    await new Client('198.51.100.99').login();
    expect(entries()[2]).toMatchObject({ event: 'concurrent_warning', reason: 'same network and device', details: { differs: [] } });
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
    expect(events()).toEqual(['login', 'extend']);
    nowMs += 40_000;
    await client.send('GET', '/account');
    expect(entries()[2]).toMatchObject({ event: 'extend', reason: 'use', prev: entries()[1]?.id, idleDeadline: '2026-11-19T09:11:10.000Z' });
  });

  it('never reaches beyond the absolute deadline', async () => {
    const client = new Client();
    await client.login();
    for (let i = 0; i < 59; i++) {
      nowMs += 8 * MINUTE;
      await client.send('POST', '/session/extend');
    }
    expect(entries().at(-1)).toMatchObject({ event: 'extend', idleDeadline: '2026-11-19T17:00:00.000Z' });
    nowMs += 8 * MINUTE;
    expect((await client.send('GET', '/account')).status).toBe(401);
    expect(entries().at(-1)).toMatchObject({ event: 'timeout', reason: 'absolute', initiator: 'policy' });
  });
});

describe('the end of a session', () => {
  it('by idleness is found by the sweep, or by the next request, once', async () => {
    const [swept, returning] = [new Client(), new Client()];
    await swept.login();
    nowMs += MINUTE;
    await returning.login('petra');
    nowMs += 9.5 * MINUTE;
    bank.sweep();
    expect(entries().filter(({ event }) => event === 'timeout')).toMatchObject([{ userId: 'maria', reason: 'idle', idleDeadline: '2026-11-19T09:10:00.000Z' }]);
    nowMs += MINUTE;
    expect((await returning.send('GET', '/account')).status).toBe(401);
    bank.sweep();
    expect((await swept.send('GET', '/account')).status).toBe(401);
    expect(entries().filter(({ event }) => event === 'timeout').map(({ userId }) => userId)).toEqual(['maria', 'petra']);
  });

  it('takes place also when it cannot be recorded, and somebody is told', async () => {
    const client = new Client();
    await client.login();
    isLogDown = true;
    expect((await client.send('POST', '/logout')).status).toBe(204);
    expect(unheard).toEqual([{ userId: 'maria', event: 'logout' }]);
    expect((await client.send('GET', '/account')).status).toBe(401);
  });

  it('comes by the hand of its owner or of staff, and of nobody else', async () => {
    const [maria, petra] = [new Client(), new Client()];
    const sessionOfMaria = (await maria.login()).body['sessionId'];
    const sessionOfPetra = (await petra.login('petra')).body['sessionId'];
    expect((await maria.send('DELETE', `/sessions/${String(sessionOfPetra)}`)).status).toBe(404);
    expect((await petra.send('DELETE', `/sessions/${String(sessionOfMaria)}`, { reason: 'lost_device' })).status).toBe(204);
    expect((await maria.send('GET', '/account')).status).toBe(401);
    expect(entries().at(-1)).toMatchObject({
      event: 'revoked', userId: 'maria', sessionId: sessionOfMaria, initiator: 'admin', reason: 'lost_device', details: { revokedBy: 'petra' },
    });
  });
});

describe('a transfer', () => {
  it('names the session in the books; a large one is confirmed on the record', async () => {
    const client = new Client();
    const { sessionId } = (await client.login()).body;
    const small = await client.send('POST', '/transfers', { to: 'landlord', amountCents: 500 });
    expect(small).toMatchObject({ status: 201, body: { sessionId, transferId: 'T-0001' } });
    const large = { to: 'R. Novak', amountCents: 490_000 };
    expect((await client.send('POST', '/transfers', large)).status).toBe(403);
    expect((await client.send('POST', '/transfers', { ...large, password: PASSWORDS.maria })).status).toBe(201);
    const confirmations = entries().filter(({ event }) => event === 'reauthenticated');
    expect(confirmations).toMatchObject([
      { outcome: 'failure', details: { transferId: 'T-0002' } },
      { outcome: 'success', sessionId, details: { transferId: 'T-0003' } },
    ]);
    expect(lines.join()).not.toContain(PASSWORDS.maria);
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
