import type { Log } from '@indelible/log';
import { sweepOnce, type TrackerOptions } from '@indelible/session';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { allEntries, memoryLog, sessionEntries, TestClock, trackerOver } from '../support/tracker-world.ts';

const policy = { idleMs: 600_000, absoluteMs: 3_600_000 };
const iso = (ms: number): string => new Date(ms).toISOString();

let log: Log;
let clock: TestClock;
beforeEach(async () => {
  log = await memoryLog();
  clock = new TestClock();
});
afterEach(() => log.close());

const shared = (): TrackerOptions['log'] => ({
  append: (event) => log.append(event),
  follow: (options) => log.follow(options),
  openSessions: () => log.openSessions(),
  shared: true,
});

describe('timeouts', () => {
  it('carry the deadline as their time, and when they were found as well', async () => {
    const tracker = await trackerOver(log, clock, { policy });
    const session = await tracker.login('a', 'maria');
    clock.pass(86_400_000);
    expect(await tracker.sweep()).toBe(1);
    const timeout = (await sessionEntries(log)).at(-1)!;
    expect(timeout).toMatchObject({ event: 'timeout', reason: 'idle', initiator: 'policy', timestamp: iso(session.idleDeadlineMs!), sessionId: session.sessionId, prev: session.lastEventId });
    expect(timeout['recordedAt']).toBeDefined();
    await tracker.close();
  });

  it('by the absolute deadline, however much the session is used', async () => {
    const tracker = await trackerOver(log, clock, { policy });
    const { openedMs } = await tracker.login('a', 'maria');
    for (let i = 0; i < 12; i++) {
      clock.pass(300_000);
      await tracker.sweep();
      await tracker.activity('a');
    }
    expect(tracker.find('a')).toBeUndefined();
    const [timeout, use] = (await sessionEntries(log)).slice(-2);
    expect(timeout).toMatchObject({ event: 'timeout', reason: 'absolute', timestamp: iso(openedMs + 3_600_000) });
    expect(use).toMatchObject({ event: 'session_use_after_end' });
    await tracker.close();
  });

  it('come after what the session gained by use', async () => {
    const tracker = await trackerOver(log, clock, { policy });
    const { openedMs } = await tracker.login('a', 'maria');
    clock.pass(50_000);
    expect(tracker.activity('a', { ip: '192.0.2.1' })).toBeUndefined();
    clock.pass(560_000);
    expect(await tracker.sweep()).toBe(0);
    expect((await sessionEntries(log)).at(-1)).toMatchObject({ event: 'extend', timestamp: iso(openedMs + 50_000), idleDeadline: iso(openedMs + 650_000) });
    clock.pass(40_000);
    expect(await tracker.sweep()).toBe(1);
    expect((await sessionEntries(log)).at(-1)).toMatchObject({ event: 'timeout', timestamp: iso(openedMs + 650_000) });
    await tracker.close();
  });

  it('of sessions that died while nothing ran are recorded later, a little later than their deadline', async () => {
    const first = await trackerOver(log, clock, { policy });
    await first.login('a', 'maria');
    await first.close();
    clock.pass(610_000);
    const second = await trackerOver(log, clock, { policy });
    // Somebody who is gone may have seen activity that is not on the record.
    expect(await second.sweep()).toBe(0);
    clock.pass(60_000);
    expect(await second.sweep()).toBe(1);
    expect((await sessionEntries(log)).map((entry) => entry['event'])).toEqual(['login', 'timeout']);
    await second.close();
  });

  it('are written once by several trackers, whatever each of them knows', async () => {
    const trackers = await Promise.all([1, 2, 3].map((i) => trackerOver(shared(), clock, { policy, instance: `i${i}` })));
    for (let i = 0; i < 20; i++) await trackers[i % 3]!.login(`sid-${i}`, `user-${i}`);
    clock.pass(700_000);
    await Promise.all(trackers.map((tracker) => tracker.sweep()));
    const entries = (await sessionEntries(log)).filter((entry) => entry['event'] === 'timeout');
    expect(entries).toHaveLength(20);
    expect(new Set(entries.map((entry) => entry['sessionId'])).size).toBe(20);
    for (const tracker of trackers) {
      expect(tracker.openCount).toBe(0);
      await tracker.close();
    }
  });

  it('are the same where a request found them first', async () => {
    const [one, two] = [await trackerOver(shared(), clock, { policy }), await trackerOver(shared(), clock, { policy })];
    await one.login('a', 'maria');
    await settled(() => two.find('a') !== undefined);
    clock.pass(700_000);
    await Promise.all([one.sweep(), two.presented('a')]);
    expect((await sessionEntries(log)).filter((entry) => entry['event'] === 'timeout')).toHaveLength(1);
    await one.close();
    await two.close();
  });

  it('come before the use that found them, which is one after the end', async () => {
    const tracker = await trackerOver(log, clock, { policy });
    await tracker.login('a', 'maria');
    clock.pass(700_000);
    await tracker.activity('a');
    await tracker.extend('a');
    expect((await sessionEntries(log)).map((entry) => entry['event'])).toEqual(['login', 'timeout', 'session_use_after_end']);
    expect(tracker.isOver('a')).toBe(true);
    await tracker.close();
  });

  it('are recorded by a single sweep', async () => {
    const tracker = await trackerOver(log, clock, { policy });
    await tracker.login('a', 'maria');
    await tracker.login('b', 'jan', { idleDeadlineMs: clock.nowMs + 86_400_000, absoluteDeadlineMs: clock.nowMs + 86_400_000 });
    await tracker.close();
    clock.pass(700_000);
    expect(await sweepOnce(log, { nowMs: clock.now })).toEqual({ timeouts: 1, open: 1 });
    expect(await sweepOnce(log, { nowMs: clock.now })).toEqual({ timeouts: 0, open: 1 });
  });

  it('do not come early when the clock jumps back, and nothing happens before the login', async () => {
    const tracker = await trackerOver(log, clock, { policy });
    const { openedMs, idleDeadlineMs } = await tracker.login('a', 'maria');
    clock.pass(-3_600_000);
    expect(await tracker.sweep()).toBe(0);
    await tracker.activity('a');
    await tracker.extend('a');
    await tracker.logout('a');
    for (const entry of await sessionEntries(log)) expect(Date.parse(entry['timestamp'] as string)).toBeGreaterThanOrEqual(openedMs);
    await tracker.login('b', 'maria');
    expect(tracker.find('b')?.openedMs).toBe(openedMs - 3_600_000);
    clock.pass(3_600_000 + 700_000);
    expect(await tracker.sweep()).toBe(1);
    expect(idleDeadlineMs).toBe(openedMs + 600_000);
    await tracker.close();
  });
});

