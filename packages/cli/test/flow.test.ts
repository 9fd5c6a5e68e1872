import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { indelible, lines, logins, newLog, scratch } from './support/indelible.ts';

test('a log from its beginning to the discovery that somebody tampered with it', async () => {
  const cwd = scratch();
  const env = { INDELIBLE_LOG: 'audit' };
  const { vkey } = await newLog(cwd, '--origin', 'bank.example/audit');
  const call = (...args: string[]): ReturnType<typeof indelible> => indelible(args, { cwd, env });

  expect(lines((await indelible(['append'], { cwd, env, stdin: logins(40) })).stdout)).toHaveLength(40);
  expect((await call('verify', '--key', vkey)).status).toBe(0);
  expect(lines((await call('tail', '-n', '5')).stdout)).toHaveLength(6);
  expect((await call('seal', '--out', 'kept.seal')).status).toBe(0);
  expect((await call('tiles', '--out', 'public')).status).toBe(0);
  expect((await call('verify', 'public', '--key', vkey)).status).toBe(0);
  expect((await call('prove', '--index', '7', '--out', 'seven.tlog-proof')).status).toBe(0);
  expect((await indelible(['append'], { cwd, env, stdin: logins(5) })).status).toBe(0);
  expect((await call('verify', '--key', vkey, '--since', 'kept.seal')).stdout).toContain('detects rewriting since seal 42 kept at kept.seal');
  expect((await call('status', '--max-age', '5m')).status).toBe(0);

  const segment = join(cwd, 'audit/000000.ndjson');
  writeFileSync(segment, readFileSync(segment, 'utf8').replace('"ip":"203.0.113.7"', '"ip":"203.0.113.8"'));
  const { status, stdout } = await call('verify', '--key', vkey, '--since', 'kept.seal');
  expect(status).toBe(1);
  expect(stdout).toMatch(/^NOT SOUND {2}not sound from entry \d+ on/);
});
