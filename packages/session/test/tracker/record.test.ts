import { MemoryDisk } from '../../../log/dist/disk/memory-disk.js';
import { createSigningKey, type Log, memoryStore, openLog, parseSigningKey } from '@indelible/log';
import { connectLog, logSessionEvent, type OpenSession, type SessionTracker } from '@indelible/session';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SID_KEY, sessionEntries, TestClock, trackerOver } from '../support/tracker-world.ts';

const policy = { idleMs: 600_000, absoluteMs: 3_600_000 };
const disk = (): MemoryDisk => new MemoryDisk();

let store: ReturnType<typeof memoryStore>;
let log: Log;
let clock: TestClock;
beforeEach(async () => {
  store = memoryStore({ disk: disk() });
  log = await openLog({ store, signer: parseSigningKey(createSigningKey('session.example/test').secret), app: 'test', instance: 'log', heartbeatMs: 0 });
  clock = new TestClock();
});
afterEach(() => log.close());

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 400 && !condition(); i++) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(condition()).toBe(true);
}

const known = (tracker: SessionTracker, users: readonly string[]): (readonly OpenSession[])[] => users.map((user) => tracker.sessionsOf(user));

describe('the state', () => {
  it('survives a restart whole', async () => {
    const users = Array.from({ length: 20 }, (_, i) => `user-${i}`);
    const first = await trackerOver(log, clock, { policy });
    for (const [i, user] of users.entries()) {
      await first.login(`${user}-1`, user, { ip: `192.0.2.${i}`, userAgent: 'curl/8.5.0', details: { method: 'password' } });
      clock.pass(1000);
      if (i % 3 === 0) await first.login(`${user}-2`, user, { ip: '2001:db8::1' });
      if (i % 4 === 0) await first.logout(`${user}-1`);
      if (i % 5 === 0) await first.regenerate(`${user}-2`, `${user}-3`);
      if (i % 7 === 0) await first.extend(`${user}-1`, { ip: '198.51.100.1' });
    }
    const before = known(first, users);
    const second = await trackerOver(log, clock, { policy });
    expect(known(second, users)).toEqual(before);
    expect(second.find('user-15-3')?.sessionId).toBe(first.find('user-15-3')?.sessionId);
    await first.close();
    await second.close();
  });

  it('follows what others record', async () => {
    const tracker = await trackerOver(log, clock, { policy });
    connectLog(log);
    const { sessionId } = await tracker.login('a', 'maria');
    await logSessionEvent('jan', 'logout', { sessionId });
    await logSessionEvent('maria', 'extend', { sessionId, idleDeadline: clock.nowMs + 5_000_000 });
    await until(() => tracker.get(sessionId)?.idleDeadlineMs === clock.nowMs + 5_000_000);
    await logSessionEvent('maria', 'logout', { sessionId });
    await until(() => tracker.get(sessionId) === undefined);
    await logSessionEvent('eva', 'login', { sessionId: 'S-17', idleDeadline: clock.nowMs + 1000 });
    await until(() => tracker.get('S-17') !== undefined);
    clock.pass(1000 + 60_000);
    expect(await tracker.sweep()).toBe(1);
    expect((await sessionEntries(log)).at(-1)).toMatchObject({ event: 'timeout', sessionId: 'S-17', userId: 'eva', app: 'test' });
    await tracker.close();
  });

  it('is shared by trackers over one log', async () => {
    const [one, two] = [await trackerOver(log, clock, { policy }), await trackerOver(log, clock, { policy })];
    const session = await one.login('a', 'maria');
    await until(() => two.find('a') !== undefined);
    expect(two.find('a')).toEqual(session);
    expect(await two.revoke({ userId: 'maria' }, { reason: 'password_changed' })).toBe(1);
    await until(() => one.find('a') === undefined);
    expect((await sessionEntries(log)).at(-1)).toMatchObject({ event: 'revoked', initiator: 'admin', reason: 'password_changed' });
    await one.close();
    await two.close();
  });
});

