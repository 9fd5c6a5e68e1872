import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseEntry, type Entry } from '@indelible/event';
import { createSigningKey, memoryStore, openLog, parseSigningKey, type Log } from '@indelible/log';
import { openTracker, type SessionTracker } from '@indelible/session';
import { afterEach, beforeEach, expect, it } from 'vitest';

const { createApp } = (await import(new URL('../src/app.mjs', import.meta.url).href)) as {
  createApp: (options: { tracker: SessionTracker; secret: string; baseURL: string }) => Server;
};

let log: Log;
let tracker: SessionTracker;
let server: Server;
let url: string;

beforeEach(async () => {
  log = await openLog({ store: memoryStore(), signer: parseSigningKey(createSigningKey('example.com/sessions').secret), heartbeatMs: 0 });
  tracker = await openTracker({ log, sidKey: new Uint8Array(32).fill(5), sweepEveryMs: 0, heartbeatMs: 0 });
  server = createApp({ tracker, secret: 'a secret of no less than 32 characters', baseURL: 'http://127.0.0.1' }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await tracker.close();
  await log.close();
});

class Browser {
  cookie = '';

  async post(path: string, body: object): Promise<number> {
    return this.#keep(await fetch(`${url}/api/auth${path}`, { method: 'POST', body: JSON.stringify(body), headers: this.#headers() }));
  }

  async balance(): Promise<number> {
    return this.#keep(await fetch(`${url}/balance`, { headers: this.#headers() }));
  }

  #headers(): Record<string, string> {
    return { 'content-type': 'application/json', origin: 'http://127.0.0.1', 'user-agent': 'Browser', cookie: this.cookie };
  }

  async #keep(response: Response): Promise<number> {
    for (const line of response.headers.getSetCookie()) if (line.includes('session_token')) this.cookie = line.split(';')[0] ?? '';
    await response.arrayBuffer();
    return response.status;
  }
}

async function entries(): Promise<Entry[]> {
  const found: Entry[] = [];
  for await (const { bytes } of log.reader().entries()) found.push(parseEntry(new TextDecoder().decode(bytes)));
  return found.filter(({ event }) => !event.startsWith('log_'));
}

it('records the sessions of better-auth, over HTTP and without a call in any route', async () => {
  const [home, work] = [new Browser(), new Browser()];
  const account = { email: 'ada@example.com', password: 'linden-harbour-41' };
  expect(await home.balance()).toBe(401);
  expect(await home.post('/sign-up/email', { name: 'Ada', ...account })).toBe(200);
  expect(await home.balance()).toBe(200);
  expect(await work.post('/sign-in/email', { ...account, password: 'guessed-wrong' })).toBe(401);
  expect(await work.post('/sign-in/email', account)).toBe(200);
  expect(await home.post('/revoke-other-sessions', {})).toBe(200);
  expect(await work.balance()).toBe(401);
  expect(await home.post('/sign-out', {})).toBe(200);
  expect(await home.balance()).toBe(401);

  const found = await entries();
  expect(found.map(({ event }) => event)).toEqual(['login', 'login_failed', 'login', 'concurrent_warning', 'revoked', 'session_use_after_end', 'logout']);
  const [first, failed, second, , revoked, , logout] = found;
  expect(failed).toMatchObject({ userId: first?.userId, reason: 'invalid_email_or_password', ip: '127.0.0.1' });
  expect(revoked).toMatchObject({ sessionId: second?.sessionId, initiator: 'user', resource: '/api/auth/revoke-other-sessions' });
  expect(logout).toMatchObject({ sessionId: first?.sessionId, initiator: 'user' });
});
