import { appendFileSync, cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { indelible, json, logins, newLogTemplate } from './support/indelible.ts';

let template: Awaited<ReturnType<typeof newLogTemplate>>;
let cwd: string;
beforeAll(async () => {
  template = await newLogTemplate();
  const directory = template.copy();
  await indelible(['append', 'audit'], { cwd: directory, stdin: logins(3) });
  template.adopt(directory);
});
afterAll(() => template.remove());
beforeEach(() => {
  cwd = template.copy();
});

test('says how the log is doing, for people and for programs', async () => {
  const { status, stdout, stderr } = await indelible(['status', 'audit'], { cwd });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  for (const part of [template.origin, '5 sealed', ' ago (log_stopped)', '000000.ndjson', 'append-only', 'complete', 'audit.key.pin over 5 entries', 'writer       none']) {
    expect(stdout).toContain(part);
  }
  const report = json<Record<string, unknown>>((await indelible(['status', 'audit', '--json'], { cwd })).stdout);
  expect(report).toMatchObject({
    origin: template.origin,
    genesisKey: template.vkey,
    entries: 5,
    seal: { treeSize: 5 },
    newest: { event: 'log_stopped' },
    tooOld: false,
    locked: false,
    segments: [{ name: '000000.ndjson', first: 0, leftBehind: 0 }],
    cache: { state: 'complete', entries: 5 },
    pin: { state: 'fits', treeSize: 5 },
  });
});

test('--max-age: 1 where the newest entry is older', async () => {
  expect((await indelible(['status', 'audit', '--max-age', '1h'], { cwd })).status).toBe(0);
  const { status, stdout } = await indelible(['status', 'audit', '--max-age', '1ms'], { cwd });
  expect(status).toBe(1);
  expect(stdout).toContain('older than 1 ms, nobody records');
  await indelible(['init', 'empty'], { cwd });
  expect((await indelible(['status', 'empty'], { cwd })).status).toBe(0);
  expect((await indelible(['status', 'empty', '--max-age', '1d', '--json'], { cwd })).status).toBe(1);
});

test('bytes behind the last seal, files that are no segments, a cache that is gone', async () => {
  appendFileSync(join(cwd, 'audit/000000.ndjson'), 'foreign\n');
  writeFileSync(join(cwd, 'audit/000007.ndjson'), 'planted\n');
  rmSync(join(cwd, 'audit/cache'), { recursive: true });
  const { status, stdout } = await indelible(['status', 'audit'], { cwd });
  expect(status).toBe(0);
  expect(stdout).toContain('8 bytes behind the last seal');
  expect(stdout).toMatch(/000007\.ndjson +8 B {2}is no segment of this log/);
  expect(stdout).toContain('missing; the next start makes it anew');
  await indelible(['append', 'audit'], { cwd, stdin: logins(1) });
  const after = await indelible(['status', 'audit'], { cwd });
  expect(after.stdout).toMatch(/000000\.ndjson .*, closed: [a-z]+, 8 bytes left behind/);
  expect(after.stdout).toContain('complete');
});

test('a log older than its pin: 1, and says so', async () => {
  cpSync(join(cwd, 'audit'), join(cwd, 'older'), { recursive: true });
  await indelible(['append', 'audit'], { cwd, stdin: logins(1) });
  const { status, stdout } = await indelible(['status', 'older', '--signing-key', 'audit.key'], { cwd });
  expect(status).toBe(1);
  expect(stdout).toContain('WAS ROLLED BACK');
});

test('2 where it cannot be read', async () => {
  writeFileSync(join(cwd, 'audit/log.json'), readFileSync(join(cwd, 'audit/log.json'), 'utf8').replace('"v":1', '"v":9'));
  const { status, stderr } = await indelible(['status', 'audit'], { cwd });
  expect(status).toBe(2);
  expect(stderr).toMatch(/format version 9/);
});
