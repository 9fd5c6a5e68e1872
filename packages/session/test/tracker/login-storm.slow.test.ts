import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLog, createSigningKey, fileStore, openLog, parseSigningKey } from '@indelible/log';
import { verifyLog } from '@indelible/verify';
import { afterAll, expect, it } from 'vitest';
import { sessionEntries, TestClock, trackerOver } from '../support/tracker-world.ts';

const directory = mkdtempSync(join(tmpdir(), 'indelible-storm-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const USERS = 20_000;

it('counts a login storm of 20,000 users exactly', async () => {
  const signer = parseSigningKey(createSigningKey('storm.example/test').secret);
  await createLog(directory, { signer });
  const log = await openLog({ store: fileStore(directory), signer, app: 'test', instance: 'log', heartbeatMs: 0 });
  const clock = new TestClock();
  const tracker = await trackerOver(log, clock, { policy: { idleMs: 900_000, absoluteMs: 28_800_000, extendEveryMs: 60_000 } });
  const everybody = async (step: (user: number) => unknown): Promise<void> => {
    for (let from = 0; from < USERS; from += 2000) await Promise.all(Array.from({ length: 2000 }, (_, i) => step(from + i)));
  };
  const ip = (user: number): string => `10.${user >> 8}.${user & 255}.7`;
  await everybody((user) => tracker.login(`sid-${user}`, `user-${user}`, { ip: ip(user) }));
  clock.pass(120_000);
  await everybody((user) => (user % 2 === 0 ? tracker.activity(`sid-${user}`, { ip: ip(user) }) : undefined));
  await everybody((user) => (user % 5 === 0 ? tracker.login(`second-${user}`, `user-${user}`, { ip: '203.0.113.9' }) : undefined));
  await everybody((user) => (user % 4 === 0 ? tracker.logout(`sid-${user}`) : undefined));
  clock.pass(3_600_000);
  const open = tracker.openCount;
  expect(await tracker.sweep()).toBe(open);
  expect(tracker.openCount).toBe(0);
  await tracker.close();
  const counts: Record<string, number> = {};
  for (const { event } of (await sessionEntries(log)) as { event: string }[]) counts[event] = (counts[event] ?? 0) + 1;
  await log.close();
  expect(counts).toEqual({ login: 24_000, extend: 10_000, concurrent_warning: 4000, logout: 5000, timeout: 19_000 });
  const report = await verifyLog(directory, { key: signer.vkey });
  expect(report.verdict).toBe('sound');
});
