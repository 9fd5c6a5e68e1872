import { currentOrigin, runWithOrigin, SessionError } from '@indelible/session';
import { wrapSessionStore } from '@indelible/session/session-store';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { adapter, hash, ownSessions } from './session-store-app.ts';
import { describeAdapter } from './suite.ts';
import { openRecord, type MemoryRecord } from './support/memory-record.ts';

describeAdapter(adapter);

const POLICY = { idleMs: 900_000, absoluteMs: 28_800_000 };
const HOME = { ip: '198.51.100.7', userAgent: 'Firefox', resource: '/sessions' };

describe('wrapSessionStore', () => {
  let record: MemoryRecord;
  beforeEach(async () => {
    record = await openRecord();
  });
  afterEach(async () => {
    await record.close();
    vi.useRealTimers();
  });

  it('ends a session again whose login cannot be recorded, and says so', async () => {
    const own = ownSessions(POLICY);
    const store = wrapSessionStore(own, { tracker: record.tracker, sessionId: hash });
    record.port.isDown = true;
    const refused = await store.create('token-1', 'ada').catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(SessionError);
    expect(refused).toMatchObject({ code: 'ERR_SESSION_NOT_DURABLE' });
    expect(own.rows.size).toBe(0);
    expect(await store.validate('token-1')).toEqual({ session: null, user: null });
  });

  it('ends the session of before where the login in its place cannot be recorded', async () => {
    const own = ownSessions(POLICY);
    const store = wrapSessionStore(own, { tracker: record.tracker, sessionId: hash });
    await store.create('a', 'ada');
    await runWithOrigin({ ...HOME }, async () => {
      await store.validate('a');
      record.port.isDown = true;
      await expect(store.create('b', 'bob')).rejects.toMatchObject({ code: 'ERR_SESSION_NOT_DURABLE' });
      record.port.isDown = false;
    });
    expect(own.rows.size).toBe(0);
    expect(record.tracker.sessionsOf('ada')).toEqual([]);
  });

  it('ends a session at the policy’s absolute deadline, which the store has not', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    await record.close();
    record = await openRecord({ idleMs: 900_000, absoluteMs: 1_200_000 });
    const store = wrapSessionStore(ownSessions(POLICY), { tracker: record.tracker, sessionId: hash });
    await store.create('a', 'ada');
    vi.setSystemTime(Date.now() + 800_000);
    expect((await store.validate('a')).session).not.toBeNull();
    vi.setSystemTime(Date.now() + 500_000);
    expect(await store.validate('a')).toEqual({ session: null, user: null });
    expect((await record.entries()).at(-1)).toMatchObject({ event: 'timeout', reason: 'absolute' });
  });

  it('gives and takes what the store does, and awaits it where it is synchronous', async () => {
    const store = wrapSessionStore(ownSessions(POLICY), { tracker: record.tracker, sessionId: hash });
    const session = await store.create('token-1', 'ada');
    expect(session.id).toBe(hash('token-1'));
    const { user } = await store.validate('token-1');
    expect(user?.id).toBe('ada');
  });

  it('tells a logout from the end of another session, by its user or by somebody else', async () => {
    const store = wrapSessionStore(ownSessions(POLICY), { tracker: () => record.tracker, sessionId: hash });
    for (const token of ['phone', 'laptop', 'desk']) await store.create(token, 'ada');
    await store.create('root', 'root');
    const as = (token: string, end: string): Promise<void> =>
      runWithOrigin({ ...HOME }, async () => {
        await store.validate(token);
        await store.invalidate(hash(end));
      });
    await as('phone', 'laptop');
    await as('root', 'desk');
    await as('phone', 'phone');
    const ends = (await record.entries()).filter(({ event }) => event === 'logout' || event === 'revoked');
    expect(ends).toMatchObject([
      { event: 'revoked', initiator: 'user', userId: 'ada', ...HOME },
      { event: 'revoked', initiator: 'admin', userId: 'ada' },
      { event: 'logout', initiator: 'user', userId: 'ada' },
    ]);
  });

  it('keeps two requests apart, whose sessions are not each other’s', async () => {
    const store = wrapSessionStore(ownSessions(POLICY), { tracker: record.tracker, sessionId: hash });
    await store.create('a', 'ada');
    await Promise.all([
      runWithOrigin({ ip: '198.51.100.1' }, async () => {
        await store.validate('a');
        await new Promise((resolve) => setTimeout(resolve, 10));
        expect(currentOrigin()?.ip).toBe('198.51.100.1');
      }),
      runWithOrigin({ ip: '198.51.100.2' }, () => store.create('b', 'bob')),
    ]);
    expect(await record.events()).toEqual(['login', 'login']);
  });

  it('leaves alone what the store could not end', async () => {
    let isDown = false;
    const store = wrapSessionStore(ownSessions(POLICY, () => isDown), { tracker: record.tracker, sessionId: hash });
    const { id } = await store.create('a', 'ada');
    isDown = true;
    await expect(store.invalidate(id)).rejects.toThrow('away');
    await expect(store.invalidateAll('ada')).rejects.toThrow('away');
    expect(await record.events()).toEqual(['login']);
  });

  it('records that all sessions of a user were ended, once each', async () => {
    const store = wrapSessionStore(ownSessions(POLICY), { tracker: record.tracker, sessionId: hash });
    for (const token of ['a', 'b']) await store.create(token, 'ada');
    await store.invalidateAll('ada');
    await store.invalidateAll('ada');
    const ends = (await record.entries()).filter(({ event }) => event === 'revoked');
    expect(ends).toMatchObject([{ reason: 'all_sessions', initiator: 'system' }, { reason: 'all_sessions' }]);
  });

  it('reads the session where it is told to', async () => {
    const plain = {
      create: (id: string, user: number) => ({ data: { id, userId: user, expiresAt: Date.now() + 60_000 } }),
      validate: (id: string) => (id === 'gone' ? undefined : { data: { id, userId: 7 } }),
      invalidate: () => undefined,
      invalidateAll: (_user: number) => undefined,
    };
    const store = wrapSessionStore(plain, { tracker: record.tracker, session: (result) => (result as { data: { id: string; userId: number } } | undefined)?.data });
    await store.create('s', 7);
    await store.validate('s');
    expect(await store.validate('gone')).toBeUndefined();
    expect('extend' in store).toBe(false);
    expect((await record.entries()).map(({ event, userId }) => [event, userId])).toEqual([['login', '7']]);
  });
});
