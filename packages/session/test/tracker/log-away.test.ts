import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Log } from '@indelible/log';
import { sweepOnce, type TrackerOptions } from '@indelible/session';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { memoryLog, sessionEntries, TestClock, trackerOver } from '../support/tracker-world.ts';

const policy = { idleMs: 600_000 };
const directory = mkdtempSync(join(tmpdir(), 'indelible-away-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

let log: Log;
let clock: TestClock;
let away: 'no' | 'refuses' | 'hangs' | 'answers too late';
let port: TrackerOptions['log'];
beforeEach(async () => {
  log = await memoryLog();
  clock = new TestClock();
  away = 'no';
  port = {
    append: async (event) => {
      if (away === 'refuses') throw new Error('the log is away');
      if (away === 'hangs') return new Promise(() => undefined);
      const acknowledged = await log.append(event);
      return away === 'answers too late' ? new Promise(() => undefined) : acknowledged;
    },
    follow: (options) => log.follow(options),
    openSessions: () => log.openSessions(),
  };
});
afterEach(() => log.close());

const quiet = { policy, onError: (): void => undefined, sinkTimeoutMs: 50 };
const events = async (): Promise<unknown[]> => (await sessionEntries(log)).map((entry) => entry['event']);

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 600 && !(await condition()); i++) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(await condition()).toBe(true);
}

describe('while the log is away', () => {
  it.each(['refuses', 'hangs'] as const)('a strict login is refused (the log %s), and everything else proceeds', async (how) => {
    const tracker = await trackerOver(port, clock, quiet);
    await tracker.login('a', 'maria');
    away = how;
    await expect(tracker.login('b', 'jan')).rejects.toMatchObject({ name: 'SessionError', code: 'ERR_SESSION_NOT_DURABLE' });
    expect(tracker.find('b')).toBeUndefined();
    await tracker.logout('a');
    expect(tracker.find('a')).toBeUndefined();
    away = 'no';
    await until(async () => (await events()).includes('capture_gap'));
    // A login that was refused because the log was too slow may be on its way into it: its end follows it, whatever becomes of it.
    expect(await events()).toEqual(how === 'hangs' ? ['login', 'revoked', 'logout', 'capture_gap'] : ['login', 'logout', 'capture_gap']);
    await tracker.close();
  });

  it('a login that was refused and is on the record all the same ends at once', async () => {
    const tracker = await trackerOver(port, clock, quiet);
    away = 'answers too late';
    await expect(tracker.login('a', 'maria')).rejects.toMatchObject({ code: 'ERR_SESSION_NOT_DURABLE' });
    away = 'no';
    await until(async () => (await events()).length >= 2);
    await until(() => tracker.find('a') === undefined);
    expect((await sessionEntries(log)).slice(0, 2)).toMatchObject([{ event: 'login' }, { event: 'revoked', reason: 'login_refused', initiator: 'system' }]);
    await tracker.close();
  });

  it('a login goes to the spool, and is known once when it is delivered', async () => {
    const tracker = await trackerOver(port, clock, { ...quiet, mode: 'spool', spool: { directory: join(directory, 'spool'), ephemeral: 'accept-loss' } });
    away = 'refuses';
    const session = await tracker.login('a', 'maria', { ip: '192.0.2.1' });
    expect(tracker.sessionsOf('maria')).toEqual([session]);
    clock.pass(120_000);
    await tracker.activity('a');
    expect(await events()).toEqual([]);
    away = 'no';
    await until(async () => (await events()).includes('capture_gap'));
    expect(await events()).toEqual(['login', 'extend', 'capture_gap']);
    expect(tracker.sessionsOf('maria')).toHaveLength(1);
    await tracker.close();
    const next = await trackerOver(log, clock, { policy });
    expect(next.find('a')?.sessionId).toBe(session.sessionId);
    await next.close();
  });

  it('a single sweep says so', async () => {
    const tracker = await trackerOver(port, clock, quiet);
    await tracker.login('a', 'maria');
    await tracker.close();
    clock.pass(900_000);
    away = 'refuses';
    await expect(sweepOnce(port, { nowMs: clock.now, onError: () => undefined })).rejects.toMatchObject({ code: 'ERR_SESSION_NOT_DELIVERED' });
    away = 'no';
    expect(await sweepOnce(port, { nowMs: clock.now })).toEqual({ timeouts: 1, open: 0 });
  });

  it('following goes on when the log is back', async () => {
    let broken = true;
    const flaky: TrackerOptions['log'] = {
      ...port,
      follow: (options) => {
        if (!broken) return log.follow(options);
        throw new Error('cannot be read');
      },
    };
    const errors: unknown[] = [];
    const tracker = await trackerOver(flaky, clock, { ...quiet, onError: (error) => errors.push(error) });
    await log.append({ event: 'login', userId: 'eva', sessionId: 'S-1' });
    broken = false;
    await until(() => tracker.get('S-1') !== undefined);
    expect(errors).toHaveLength(1);
    await tracker.close();
  });
});

describe('openTracker', () => {
  it.each([
    [{ log: undefined }, 'ERR_SESSION_LOG_INVALID'],
    [{ log: Promise.resolve() }, 'ERR_SESSION_LOG_INVALID'],
    [{ log: { append: () => undefined } }, 'ERR_SESSION_LOG_INVALID'],
    [{ sidKey: new Uint8Array(8) }, 'ERR_SESSION_OPTION_INVALID'],
    [{ sidKey: 'secret' }, 'ERR_SESSION_OPTION_INVALID'],
    [{ policy: { idleMs: 0 } }, 'ERR_SESSION_OPTION_INVALID'],
    [{ policy: { idleMs: Number.NaN } }, 'ERR_SESSION_OPTION_INVALID'],
    [{ policy: { idelMs: 5 } }, 'ERR_SESSION_OPTION_INVALID'],
    [{ policy: { warnFrom: 1 } }, 'ERR_SESSION_OPTION_INVALID'],
    [{ policy: { name: '' } }, 'ERR_SESSION_OPTION_INVALID'],
    [{ sweepEveryMs: -1 }, 'ERR_SESSION_OPTION_INVALID'],
    [{ heartbeatMs: 2 ** 31 }, 'ERR_SESSION_OPTION_INVALID'],
    [{ heartBeatMs: 5 }, 'ERR_SESSION_OPTION_INVALID'],
    [{ mode: 'spool' }, 'ERR_SESSION_OPTION_INVALID'],
  ])('refuses %o', async (options, code) => {
    await expect(trackerOver(log, clock, options as unknown as Partial<TrackerOptions>)).rejects.toMatchObject({ name: 'SessionError', code });
  });

  it('names a policy by its values', async () => {
    const named = async (given: TrackerOptions['policy']): Promise<string> => {
      const tracker = await trackerOver(log, clock, { policy: given });
      await tracker.close();
      return tracker.policy.name;
    };
    expect(await named({ idleMs: 900_000, absoluteMs: 28_800_000 })).toMatch(/^idle-15m-absolute-8h-[0-9a-f]{8}$/);
    expect(await named({ idleMs: 1500 })).toMatch(/^idle-1500ms-[0-9a-f]{8}$/);
    expect(await named({ name: 'staff' })).toBe('staff');
  });
});
