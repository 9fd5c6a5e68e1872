import type { Log } from '@indelible/log';
import type { RequestChange, SessionTracker } from '@indelible/session';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { memoryLog, sessionEntries, TestClock, trackerOver } from '../support/tracker-world.ts';

const policy = { idleMs: 600_000, absoluteMs: 3_600_000 };
const HOME = { ip: '192.0.2.10', userAgent: 'Mozilla/5.0 (Windows NT 10.0) Chrome/126.0 Safari/537.36' };

let log: Log;
let clock: TestClock;
let tracker: SessionTracker;

beforeEach(async () => {
  log = await memoryLog();
  clock = new TestClock();
  tracker = await trackerOver(log, clock, { policy });
});
afterEach(async () => {
  await tracker.close();
  await log.close();
});

const observe = (before: RequestChange['before'], after: RequestChange['after'], more: Partial<RequestChange> = {}): Promise<void> | undefined =>
  tracker.observe({ before, after, origin: HOME, ...more });
const events = async (): Promise<unknown[]> => (await sessionEntries(log)).map((entry) => entry['event']);
const maria = { sid: 'sid-a', userId: 'maria' };

describe('an observed request', () => {
  it('that is nobody’s is no event', async () => {
    expect(observe({}, {})).toBeUndefined();
    expect(observe({ sid: 'anonymous' }, { sid: 'anonymous' })).toBeUndefined();
    for (const presentedSid of ['forged', '', '\0', '\ud800', 'x'.repeat(100_000)]) expect(observe({}, {}, { presentedSid })).toBeUndefined();
    expect(await events()).toEqual([]);
  });

  it('that logs somebody in', async () => {
    await observe({ sid: 'anonymous' }, maria);
    expect(await sessionEntries(log)).toMatchObject([{ event: 'login', userId: 'maria', initiator: 'user', outcome: 'success', ip: HOME.ip, policy: expect.stringMatching(/^idle-10m-absolute-1h-/) as string }]);
    expect(tracker.find('sid-a')?.userId).toBe('maria');
  });

  it('that changes nothing writes nothing', async () => {
    await observe({}, maria);
    clock.pass(1000);
    expect(observe(maria, maria)).toBeUndefined();
    expect(await events()).toEqual(['login']);
  });

  it('that moves the deadline is an extension, now and then', async () => {
    await observe({}, maria);
    for (let i = 0; i < 10; i++) {
      clock.pass(20_000);
      await observe(maria, maria);
    }
    const entries = await sessionEntries(log);
    expect(entries.map((entry) => entry['event'])).toEqual(['login', 'extend', 'extend', 'extend']);
    expect(entries[1]).toMatchObject({ initiator: 'user', idleDeadline: new Date(clock.nowMs - 140_000 + 600_000).toISOString() });
    expect(entries[1]?.['details']).toBeUndefined();
  });

  it('that asks for more time is an extension at once', async () => {
    await observe({}, maria);
    clock.pass(1000);
    await observe(maria, maria, { explicitExtension: true, reason: 'stay_logged_in' });
    expect((await sessionEntries(log))[1]).toMatchObject({ event: 'extend', reason: 'stay_logged_in' });
  });

  it('that changes the id', async () => {
    await observe({}, maria);
    await observe(maria, { sid: 'sid-b', userId: 'maria' });
    expect(await events()).toEqual(['login', 'session_regenerated']);
    const [login, renamed] = await sessionEntries(log);
    expect(renamed?.['sessionId']).toBe(login?.['sessionId']);
    expect(renamed?.['sidHash']).not.toBe(login?.['sidHash']);
    // A request that began before that and still has the old id.
    expect(await observe(maria, maria)).toBeUndefined();
    expect(await events()).toEqual(['login', 'session_regenerated']);
  });

  it('that logs out', async () => {
    await observe({}, maria);
    await observe(maria, {}, { reason: 'user_request' });
    expect((await sessionEntries(log)).at(-1)).toMatchObject({ event: 'logout', reason: 'user_request', initiator: 'user' });
    expect(tracker.find('sid-a')).toBeUndefined();
  });

  it('that switches the account', async () => {
    await observe({}, maria);
    await observe(maria, { sid: 'sid-b', userId: 'jan' });
    const entries = await sessionEntries(log);
    expect(entries).toMatchObject([
      { event: 'login', userId: 'maria' },
      { event: 'logout', userId: 'maria', reason: 'account_switch' },
      { event: 'login', userId: 'jan', details: { accountSwitch: true } },
    ]);
    expect(tracker.sessionsOf('maria')).toEqual([]);
  });

  it('that comes from another network or device', async () => {
    await observe({}, maria);
    await observe(maria, maria, { origin: { ...HOME, ip: '192.0.2.99' } });
    expect(await events()).toEqual(['login']);
    await observe(maria, maria, { origin: { ...HOME, ip: '198.51.100.1' } });
    await observe(maria, maria, { origin: { ...HOME, ip: '198.51.100.1' } });
    await observe(maria, maria, { origin: { ip: '198.51.100.1', userAgent: 'curl/8.5.0' } });
    expect((await sessionEntries(log)).slice(1)).toMatchObject([
      { event: 'context_changed', ip: '198.51.100.1', details: { changed: ['network'], fromIp: '192.0.2.99' } },
      { event: 'context_changed', details: { changed: ['device'], fromDevice: 'Chrome on Windows (desktop)' } },
    ]);
  });

  it('with an id that the store has lost', async () => {
    await observe({}, maria);
    await observe({}, {}, { presentedSid: 'sid-a' });
    expect((await sessionEntries(log)).at(-1)).toMatchObject({ event: 'revoked', reason: 'gone_from_store', initiator: 'system' });
    await observe({}, {}, { presentedSid: 'sid-a' });
    expect(observe({}, {}, { presentedSid: 'sid-a' })).toBeUndefined();
    expect((await sessionEntries(log)).at(-1)).toMatchObject({ event: 'session_use_after_end', userId: 'maria', outcome: 'failure' });
    expect(await events()).toHaveLength(3);
  });

  it('with an id whose deadline has passed is that timeout', async () => {
    await observe({}, maria);
    clock.pass(700_000);
    await observe({}, {}, { presentedSid: 'sid-a' });
    expect((await sessionEntries(log)).at(-1)).toMatchObject({ event: 'timeout', reason: 'idle', timestamp: new Date(clock.nowMs - 100_000).toISOString() });
    expect(await tracker.sweep()).toBe(0);
  });

  it('of a session that the record does not have adopts it', async () => {
    await observe(maria, maria);
    expect(await sessionEntries(log)).toMatchObject([{ event: 'login', reason: 'session_adopted', initiator: 'system' }]);
    await observe({ sid: 'sid-z', userId: 'jan' }, {});
    expect((await sessionEntries(log)).slice(1)).toMatchObject([
      { event: 'login', userId: 'jan', reason: 'session_adopted' },
      { event: 'logout', userId: 'jan' },
    ]);
  });

  it('of a session that timed out here and lives on in the framework is said, and adopted', async () => {
    await observe({}, maria);
    const first = tracker.find('sid-a')!.sessionId;
    clock.pass(700_000);
    await tracker.sweep();
    await observe(maria, maria);
    expect(await events()).toEqual(['login', 'timeout', 'session_use_after_end', 'login']);
    expect(tracker.find('sid-a')?.sessionId).not.toBe(first);
  });

  it('comes to the same whether the sweeper was there first or not', async () => {
    await observe({}, maria);
    clock.pass(700_000);
    await observe(maria, maria);
    expect(await events()).toEqual(['login', 'timeout', 'session_use_after_end', 'login']);
  });

  it('of another user than the session’s is never taken for that user', async () => {
    await observe({}, maria);
    await observe({ sid: 'sid-a', userId: 'jan' }, { sid: 'sid-a', userId: 'jan' });
    expect(await sessionEntries(log)).toMatchObject([
      { event: 'login', userId: 'maria' },
      { event: 'logout', userId: 'maria', reason: 'account_switch' },
      { event: 'login', userId: 'jan' },
    ]);
  });

  it('two at once that log in, or out, are one event', async () => {
    await Promise.all([observe({}, maria), observe({}, maria)]);
    await observe({}, maria);
    await Promise.all([observe(maria, {}), observe(maria, {}), observe({}, {}, { presentedSid: 'nobody' })]);
    expect(await events()).toEqual(['login', 'logout']);
  });

  it('that began before the logout of another one is no use after the end', async () => {
    await observe({}, maria);
    const startedMs = clock.nowMs;
    clock.pass(50);
    await observe(maria, {});
    expect(await observe(maria, maria, { startedMs })).toBeUndefined();
    expect(await events()).toEqual(['login', 'logout']);
    clock.pass(50);
    await observe(maria, maria, { startedMs: clock.nowMs });
    expect((await events()).slice(2)).toEqual(['session_use_after_end', 'login']);
  });

  it('that cannot be recorded rejects only where it logs in', async () => {
    await observe({}, maria);
    const broken = await trackerOver({ ...port(log), append: () => Promise.reject(new Error('the disk is gone')) }, clock, { policy, onError: () => undefined });
    expect(broken.find('sid-a')?.userId).toBe('maria');
    await expect(broken.observe({ before: {}, after: { sid: 'sid-c', userId: 'jan' }, origin: {} })).rejects.toMatchObject({ code: 'ERR_SESSION_NOT_DURABLE' });
    expect(broken.find('sid-c')).toBeUndefined();
    await expect(broken.observe({ before: maria, after: {}, origin: {} })).resolves.toBeUndefined();
    expect(broken.find('sid-a')).toBeUndefined();
    await broken.close();
  });
});

/** The log as a port of its own, whose parts a test replaces. */
function port(whole: Log): Parameters<typeof trackerOver>[0] {
  return { append: (event) => whole.append(event), follow: (options) => whole.follow(options), openSessions: () => whole.openSessions() };
}
