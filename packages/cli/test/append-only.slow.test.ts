import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { indelible, json, logins, newLog, run, scratch } from './support/indelible.ts';

test('init --append-only: the record cannot be overwritten, truncated or removed, and everything still works', async (context) => {
  const cwd = scratch();
  writeFileSync(join(cwd, 'probe'), '');
  const probe = await run('chattr', ['+a', join(cwd, 'probe')]).catch(() => ({ status: 1, stderr: 'chattr is not installed' }));
  if (probe.status !== 0) return context.skip(`the append-only attribute cannot be set here: ${probe.stderr.trim()}`);
  onTestFinished(async () => {
    await run('chattr', ['-R', '-a', cwd]);
    rmSync(cwd, { recursive: true, force: true });
  });
  const { vkey } = await newLog(cwd, '--append-only');
  const attempts = ['truncate -s 0 audit/000000.ndjson', 'rm audit/000000.ndjson', 'mv audit/log.json x', 'mv audit y', 'echo x > audit/log.json'];
  await indelible(['append', 'audit'], { cwd, stdin: logins(2) });
  for (const attempt of attempts) expect((await run('sh', ['-c', attempt], { cwd })).status).not.toBe(0);

  // Foreign bytes close the segment; the next one gets the attribute too.
  await run('sh', ['-c', 'echo foreign >> audit/000000.ndjson'], { cwd });
  await indelible(['append', 'audit'], { cwd, stdin: logins(2) });
  const { stdout } = await indelible(['status', 'audit', '--json'], { cwd });
  expect(json(stdout)).toMatchObject({ appendOnly: { directory: true, files: { 'log.json': true, '000000.ndjson': true, '000001.ndjson': true } } });
  expect((await indelible(['status', 'audit'], { cwd })).stdout).toContain('yes: the directory and every file');

  expect((await indelible(['rebuild', 'audit'], { cwd })).status).toBe(0);
  await run('sh', ['-c', 'rm audit/cache/*'], { cwd });
  expect((await indelible(['append', 'audit'], { cwd, stdin: logins(1) })).status).toBe(0);
  expect((await indelible(['key', 'rotate', 'audit'], { cwd })).status).toBe(0);
  expect((await indelible(['verify', 'audit', '--key', vkey], { cwd })).status).toBe(0);
});

test('init --append-only where it may not: the log is there, the message says what to do', async () => {
  const cwd = scratch();
  mkdirSync(join(cwd, 'bin'));
  writeFileSync(join(cwd, 'bin/chattr'), '#!/bin/sh\necho "chattr: Operation not permitted while setting flags on $2" >&2\nexit 1\n');
  chmodSync(join(cwd, 'bin/chattr'), 0o755);
  const env = { PATH: `${join(cwd, 'bin')}:${process.env['PATH'] ?? ''}` };
  const { status, stdout, stderr } = await indelible(['init', 'audit', '--append-only'], { cwd, env });
  expect(status).toBe(2);
  expect(stdout).toContain('Created the log');
  if (process.platform === 'linux') {
    expect(stderr).toMatch(/^indelible: the log was made and can be used, but without the append-only attribute: .*Operation not permitted.*CAP_LINUX_IMMUTABLE.*chattr \+a .*\n$/);
  }
  expect((await indelible(['append', 'audit'], { cwd, stdin: logins(1) })).status).toBe(0);
  const report = json<{ appendOnly: { directory: boolean } }>((await indelible(['status', 'audit', '--json'], { cwd })).stdout);
  expect(report.appendOnly.directory).not.toBe(true);
});
