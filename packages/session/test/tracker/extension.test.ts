import type { Log } from '@indelible/log';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { memoryLog, sessionEntries, TestClock, trackerOver } from '../support/tracker-world.ts';

let log: Log;
let clock: TestClock;
beforeEach(async () => {
  log = await memoryLog();
  clock = new TestClock();
});
afterEach(() => log.close());

const lastOf = async (): Promise<Record<string, unknown>> => (await sessionEntries(log)).at(-1)!;

describe('an unexpected extension is marked', () => {
  it('past the absolute deadline', async () => {
    const tracker = await trackerOver(log, clock, { policy: { idleMs: 600_000, absoluteMs: 900_000 } });
    await tracker.login('a', 'maria');
    clock.pass(500_000);
    await tracker.activity('a');
    clock.pass(500_000);
    await tracker.activity('a');
    expect(await lastOf()).toMatchObject({ event: 'extend', reason: 'extended past the absolute deadline', details: { unexpected: ['after_absolute_deadline'] } });
    clock.pass(1000);
    expect(tracker.activity('a')).toBeUndefined();
    expect(await tracker.sweep()).toBe(1);
    expect(await lastOf()).toMatchObject({ event: 'timeout', reason: 'absolute', timestamp: new Date(clock.nowMs - 101_000).toISOString() });
    await tracker.close();
  });

  it('without activity: the framework’s deadline moved while nobody used the session', async () => {
    const tracker = await trackerOver(log, clock);
    const openedMs = clock.nowMs;
    await tracker.login('a', 'maria', { idleDeadlineMs: openedMs + 600_000 });
    clock.pass(900_000);
    const maria = { sid: 'a', userId: 'maria' };
    await tracker.observe({ before: { ...maria, idleDeadlineMs: openedMs + 3_600_000 }, after: { ...maria, idleDeadlineMs: openedMs + 3_600_000 }, origin: {} });
    expect(await lastOf()).toMatchObject({ event: 'extend', reason: 'extended without activity', details: { unexpected: ['without_activity'] } });
    await tracker.close();
  });

  it('from another network than the login', async () => {
    const tracker = await trackerOver(log, clock, { policy: { idleMs: 600_000 } });
    await tracker.login('a', 'maria', { ip: '192.0.2.1' });
    await tracker.extend('a', { ip: '192.0.2.200' });
    expect((await lastOf())['details']).toBeUndefined();
    await tracker.extend('a', { ip: '203.0.113.9', reason: 'stay_logged_in' });
    expect(await lastOf()).toMatchObject({ reason: 'stay_logged_in: extended from another network than the login', details: { unexpected: ['other_network'] } });
    await tracker.close();
  });

  it('and an expected one is not', async () => {
    const tracker = await trackerOver(log, clock, { policy: { idleMs: 600_000, extendEveryMs: 0 } });
    await tracker.login('a', 'maria', { ip: '2001:db8:1::1' });
    clock.pass(1000);
    await tracker.activity('a', { ip: '2001:db8:1:ffff::2' });
    expect(await lastOf()).toMatchObject({ event: 'extend' });
    expect((await lastOf())['details']).toBeUndefined();
    await tracker.close();
  });
});
