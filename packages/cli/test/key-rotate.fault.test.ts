import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { BINARY, cleanEnvironment, entriesOf, indelible, logins, newLog, scratch } from './support/indelible.ts';

const KILLS = process.env['SLOW'] === '1' ? 100 : 8;

test(`key rotate, killed ${KILLS} times: there is always a key, and the next run finishes`, async () => {
  const cwd = scratch();
  const { vkey } = await newLog(cwd);
  await indelible(['append', 'audit'], { cwd, stdin: logins(1) });
  for (let kill = 0; kill < KILLS; kill++) {
    const child = spawn(process.execPath, [BINARY, 'key', 'rotate', 'audit'], { cwd, env: cleanEnvironment(), stdio: 'ignore' });
    const exit = once(child, 'exit');
    setTimeout(() => child.kill('SIGKILL'), 60 + Math.random() * 200);
    await exit;
    expect(existsSync(join(cwd, 'audit.key'))).toBe(true);
    if (kill % 4 !== 3) continue; // otherwise the next one begins where this one was killed
    const { status, stderr } = await indelible(['key', 'rotate', 'audit'], { cwd });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect((await indelible(['append', 'audit'], { cwd, stdin: logins(1) })).status).toBe(0);
  }
  const changes = entriesOf(cwd).filter(({ event }) => event === 'key_changed').length;
  const names = readdirSync(cwd);
  expect(names.filter((name) => name.startsWith('audit.key.retired-'))).toHaveLength(changes);
  expect(names).not.toContain('audit.key.new');
  const { status } = await indelible(['verify', 'audit', '--key', vkey, '--pin', 'audit.key.pin'], { cwd });
  expect(status).toBe(0);
}, 240_000);
