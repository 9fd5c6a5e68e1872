import { Auth } from '@auth/core';
import { decode, encode } from '@auth/core/jwt';
import { SessionError } from '@indelible/session';
import { recordAuth } from '@indelible/session/authjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { adapter as database, databaseAuth } from './authjs-database-app.ts';
import { adapter as jwt, jwtAuth } from './authjs-jwt-app.ts';
import { describeAdapter } from './suite.ts';
import { addressOf, tables } from './support/authjs-tables.ts';
import { openRecord, type MemoryRecord } from './support/memory-record.ts';

describeAdapter(jwt);
describeAdapter(database);

const SECRET = 'a secret of no less than 32 characters';
const POLICY = { idleMs: 900_000, absoluteMs: 28_800_000 };
const COOKIE = 'authjs.session-token';

describe('recordAuth', () => {
  let record: MemoryRecord;
  beforeEach(async () => {
    record = await openRecord(POLICY);
  });
  afterEach(() => record.close());

  const options = () => ({ tracker: record.tracker, policy: POLICY, trustProxy: 1 as const, secret: SECRET, details: undefined });

  function browser(handler: (request: Request) => Promise<Response>) {
    const cookies = new Map<string, string>();
    const send = async (path: string, form?: Record<string, string>): Promise<Response> => {
      const headers = { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; '), 'x-forwarded-for': '198.51.100.7', 'user-agent': 'Firefox' };
      const url = path.startsWith('http') ? path : `http://127.0.0.1/auth${path}`;
      const response = await handler(new Request(url, form === undefined ? { headers } : { method: 'POST', headers, body: new URLSearchParams(form) }));
      for (const line of response.headers.getSetCookie()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
        if (value === '') cookies.delete(name);
        else cookies.set(name, decodeURIComponent(value));
      }
      return response;
    };
    return {
      cookies,
      get: (path: string) => send(path),
      async post(path: string, form: Record<string, string>) {
        const { csrfToken } = (await (await send('/csrf')).json()) as { csrfToken: string };
        return send(path, { csrfToken, ...form });
      },
      async user(): Promise<string | undefined> {
        return ((await (await send('/session')).json()) as { user?: { id?: string } } | null)?.user?.id;
      },
    };
  }

  it('wants decode for the JWT strategy, which cannot tell an expired token without it', () => {
    const make = (): unknown => recordAuth({ providers: [] }, { tracker: record.tracker });
    expect(make).toThrow(SessionError);
    expect(make).toThrow('next-auth/jwt');
  });

  it('records a login, and where it came from, without a call in the application', async () => {
    const ada = browser(jwtAuth(options()));
    await ada.post('/callback/credentials', { user: 'ada', password: 'right' });
    expect(await ada.user()).toBe('ada');
    expect(await record.entries()).toMatchObject([
      { event: 'login', userId: 'ada', ip: '198.51.100.7', userAgent: 'Firefox', resource: '/auth/callback/credentials' },
    ]);
  });

  it('takes in a token that is older than the record, once, and names its session in the token', async () => {
    const ada = browser(jwtAuth(options()));
    ada.cookies.set(COOKIE, await encode({ token: { sub: 'ada' }, secret: SECRET, salt: COOKIE, maxAge: 600 }));
    expect([await ada.user(), await ada.user()]).toEqual(['ada', 'ada']);
    expect(await record.entries()).toMatchObject([{ event: 'login', userId: 'ada', reason: 'session_adopted', initiator: 'system' }]);
    expect(await decode({ token: ada.cookies.get(COOKIE) ?? '', secret: SECRET, salt: COOKIE })).toMatchObject({ sid: expect.stringMatching(/-/) as string });
  });

  it('refuses a token whose session was revoked, though it is signed and has not expired', async () => {
    const ada = browser(jwtAuth(options()));
    await ada.post('/callback/credentials', { user: 'ada', password: 'right' });
    await record.tracker.revoke({ userId: 'ada' }, { initiator: 'admin' });
    expect(await ada.user()).toBeUndefined();
    expect(ada.cookies.has(COOKIE)).toBe(false);
    expect(await record.events()).toEqual(['login', 'revoked', 'session_use_after_end']);
  });

  it('waits for a login that another process has recorded and this one has not read yet', async () => {
    const ada = browser(jwtAuth(options()));
    await ada.post('/callback/credentials', { user: 'ada', password: 'right' });
    const { tracker } = record;
    const find = tracker.find.bind(tracker);
    let late = 3;
    tracker.find = (sid) => (late-- > 0 ? undefined : find(sid));
    expect(await ada.user()).toBe('ada');
    expect(await record.events()).toEqual(['login']);
  });

  it('finds the session that somebody signs in over in a cookie that was cut into pieces', async () => {
    const ada = browser(jwtAuth(options()));
    await ada.post('/callback/credentials', { user: 'ada', password: 'right' });
    const token = ada.cookies.get(COOKIE) ?? '';
    ada.cookies.delete(COOKIE);
    ada.cookies.set(`${COOKIE}.1`, token.slice(100));
    ada.cookies.set(`${COOKIE}.0`, token.slice(0, 100));
    await ada.post('/callback/credentials', { user: 'bob', password: 'right' });
    expect((await record.entries()).map(({ event, userId, reason }) => [event, userId, reason])).toEqual([
      ['login', 'ada', undefined], ['logout', 'ada', 'account_switch'], ['login', 'bob', undefined],
    ]);
  });

  it('gives no cookie and no session where a login cannot be recorded', async () => {
    const store = { isDown: false };
    const { adapter, sessions } = tables(store);
    const mailbox = new Map<string, string[]>();
    const ada = browser(databaseAuth(options(), adapter, mailbox));
    await ada.post('/signin/email', { email: addressOf('ada') });
    record.port.isDown = true;
    const refused = await ada.get(mailbox.get(addressOf('ada'))?.[0] ?? '');
    expect([refused.status, refused.headers.getSetCookie()]).toEqual([503, []]);
    expect(sessions.size).toBe(0);
  });

  it('ends on the record a login whose session was not stored', async () => {
    const store = { isDown: false };
    const { adapter } = tables(store);
    const mailbox = new Map<string, string[]>();
    const broken = { ...adapter, createSession: () => Promise.reject(new Error('the database is away')) };
    const ada = browser(databaseAuth(options(), broken, mailbox));
    await ada.post('/signin/email', { email: addressOf('ada') });
    await ada.get(mailbox.get(addressOf('ada'))?.[0] ?? '');
    expect((await record.entries()).at(-1)).toMatchObject({ event: 'logout', reason: 'session_not_stored', initiator: 'system' });
  });

  it('says of a logout during an outage of the store that the session lives on for whoever has its token', async () => {
    const store = { isDown: false };
    const { adapter } = tables(store);
    const mailbox = new Map<string, string[]>();
    const ada = browser(databaseAuth(options(), adapter, mailbox));
    await ada.post('/signin/email', { email: addressOf('ada') });
    await ada.get(mailbox.get(addressOf('ada'))?.[0] ?? '');
    store.isDown = true;
    await ada.post('/signout', {});
    expect((await record.entries()).at(-1)).toMatchObject({ event: 'logout', userId: 'ada', details: { revocation: 'client_side_only' } });
  });

  it('leaves the application’s own callbacks and events in place', async () => {
    const seen: string[] = [];
    const auth = recordAuth(
      {
        secret: SECRET, basePath: '/auth', trustHost: true, adapter: tables({ isDown: false }).adapter, session: { strategy: 'jwt' },
        providers: [{ id: 'credentials', type: 'credentials', name: 'Own', credentials: {}, authorize: () => ({ id: 'ada' }) }],
        callbacks: { jwt: ({ token }: { token: object }) => ({ ...token, role: 'clerk' }), session: ({ session, token }: { session: object; token: { role?: string } }) => ({ ...session, role: token.role }) },
        events: { signOut: () => void seen.push('signOut') },
      },
      { tracker: record.tracker, decode },
    );
    const ada = browser(auth.handle((request) => Auth(request, auth.config as unknown as Parameters<typeof Auth>[1]) as Promise<Response>));
    await ada.post('/callback/credentials', {});
    expect(await (await ada.get('/session')).json()).toMatchObject({ role: 'clerk' });
    await ada.post('/signout', {});
    expect(seen).toEqual(['signOut']);
    expect(await record.events()).toEqual(['login', 'logout']);
  });
});
