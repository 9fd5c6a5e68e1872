import type { Log } from '@indelible/log';
import type { Locate, TrackerOptions } from '@indelible/session';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { memoryLog, sessionEntries, TestClock, trackerOver } from '../support/tracker-world.ts';

const policy = { idleMs: 600_000 };
const DAY_MS = 86_400_000;
const CHROME = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/126.0 Safari/537.36';
const PHONE = 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Version/17.5 Mobile/15E148 Safari/604.1';
const locate: Locate = (ip) => (ip.startsWith('192.0.2.') ? { country: 'DE', source: 'test 2026-01' } : { country: 'BR', asn: 64500, source: 'test 2026-01' });

let log: Log;
let clock: TestClock;
beforeEach(async () => {
  log = await memoryLog();
  clock = new TestClock();
});
afterEach(() => log.close());

const warnings = async (): Promise<Record<string, unknown>[]> => (await sessionEntries(log)).filter((entry) => entry['event'] === 'concurrent_warning');
const port = (more: Partial<TrackerOptions['log']> = {}): TrackerOptions['log'] => ({
  append: (event) => log.append(event),
  follow: (options) => log.follow(options),
  openSessions: () => log.openSessions(),
  ...more,
});

describe('concurrent_warning', () => {
  it('names the others, what differs, and why it is unusual', async () => {
    const tracker = await trackerOver(log, clock, { policy, locate });
    for (let day = 0; day < 100; day++) {
      const session = await tracker.login(`day-${day}`, 'maria', { ip: '192.0.2.10', userAgent: CHROME });
      if (day < 99) await tracker.logout(`day-${day}`);
      else expect(session.userId).toBe('maria');
      if (day < 99) clock.pass(DAY_MS);
    }
    const first = tracker.find('day-99')!;
    const second = await tracker.login('attacker', 'maria', { ip: '198.51.100.77', userAgent: PHONE });
    const [warning, ...more] = await warnings();
    expect(more).toEqual([]);
    expect(warning).toMatchObject({
      sessionId: second.sessionId,
      userId: 'maria',
      timestamp: new Date(second.openedMs).toISOString(),
      ip: '198.51.100.77',
      details: {
        count: 2,
        others: [{ sessionId: first.sessionId, since: new Date(first.openedMs).toISOString(), ip: '192.0.2.10', network: '192.0.2.0/24', country: 'DE', device: 'Chrome on Windows (desktop)' }],
        differs: ['network', 'country', 'device'],
        unusual: true,
        because: [
          'first login from network 198.51.100.0/24 in 90 days',
          'first login from country BR in 90 days',
          'first login from AS64500 in 90 days',
          'first login from Safari on iOS (mobile) in 90 days',
        ],
        baseline: { logins: 100, networks: 1, countries: 1, devices: 1, days: 90 },
        source: 'test 2026-01',
      },
    });
    expect(warning?.['reason']).toMatch(/^2 sessions of this user are open; differs in network, country, device; unusual because first login from network/);
    await tracker.close();
  });

  it('is not unusual from where the user always comes', async () => {
    const tracker = await trackerOver(log, clock, { policy });
    await tracker.login('a', 'maria', { ip: '192.0.2.10', userAgent: CHROME });
    await tracker.login('b', 'maria', { ip: '192.0.2.11', userAgent: CHROME });
    expect(await warnings()).toMatchObject([{ details: { differs: [], unusual: false, because: [] } }]);
    await tracker.close();
  });

  it('keeps to the policy’s number, to the tenant and to deadlines', async () => {
    const tracker = await trackerOver(log, clock, { policy: { ...policy, warnFrom: 3 } });
    const other = await trackerOver(log, clock, { policy, tenant: 'other' });
    await tracker.login('a', 'maria');
    await other.login('b', 'maria');
    await tracker.login('c', 'maria');
    expect(await warnings()).toEqual([]);
    clock.pass(700_000); // over by the record, though no sweep was there
    await tracker.login('d', 'maria');
    await tracker.login('e', 'maria');
    expect(await warnings()).toEqual([]);
    await tracker.login('f', 'maria');
    expect(await warnings()).toMatchObject([{ details: { count: 3 } }]);
    await tracker.close();
    await other.close();
  });

  it('is carried by the later of two logins at once in two trackers', async () => {
    for (let round = 0; round < 10; round++) {
      const user = `user-${round}`;
      const [one, two] = await Promise.all([trackerOver(port({ shared: true }), clock, { policy, instance: 'one' }), trackerOver(port({ shared: true }), clock, { policy, instance: 'two' })]);
      await Promise.all([one.login(`${user}-1`, user, { ip: '192.0.2.1' }), two.login(`${user}-2`, user, { ip: '198.51.100.1' })]);
      await Promise.all([one.close(), two.close()]);
      const logins = (await sessionEntries(log)).filter((entry) => entry['event'] === 'login' && entry['userId'] === user);
      expect((await warnings()).filter((entry) => entry['userId'] === user).map((entry) => entry['sessionId'])).toEqual([logins[1]!['sessionId']]);
    }
  });

  it('that a crash swallowed is written at the next start, once', async () => {
    const tracker = await trackerOver(
      port({ append: (event) => (event.event === 'concurrent_warning' ? new Promise(() => undefined) : log.append(event)) }),
      clock,
      { policy, sinkTimeoutMs: 50, onError: () => undefined },
    );
    await tracker.login('a', 'maria', { ip: '192.0.2.1' });
    const second = await tracker.login('b', 'maria', { ip: '198.51.100.1' });
    expect(await warnings()).toEqual([]);
    // The first process is gone without a word; whoever starts next finds out.
    const next = await trackerOver(log, clock, { policy });
    expect(await warnings()).toMatchObject([{ sessionId: second.sessionId, details: { count: 2, differs: ['network'] } }]);
    await next.close();
    const after = await trackerOver(log, clock, { policy });
    await after.close();
    expect(await warnings()).toHaveLength(1);
  });

  it('is written for a login that a route recorded by itself, if nobody else does', async () => {
    const tracker = await trackerOver(log, clock, { policy });
    await tracker.login('a', 'maria');
    await log.append({ event: 'login', userId: 'maria', sessionId: 'S-1', timestamp: clock.nowMs });
    for (let i = 0; i < 200 && tracker.get('S-1') === undefined; i++) await new Promise((resolve) => setTimeout(resolve, 5));
    clock.pass(61_000);
    await tracker.sweep();
    expect(await warnings()).toMatchObject([{ sessionId: 'S-1' }]);
    await tracker.close();
  });
});
