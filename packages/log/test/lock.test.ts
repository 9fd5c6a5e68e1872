import { execFile } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isLocked } from '@indelible/log';
import { acquireWriterLock } from '../dist/store/lock.js';
import { expectError } from './support/expect-error.ts';
import { temporaryDirectory } from './support/temporary.ts';

const directory = temporaryDirectory('lock');
const module = new URL('../dist/store/lock.js', import.meta.url).href;

function inAnotherProcess(code: string, ...args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, ['--input-type=module', '-e', `import { acquireWriterLock, isLocked } from '${module}'; const [dir] = process.argv.slice(1); ${code}`, directory, ...args], (error, stdout) => {
      if (error === null) resolve(stdout.trim());
      else reject(error as Error);
    });
  });
}

describe('writer lock', () => {
  test('excludes this process and others, and ends with release', async () => {
    expect(await isLocked(directory)).toBe(false);
    const lock = await acquireWriterLock(directory, 0);
    expect(await isLocked(directory)).toBe(true);
    const error = await expectError('ERR_LOG_LOCKED', () => acquireWriterLock(directory, 0));
    expect(error.message).toContain('indelible serve');
    expect(await inAnotherProcess('console.log(await isLocked(dir))')).toBe('true');
    expect(await inAnotherProcess('console.log(await acquireWriterLock(dir, 0).then(() => "taken", (error) => error.code))')).toBe('ERR_LOG_LOCKED');
    await lock.release();
    await lock.release();
    expect(await isLocked(directory)).toBe(false);
    expect(await inAnotherProcess('await acquireWriterLock(dir, 0); console.log("taken")')).toBe('taken');
  });

  test('is given back by the kernel when the process is killed', async () => {
    await inAnotherProcess('await acquireWriterLock(dir, 0); process.kill(process.pid, "SIGKILL"); setTimeout(() => {}, 5000);').catch((error: unknown) => error);
    expect(await isLocked(directory)).toBe(false);
  });

  test('is one for one directory, however it is reached, and another for another', async () => {
    const other = join(directory, 'other');
    const link = join(directory, 'link');
    mkdirSync(other);
    symlinkSync(other, link);
    const lock = await acquireWriterLock(other, 0);
    expect(await isLocked(link)).toBe(true);
    expect(await isLocked(join(directory, '.', 'other', '..', 'other'))).toBe(true);
    expect(await isLocked(directory)).toBe(false);
    await lock.release();
  });

  test('waits for the other to let go', async () => {
    const lock = await acquireWriterLock(directory, 0);
    const begin = Date.now();
    const second = acquireWriterLock(directory, 5_000);
    setTimeout(() => void lock.release(), 200);
    await (await second).release();
    expect(Date.now() - begin).toBeGreaterThan(150);
    expect(Date.now() - begin).toBeLessThan(2_000);
  });

  test('many at once: one at a time', async () => {
    let inside = 0;
    let most = 0;
    await Promise.all(
      Array.from({ length: 5 }, async () => {
        const lock = await acquireWriterLock(directory, 10_000);
        most = Math.max(most, ++inside);
        await new Promise((resolve) => setTimeout(resolve, 20));
        inside--;
        await lock.release();
      }),
    );
    expect(most).toBe(1);
  });

  test('does not keep a process alive', async () => {
    expect(await inAnotherProcess('await acquireWriterLock(dir, 0); console.log("done")')).toBe('done');
  });

  test('a directory that is not there is an error of the system', async () => {
    await expect(acquireWriterLock(join(directory, 'missing'), 0)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
