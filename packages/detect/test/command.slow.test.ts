import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import type { DetectReport } from '@indelible/detect';
import { readFixtures } from './support/fixture.ts';

const BINARY = fileURLToPath(new URL('../../cli/bin/indelible.js', import.meta.url));
const fixtures = new Map(readFixtures().map((fixture) => [fixture.name, fixture]));
const scratch = mkdtempSync(join(tmpdir(), 'indelible-command-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function run(...args: readonly string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [BINARY, 'detect', ...args], (error, stdout, stderr) => resolve({ status: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }));
  });
}

async function on(name: string, ...args: readonly string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  const folder = mkdtempSync(join(scratch, 'code-'));
  for (const [path, text] of fixtures.get(name)!.files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return run(folder, ...args);
}

it('0 pass or skip, 1 fail, 2 could not run', async () => {
  expect((await on('file-pino-append')).status).toBe(0);
  expect((await on('skip-no-compliance')).status).toBe(0);
  expect((await on('skip-no-compliance', '--fail-on', 'skip')).status).toBe(1);
  expect((await on('skip-no-compliance', '--no-skip')).status).toBe(1);
  expect((await on('table-plain')).status).toBe(1);
  expect((await on('table-plain', '--fail-on', 'never')).status).toBe(0);
  expect(await run(join(scratch, 'missing'))).toMatchObject({ status: 2 });
  expect((await on('table-plain', '--format', 'xml')).status).toBe(2);
  expect((await on('table-plain', '--update-baseline')).status).toBe(2);
});

it('prints the contract', async () => {
  const report = JSON.parse((await on('table-plain', '--json')).stdout) as DetectReport;
  expect(Object.keys(report)).toEqual(['check', 'severity', 'result', 'detail', 'confidence', 'ratio', 'events', 'otherSessionEvents', 'loggers', 'storage', 'storageClass', 'compliance', 'files', 'notes']);
  for (const format of ['sarif', 'auditbuffet']) JSON.parse((await on('table-plain', '--format', format)).stdout);
  expect((await on('table-plain', '--explain', 'extend')).stdout).toMatch(/^extension: logged/);
  expect((await on('table-plain', '--format', 'markdown')).stdout).toMatch(/^### session-operations-logged: fail/);
});

it('keeps a baseline, and fails only on what is worse', async () => {
  const baseline = join(scratch, 'baseline.json');
  expect((await on('dead-wrapper', '--baseline', baseline, '--update-baseline')).status).toBe(0);
  expect(JSON.parse(readFileSync(baseline, 'utf8'))).toMatchObject({ missing: ['timeout'] });
  expect((await on('dead-wrapper', '--baseline', baseline)).status).toBe(0);
  const worse = await on('declared-only', '--baseline', baseline);
  expect(worse.status).toBe(1);
  expect(worse.stderr).toContain('worse than the baseline: login is no longer logged');
});