describe('a store that lies about expiry', () => {
  const cases: [string, number, number | undefined][] = [
    ['NaN', Number.NaN, 600_000],
    ['the past', Date.UTC(2020, 0, 1), 600_000],
    ['Infinity', Number.POSITIVE_INFINITY, undefined],
    ['year 10000', Date.UTC(10_000, 0, 1), Date.UTC(9999, 11, 31, 23, 59, 59, 999)],
  ];
  it.each(cases)('%s: the record says what was made of it', async (_name, idleDeadlineMs, expected) => {
    const tracker = await trackerOver(log, clock, { policy: { idleMs: 600_000 } });
    const session = await tracker.login('a', 'maria', { idleDeadlineMs });
    const due = expected === 600_000 ? clock.nowMs + expected : expected;
    expect(session.idleDeadlineMs).toBe(due);
    const [login] = await sessionEntries(log);
    expect(login).toMatchObject({ userId: 'maria', details: { deadlinesCorrected: [{ field: 'idleDeadline', because: expect.any(String) as string }] } });
    expect(() => tracker.activity('a', { idleDeadlineMs })).not.toThrow();
    await tracker.extend('a', { idleDeadlineMs });
    await tracker.close();
  });
});

describe('coverage', () => {
  it('says from when to when an instance captured, and how', async () => {
    const tracker = await trackerOver(log, clock, { policy, heartbeatMs: 60_000, instance: 'web-1', adapter: { name: 'express-session', version: '1' } });
    await tracker.login('a', 'maria');
    clock.pass(1000);
    await tracker.close();
    const life = (await allEntries(log)).filter((entry) => entry['instance'] === 'web-1' && entry['event'] !== 'login');
    expect(life).toMatchObject([
      { event: 'log_started', app: 'test', details: { adapter: 'express-session', adapterVersion: '1', spoolPending: 0, capturedThrough: iso(clock.nowMs - 1000), sessions: 0, policy: tracker.policy.name } },
      { event: 'log_stopped', app: 'test', details: { capturedThrough: iso(clock.nowMs), sessions: 1 } },
    ]);
  });
});

async function settled(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 200 && !condition(); i++) await new Promise((resolve) => setTimeout(resolve, 5));
}
