import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { BINARY, cleanEnvironment, indelible, json, logins, newLog, scratch } from './support/indelible.ts';

test('a log in use: append waits 10 s, then names the remedy; readers are not held up', async () => {
  const cwd = scratch();
  await newLog(cwd);
  const holder = spawn(process.execPath, [BINARY, 'append', 'audit'], { cwd, env: cleanEnvironment() });
  holder.stdin.write(logins(1));
  await once(holder.stdout, 'data');

  const second = indelible(['append', 'audit'], { cwd, stdin: logins(1) });
  const rotation = indelible(['key', 'rotate', 'audit'], { cwd });
  const rebuilding = indelible(['rebuild', 'audit'], { cwd });
  const { stdout } = await indelible(['status', 'audit', '--json'], { cwd });
  expect(json(stdout)).toMatchObject({ locked: true, entries: 2 });
  expect((await indelible(['seal', 'audit'], { cwd })).status).toBe(0);
  for (const { status, stderr } of await Promise.all([second, rotation, rebuilding])) {
    expect(status).toBe(2);
    expect(stderr).toMatch(/^indelible: another process writes to the log in .*10 s.*\n$/);
  }
  holder.stdin.end();
  expect(await once(holder, 'exit')).toEqual([0, null]);
});

test('a log that becomes free while append waits is taken over', async () => {
  const cwd = scratch();
  await newLog(cwd);
  const holder = spawn(process.execPath, [BINARY, 'append', 'audit'], { cwd, env: cleanEnvironment() });
  holder.stdin.write(logins(1));
  await once(holder.stdout, 'data');
  const second = indelible(['append', 'audit'], { cwd, stdin: logins(1) });
  setTimeout(() => holder.kill('SIGKILL'), 1_000); // the kernel gives the lock back
  expect((await second).status).toBe(0);
});
