import { describe, expect, it } from 'vitest';
import { memoryLog, sessionEntries, TestClock, trackerOver } from '../support/tracker-world.ts';

const policy = { idleMs: 600_000, absoluteMs: 3_600_000 };

describe('a tracker', () => {
  it('records the life of a session', async () => {
    const log = await memoryLog();
    const clock = new TestClock();
    const tracker = await trackerOver(log, clock, { policy });
    const session = await tracker.login('raw-sid-1', 'maria', { ip: '192.0.2.1', userAgent: 'Mozilla/5.0' });
    expect(tracker.find('raw-sid-1')).toEqual(session);
    clock.pass(30_000);
    expect(tracker.activity('raw-sid-1')).toBeUndefined();
    clock.pass(60_000);
    await tracker.activity('raw-sid-1');
    await tracker.regenerate('raw-sid-1', 'raw-sid-2');
    expect(tracker.find('raw-sid-1')).toBeUndefined();
    expect(tracker.find('raw-sid-2')?.sessionId).toBe(session.sessionId);
    await tracker.logout('raw-sid-2', { reason: 'user' });
    expect(tracker.sessionsOf('maria')).toEqual([]);
    const entries = await sessionEntries(log);
    expect(entries.map((entry) => entry['event'])).toEqual(['login', 'extend', 'session_regenerated', 'logout']);
    expect(entries.slice(1).map((entry) => entry['prev'])).toEqual(entries.slice(0, -1).map((entry) => entry['id']));
    await tracker.close();
    await log.close();
  });

  it('records a timeout at its deadline', async () => {
    const log = await memoryLog();
    const clock = new TestClock();
    const tracker = await trackerOver(log, clock, { policy });
    const session = await tracker.login('raw-sid-1', 'maria');
    clock.pass(600_001);
    expect(await tracker.sweep()).toBe(1);
    expect(await tracker.sweep()).toBe(0);
    const entries = await sessionEntries(log);
    expect(entries.at(-1)).toMatchObject({ event: 'timeout', reason: 'idle', initiator: 'policy', timestamp: new Date(session.idleDeadlineMs!).toISOString() });
    await tracker.close();
    await log.close();
  });
});
