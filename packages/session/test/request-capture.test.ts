import type { Log } from '@indelible/log';
import type { SessionTracker, TrackerOptions } from '@indelible/session';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { requestCapture, type CaptureOptions, type RequestCapture, type Visit } from '../dist/adapters/request-capture.js';
import { memoryLog, sessionEntries, TestClock, trackerOver } from './support/tracker-world.ts';

let log: Log;
let clock: TestClock;
let tracker: SessionTracker;
let isAway: boolean;
beforeEach(async () => {
  log = await memoryLog();
  clock = new TestClock();
  isAway = false;
  const port: TrackerOptions['log'] = {
    append: (event) => (isAway ? Promise.reject(new Error('away')) : log.append(event)),
    follow: (options) => log.follow(options),
    openSessions: () => log.openSessions(),
  };
  tracker = await trackerOver(port, clock, { policy: { idleMs: 60_000 }, onError: () => undefined });
});
afterEach(async () => {
  isAway = false;
  await tracker.close();
  await log.close();
});

const bind = (more: Partial<CaptureOptions<undefined, unknown>> = {}): RequestCapture<undefined, unknown> => requestCapture<undefined, unknown>({ tracker, ...more });
const visit = (capture: RequestCapture<undefined, unknown>): Visit => capture.visit({ socketAddress: '192.0.2.1', headers: {} }, 'curl/8', 'GET /');
const events = async (): Promise<unknown[]> => (await sessionEntries(log)).map(({ event }) => event);
const id = (toJSON: () => unknown): object => ({ id: Buffer.from('507f'), toJSON });

describe('the user of a session', () => {
  it.each([
    [{ userId: id(() => '507f') }, '507f'],
    [{ user: { id: id(() => '507f') } }, '507f'],
    [{ user: { _id: id(() => '507f') } }, '507f'],
    [{ userId: 7 }, '7'],
    [{ userId: 7n }, '7'],
    [{ userId: {}, user: 'maria' }, 'maria'],
    [{ passport: { user: 'maria' } }, 'maria'],
    [{}, undefined],
    [{ userId: '', user: null, passport: {} }, undefined],
    [{ user: {} }, undefined],
  ])('is as its store will keep it: %#', (session, userId) => {
    expect(bind().userOf(session)).toBe(userId);
  });

  it.each([{ userId: Number.NaN }, { user: { name: 'maria' } }, { userId: ['maria'] }, { userId: id(() => { throw new Error('no'); }) }, { userId: Symbol('maria') }])(
    'that can be none refuses the login: %#',
    async (session) => {
      const capture = bind();
      const visited = visit(capture);
      const userId = capture.userOf(session);
      expect(capture.begin(visited, {})).toBe(false);
      await expect(capture.finish(undefined, visited, { sid: 's', userId })).rejects.toMatchObject({ code: 'ERR_SESSION_NOT_DURABLE' });
      expect(capture.begin(visit(capture), { sid: 's', userId })).toBe(true);
      expect(await events()).toEqual([]);
    },
  );

  it('that a custom function gives as an object is not everybody', async () => {
    const capture = bind({ user: (session) => (session as { user: never }).user });
    const visited = visit(capture);
    capture.begin(visited, {});
    await expect(capture.finish(undefined, visited, { sid: 's', userId: capture.userOf({ user: { id: 'alice' } }) })).rejects.toThrow();
    expect(capture.userOf({ user: id(() => '507f') })).toBe('507f');
  });
});

describe('a request', () => {
  const maria = { sid: 'sid-a', userId: 'maria' };

  it('that takes longer than the idle time is one timeout, after its start, and no login', async () => {
    await tracker.login('sid-a', 'maria');
    clock.pass(30_000);
    const capture = bind();
    const visited = visit(capture);
    capture.begin(visited, maria);
    clock.pass(50_000);
    expect(await tracker.sweep()).toBe(0); // it was used 50 s ago
    clock.pass(30_000);
    await tracker.sweep();
    await capture.finish(undefined, visited, maria);
    const entries = await sessionEntries(log);
    expect(entries.map(({ event }) => event)).toEqual(['login', 'extend', 'timeout']);
    expect(entries[2]?.['timestamp']).toBe(new Date(clock.nowMs - 20_000).toISOString());
  });

  it('that takes longer, while nobody sweeps, neither', async () => {
    await tracker.login('sid-a', 'maria');
    const capture = bind();
    const visited = visit(capture);
    capture.begin(visited, { ...maria, idleDeadlineMs: clock.nowMs + 60_000 });
    clock.pass(90_000);
    await capture.finish(undefined, visited, maria);
    await tracker.sweep();
    expect(await events()).toEqual(['login', 'timeout']);
  });

  it('of a session that is on the record waits for nothing', async () => {
    await tracker.login('sid-a', 'maria');
    const capture = bind();
    const visited = visit(capture);
    capture.begin(visited, maria);
    expect(capture.admit(visited)).toBeUndefined();
  });

  it('of a session that the record does not have is adopted before it runs, or does not run', async () => {
    const capture = bind();
    const visited = visit(capture);
    capture.begin(visited, maria);
    isAway = true;
    expect(await capture.admit(visited)).toBe(false);
    expect(capture.finish(undefined, visited, {})).toBeUndefined();
    isAway = false;
    const again = visit(capture);
    capture.begin(again, maria);
    expect(await capture.admit(again)).toBe(true);
    await capture.finish(undefined, again, maria);
    expect(await sessionEntries(log)).toMatchObject([{ event: 'login', reason: 'session_adopted' }]);
  });

  it('that comes while its login is under way waits for that', async () => {
    const capture = bind();
    const login = visit(capture);
    capture.begin(login, {});
    isAway = true;
    const finished = capture.finish(undefined, login, maria);
    const parallel = visit(capture);
    capture.begin(parallel, maria);
    const admitted = capture.admit(parallel);
    await expect(finished).rejects.toThrow();
    expect(await admitted).toBe(false);
    expect(await events()).toEqual([]);
  });
});
