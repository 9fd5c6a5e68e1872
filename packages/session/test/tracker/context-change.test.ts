import type { Log } from '@indelible/log';
import type { SessionTracker } from '@indelible/session';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { SessionTable } from '../../dist/tracker/session-table.js';
import { memoryLog, sessionEntries, TestClock, trackerOver } from '../support/tracker-world.ts';

const maria = { sid: 'sid-a', userId: 'maria' };
let log: Log;
let clock: TestClock;
let tracker: SessionTracker;
beforeEach(async () => {
  log = await memoryLog();
  clock = new TestClock();
  tracker = await trackerOver(log, clock, { policy: { idleMs: 600_000 } });
  await tracker.login('sid-a', 'maria', { ip: '192.0.2.1', userAgent: 'curl/8' });
});
afterEach(async () => {
  await tracker.close();
  await log.close();
});
const use = (userAgent: string, ip: string = '192.0.2.1'): Promise<void> | undefined => tracker.observe({ before: maria, after: maria, origin: { ip, userAgent } });
const agentOf = (i: number): string => (i % 2 === 0 ? 'Python/3' : 'curl/8');
const changes = async (): Promise<Record<string, unknown>[]> => (await sessionEntries(log)).filter(({ event }) => event === 'context_changed');

it('a client that claims to be another one each time fills no log: three entries, then one a minute with a count', async () => {
  for (let i = 0; i < 50; i++) await use(agentOf(i));
  expect(await changes()).toHaveLength(3);
  clock.pass(61_000);
  await use(agentOf(0));
  expect((await changes()).map(({ details }) => (details as { changesSince?: number }).changesSince)).toEqual([undefined, undefined, undefined, 47]);
});

it('changes that nothing follows are told by the sweep, and before the end of their session', async () => {
  for (let i = 0; i < 10; i++) await use(agentOf(i));
  clock.pass(61_000);
  await tracker.sweep();
  for (let i = 0; i < 5; i++) await use(agentOf(i));
  await tracker.logout('sid-a');
  const entries = (await sessionEntries(log)).filter(({ event }) => event !== 'extend');
  expect(entries.slice(-3)).toMatchObject([{ event: 'context_changed', details: { changesSince: 7 } }, { event: 'context_changed', details: { changesSince: expect.any(Number) as number } }, { event: 'logout' }]);
  expect(entries.at(-1)?.['prev']).toBe(entries.at(-2)?.['id']);
});

it('a change and an extension of one request follow one another', async () => {
  clock.pass(100_000);
  await use('Python/3', '203.0.113.9');
  const [login, changed, extended] = await sessionEntries(log);
  expect([changed?.['event'], extended?.['event']]).toEqual(['context_changed', 'extend']);
  expect([changed?.['prev'], extended?.['prev']]).toEqual([login?.['id'], changed?.['id']]);
});

it('the texts that are kept do not keep what they were cut from, and are not kept without end', () => {
  const table = new SessionTable();
  const slot = table.add('00000000-0000-7000-8000-000000000000', '00000000-0000-7000-8000-000000000001');
  (globalThis as { gc?: () => void }).gc?.();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < 4000; i++) table.userAgent[slot] = table.share(Buffer.alloc(16_000, `${i} x`).toString('latin1').slice(0, 1024));
  expect((process.memoryUsage().heapUsed - before) / 1e6).toBeLessThan(45); // 64 MB with what they were cut from
  for (let i = 0; i < 20_000; i++) table.share(Buffer.alloc(1024, `${i} y`).toString('latin1'));
  expect(table.userAgent[slot]).toHaveLength(1024);
});
