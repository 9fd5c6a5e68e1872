import type { Log } from '@indelible/log';
import type { TrackerOptions } from '@indelible/session';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { memoryLog, sessionEntries, TestClock, trackerOver } from '../support/tracker-world.ts';

let log: Log;
let clock: TestClock;
let errors: unknown[];
let lateMs: number;
let isAway: boolean;
let late: Promise<unknown>;
let port: TrackerOptions['log'];
beforeEach(async () => {
  log = await memoryLog();
  clock = new TestClock();
  errors = [];
  lateMs = 0;
  isAway = false;
  port = {
    append: (event) => {
      if (isAway) return Promise.reject(Object.assign(new Error('away'), { code: 'ECONNREFUSED' }));
      const append = () => log.append(event);
      if (event.event !== 'login' || lateMs === 0) return append();
      const appended = new Promise((resolve) => setTimeout(resolve, lateMs)).then(append);
      late = appended;
      return appended;
    },
    follow: (options) => log.follow(options),
    openSessions: () => log.openSessions(),
  };
});
afterEach(() => log.close());
const options = (): Partial<TrackerOptions> => ({ sinkTimeoutMs: 50, policy: { idleMs: 600_000 }, onError: (error) => errors.push(error) });

it('a login whose entry came too late is no session after a crash: its end is on the record, whichever comes first', async () => {
  const tracker = await trackerOver(port, clock, options());
  lateMs = 150;
  await expect(tracker.login('a', 'maria')).rejects.toMatchObject({ code: 'ERR_SESSION_NOT_DURABLE' });
  await late;
  expect(tracker.find('a')).toBeUndefined();
  const entries = await sessionEntries(log);
  expect(entries).toMatchObject([{ event: 'revoked', reason: 'login_refused' }, { event: 'login' }]);
  expect(entries[0]?.['sessionId']).toBe(entries[1]?.['sessionId']);
  // As after kill -9: nothing more was written.
  const next = await trackerOver(log, clock, options());
  expect(next.sessionsOf('maria')).toEqual([]);
  clock.pass(900_000);
  expect(await next.sweep()).toBe(0);
  await next.close();
  await tracker.close();
});

it('says why logins are refused, once a cause and second', async () => {
  const tracker = await trackerOver(port, clock, options());
  isAway = true;
  for (let i = 0; i < 5; i++) await expect(tracker.login(`a${i}`, 'maria')).rejects.toThrow();
  expect(errors).toHaveLength(1);
  expect(errors[0]).toMatchObject({ code: 'ERR_SESSION_NOT_DURABLE', cause: { code: 'ECONNREFUSED' } });
  isAway = false;
  await tracker.close();
});

it.each([
  ['too large', { a: 'x'.repeat(70_000) }],
  ['no data', { a: 5n }],
  ['a trap', new Proxy({}, { ownKeys: () => { throw new Error('trap'); } })],
])('details that are %s cost no login', async (_name, details) => {
  const tracker = await trackerOver(port, clock, options());
  await tracker.login('a', 'maria', { details });
  expect(await sessionEntries(log)).toMatchObject([{ event: 'login', userId: 'maria', details: { detailsRefused: expect.any(String) as string } }]);
  expect(tracker.find('a')?.userId).toBe('maria');
  expect(errors).toHaveLength(1);
  await tracker.close();
});

it('of two users who log in under one id at once, the second ends the session of the first', async () => {
  const tracker = await trackerOver(port, clock, options());
  await Promise.all([tracker.login('a', 'carol'), tracker.login('a', 'dave'), tracker.login('a', 'dave')]);
  expect(await sessionEntries(log)).toMatchObject([
    { event: 'login', userId: 'carol' },
    { event: 'logout', userId: 'carol', reason: 'account_switch' },
    { event: 'login', userId: 'dave', details: { accountSwitch: true } },
  ]);
  expect(tracker.sessionsOf('carol')).toEqual([]);
  await tracker.close();
});
