import type { Entry } from '@indelible/event';
import { runWithOrigin } from '@indelible/session';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { adapter, addUser, makeAuth } from './better-auth-app.ts';
import { describeAdapter } from './suite.ts';
import { openRecord, type MemoryRecord } from './support/memory-record.ts';

describeAdapter(adapter);

const POLICY = { idleMs: 900_000, absoluteMs: 28_800_000 };
const ORIGIN = { ip: '198.51.100.7', userAgent: 'Firefox' };

describe('sessionRecord', () => {
  let record: MemoryRecord;
  beforeEach(async () => {
    record = await openRecord(POLICY);
  });
  afterEach(async () => {
    vi.useRealTimers();
    await record.close();
  });

  function start(more: Record<string, unknown> = {}) {
    const made = makeAuth({ tracker: record.tracker, policy: POLICY, trustProxy: false, secret: 'a secret of no less than 32 characters', details: undefined }, more);
    const browser = () => {
      const cookies = new Map<string, string>();
      const send = async (method: string, path: string, body?: object): Promise<{ status: number; body: unknown; cookies: string[] }> => {
        const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
        const request = new Request(`http://127.0.0.1/api/auth${path}`, {
          method, headers: { 'content-type': 'application/json', cookie }, ...(method === 'POST' ? { body: JSON.stringify(body ?? {}) } : {}),
        });
        const response = await runWithOrigin(ORIGIN, () => made.auth.handler(request));
        const lines = response.headers.getSetCookie();
        for (const line of lines) {
          const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
          if (value === '' || /max-age=0/i.test(line)) cookies.delete(name);
          else cookies.set(name, value);
        }
        const text = await response.text();
        return { status: response.status, body: text === '' ? undefined : JSON.parse(text), cookies: lines };
      };
      return {
        cookies,
        get: (path: string) => send('GET', path),
        post: (path: string, body?: object) => send('POST', path, body),
        signIn: (id: string) => send('POST', '/sign-in/email', { email: addUser(made.tables, id), password: 'right' }),
      };
    };
    return { ...made, browser };
  }

  const ends = async (): Promise<Entry[]> => (await record.entries()).filter(({ event }) => event === 'logout' || event === 'revoked');

  it('takes a registration that signs in for a login, and one that cannot be recorded makes no session and no cookie', async () => {
    const { browser, tables } = start();
    record.port.isDown = true;
    const refused = await browser().post('/sign-up/email', { name: 'Ada', email: 'ada@users.example', password: 'horse' });
    expect(refused).toMatchObject({ status: 503, body: { code: 'SESSION_NOT_RECORDED' }, cookies: [] });
    expect(tables['session']).toEqual([]);
    record.port.isDown = false;
    expect((await browser().post('/sign-up/email', { name: 'Bob', email: 'bob@users.example', password: 'horse' })).status).toBe(200);
    expect(await record.events()).toEqual(['login']);
  });

  it('ends the session of before where the login in its place cannot be recorded: nobody is left logged in off the record', async () => {
    const { browser, tables } = start();
    addUser(tables, 'bob');
    const one = browser();
    await one.signIn('ada');
    record.port.isDown = true;
    expect((await one.signIn('bob')).status).toBe(503);
    record.port.isDown = false;
    expect((await one.get('/get-session')).body).toBeNull();
    expect(tables['session']).toEqual([]);
    expect(record.tracker.sessionsOf('ada')).toEqual([]);
  });

  it('ends on the record a login whose session was not stored', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { browser, store, tables } = start();
    addUser(tables, 'ada');
    const create = vi.spyOn(record.tracker, 'login').mockImplementation(async (...args) => {
      create.mockRestore();
      const opened = await record.tracker.login(...args);
      store.isDown = true;
      return opened;
    });
    expect((await browser().signIn('ada')).status).toBe(500);
    await vi.advanceTimersByTimeAsync(10_000);
    await vi.waitFor(async () => expect(await ends()).toMatchObject([{ event: 'logout', reason: 'session_not_stored', initiator: 'system' }]));
  });

  it('sees the ends of sessions that live in secondary storage alone, where no delete hook runs', async () => {
    const kept = new Map<string, string>();
    const secondaryStorage = {
      get: async (key: string) => kept.get(key) ?? null,
      set: async (key: string, value: string) => void kept.set(key, value),
      delete: async (key: string) => void kept.delete(key),
    };
    const { browser } = start({ secondaryStorage });
    const [a, b, c] = [browser(), browser(), browser()];
    for (const one of [a, b, c]) await one.signIn('ada');
    await a.post('/revoke-other-sessions');
    await a.post('/sign-out');
    expect((await ends()).map(({ event, initiator }) => [event, initiator])).toEqual([['revoked', 'user'], ['revoked', 'user'], ['logout', 'user']]);
    expect((await b.get('/get-session')).body).toBeNull();
    expect((await record.events()).at(-1)).toBe('session_use_after_end');
  });

  it('says for how long a revoked session is honoured by a cookie cache', async () => {
    const { browser } = start({ session: { expiresIn: 900, updateAge: 0, cookieCache: { enabled: true, maxAge: 120 } } });
    const [a, b] = [browser(), browser()];
    await a.signIn('ada');
    await b.signIn('ada');
    await a.post('/revoke-other-sessions');
    expect(await ends()).toMatchObject([{ event: 'revoked', details: { honouredForSeconds: 120 } }]);
  });

  it('takes back the session of a password when a second factor is asked for', async () => {
    const { browser } = start();
    const ada = browser();
    await ada.signIn('ada');
    await ada.post('/two-factor/enable', { password: 'right' });
    await ada.post('/sign-out');
    expect((await browser().signIn('ada')).body).toMatchObject({ twoFactorRedirect: true });
    expect((await ends()).at(-1)).toMatchObject({ event: 'logout', reason: 'second_factor_required', initiator: 'policy' });
    expect(record.tracker.sessionsOf('ada')).toEqual([]);
  });

  it('records an impersonation as what it is, and leaves the administrator’s own session alone', async () => {
    const { browser, tables } = start();
    addUser(tables, 'ada');
    const root = browser();
    await root.signIn('root');
    expect((await root.post('/admin/impersonate-user', { userId: 'ada' })).status).toBe(200);
    expect((await record.entries()).at(-1)).toMatchObject({ event: 'login', userId: 'ada', initiator: 'admin', details: { impersonatedBy: 'root' } });
    await root.post('/admin/stop-impersonating');
    expect(await ends()).toMatchObject([{ event: 'logout', userId: 'ada', initiator: 'admin', reason: 'impersonation_ended' }]);
    expect(record.tracker.sessionsOf('root')).toHaveLength(1);
  });

  it('revokes what a changed password ends, and takes the session that comes instead for a login', async () => {
    const { browser } = start();
    const [a, b] = [browser(), browser()];
    await a.signIn('ada');
    await b.signIn('ada');
    expect((await a.post('/change-password', { currentPassword: 'right', newPassword: 'better', revokeOtherSessions: true })).status).toBe(200);
    expect((await ends()).map(({ event, reason }) => [event, reason])).toEqual([['revoked', 'password_changed'], ['revoked', 'password_changed']]);
    expect(record.tracker.sessionsOf('ada')).toHaveLength(1);
    expect((await a.get('/get-session')).body).not.toBeNull();
    expect((await record.events()).at(-1)).toBe('login');
  });

  it('takes in a session that is older than the record, once', async () => {
    const { browser, tables } = start();
    const ada = browser();
    await ada.signIn('ada');
    const [row] = tables['session'] ?? [];
    await record.close();
    record = await openRecord(POLICY);
    const later = start();
    addUser(later.tables, 'ada');
    later.tables['session']?.push(row ?? {});
    const same = later.browser();
    for (const [name, value] of ada.cookies) same.cookies.set(name, value);
    for (let i = 0; i < 2; i++) expect((await same.get('/get-session')).body).not.toBeNull();
    expect(await record.entries()).toMatchObject([{ event: 'login', userId: 'ada', reason: 'session_adopted', initiator: 'system' }]);
  });

  it('names the account that was tried, and never what was typed', async () => {
    const { browser, tables } = start();
    const email = addUser(tables, 'ada');
    await browser().post('/sign-in/email', { email, password: 'my-secret-guess' });
    await browser().post('/sign-in/email', { email: 'my-secret-guess@users.example', password: 'x' });
    const found = await record.entries();
    expect(found).toMatchObject([{ event: 'login_failed', userId: 'ada', ...ORIGIN }, { event: 'login_failed' }]);
    expect(found[1]?.userId).toBeUndefined();
    expect(JSON.stringify(found)).not.toContain('my-secret-guess');
  });
});
