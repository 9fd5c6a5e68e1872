import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EventInput } from '@indelible/event';
import type { TrackerPort } from '@indelible/session';
import { expect, it, onTestFinished } from 'vitest';
import { memoryLog, sessionEntries, TestClock, trackerOver } from './support/tracker-world.ts';

it('a tracker that starts while the log takes nothing knows the sessions on the spool, and takes them into account once', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'indelible-spool-restart-'));
  const log = await memoryLog();
  onTestFinished(async () => {
    await log.close();
    rmSync(directory, { recursive: true });
  });
  let isAway = false;
  const port: TrackerPort = {
    append: (event: EventInput) => (isAway ? Promise.reject(Object.assign(new Error('away'), { code: 'ENOSPC' })) : log.append(event)),
    follow: (options) => log.follow(options),
    openSessions: () => log.openSessions(),
  };
  const clock = new TestClock();
  const open = () =>
    trackerOver(port, clock, { policy: { idleMs: 900_000 }, mode: 'spool', spool: { directory: join(directory, 'spool'), ephemeral: 'accept-loss' }, sinkTimeoutMs: 200, onError: () => undefined });

  const before = await open();
  await before.login('a', 'maria');
  isAway = true;
  const { sessionId } = await before.login('b', 'maria');
  await before.logout('a');
  await before.close();

  const after = await open();
  expect(after.find('a')).toBeUndefined();
  expect(after.find('b')).toMatchObject({ sessionId });
  expect(after.sessionsOf('maria')).toHaveLength(1);
  isAway = false;
  await expect.poll(async () => (await sessionEntries(log)).map(({ event }) => event), { timeout: 5_000 }).toContain('capture_gap');
  await after.logout('b');
  expect(after.sessionsOf('maria')).toHaveLength(0);
  await after.close();
  const events = (await sessionEntries(log)).map(({ event }) => event).filter((event) => event !== 'concurrent_warning');
  expect(events).toEqual(['login', 'login', 'logout', 'capture_gap', 'logout']);
});