describe('the record', () => {
  it('holds no raw session id anywhere', async () => {
    const raw = ['RAWSID-0123456789abcdef', 'RAWSID-regenerated-zyxwv', 'RAWSID-other'];
    const tracker = await trackerOver(log, clock, { policy, heartbeatMs: 60_000 });
    const maria = { sid: raw[0]!, userId: 'maria' };
    await tracker.observe({ before: {}, after: maria, origin: { ip: '192.0.2.1' } });
    await tracker.observe({ before: maria, after: { ...maria, sid: raw[1]! }, origin: { ip: '198.51.100.1' } });
    await tracker.login(raw[2]!, 'maria');
    await tracker.extend(raw[1]!);
    await tracker.tokenReused(raw[2]!);
    await tracker.logout(raw[1]!);
    await tracker.presented(raw[1]!);
    await tracker.presented(raw[0]!);
    clock.pass(4_000_000);
    await tracker.sweep();
    await tracker.close();
    const entries = await sessionEntries(log);
    expect(entries.map((entry) => entry['event'])).toEqual(['login', 'session_regenerated', 'login', 'concurrent_warning', 'extend', 'token_reuse', 'logout', 'session_use_after_end', 'timeout']);
    let searched = 0;
    for (const name of await store.disk.list()) {
      const bytes = Buffer.from(await store.disk.read(name, 0, (await store.disk.size(name))!));
      searched += bytes.length;
      for (const sid of raw) {
        for (const form of [sid, Buffer.from(sid).toString('base64'), Buffer.from(sid).toString('base64url'), Buffer.from(sid).toString('hex')]) expect(bytes.includes(form)).toBe(false);
      }
      expect(bytes.includes(Buffer.from(SID_KEY))).toBe(false);
    }
    expect(searched).toBeGreaterThan(2000);
  });

  it('links each event of a session to the one before it, across a change of the id', async () => {
    const tracker = await trackerOver(log, clock, { policy });
    const { sessionId } = await tracker.login('a', 'maria');
    await tracker.extend('a');
    await tracker.regenerate('a', 'b');
    await tracker.reauthenticated('b');
    await tracker.privilegeChanged('b', { details: { role: 'admin' } });
    clock.pass(5_000_000);
    await tracker.sweep();
    await tracker.presented('b');
    const entries = await sessionEntries(log);
    expect(entries.map((entry) => entry['event'])).toEqual(['login', 'extend', 'session_regenerated', 'reauthenticated', 'privilege_changed', 'timeout', 'session_use_after_end']);
    expect(entries.every((entry) => entry['sessionId'] === sessionId && entry['userId'] === 'maria')).toBe(true);
    expect(entries.map((entry) => entry['prev'])).toEqual([undefined, ...entries.slice(0, -1).map((entry) => entry['id'])]);
    await tracker.close();
  });

  it('takes hostile input for what it is', async () => {
    const tracker = await trackerOver(log, clock, { policy, onError: () => undefined });
    const userId = 'maria"\n{"event":"logout"}\u2028';
    await tracker.login('a', userId, { userAgent: `\ud800\0${'x'.repeat(100_000)}`, ip: '1'.repeat(500), details: { userId: 'admin', event: 'logout' } });
    expect(tracker.find('a')?.userId).toBe(userId);
    await tracker.logout('a', { details: { circular: undefined, bad: 10n } });
    const [login, logout] = await sessionEntries(log);
    expect(login).toMatchObject({ event: 'login', userId, details: { userId: 'admin', event: 'logout' } });
    expect(login?.['userAgent']).toHaveLength(1024);
    expect(logout).toMatchObject({ event: 'logout', userId, details: { detailsRefused: expect.stringContaining('bigint') as string } });
    await expect(tracker.login('b', '')).rejects.toMatchObject({ code: 'ERR_EVENT_FIELD_INVALID' });
    await expect(tracker.login('', 'maria')).rejects.toMatchObject({ code: 'ERR_EVENT_FIELD_INVALID' });
    await tracker.close();
    await expect(tracker.login('c', 'maria')).rejects.toMatchObject({ code: 'ERR_SESSION_TRACKER_CLOSED' });
  });
});
