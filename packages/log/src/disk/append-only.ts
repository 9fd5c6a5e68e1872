import { execFile, spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { promisify } from 'node:util';
import { systemCode } from '../error.ts';

// The Linux append-only attribute (chattr(1), "a"): bytes can be added to a file, and nothing else can be done to it, by root
// neither, until the attribute is taken off, which needs CAP_LINUX_IMMUTABLE. Node has no call for it; chattr and lsattr have.

const TIMEOUT_MS = 5_000;

/**
 * Whether a file refuses to be overwritten although its permissions would allow it: append-only (or immutable). Undefined where
 * this process cannot tell. One system call; changes nothing.
 */
export function isAppendOnly(path: string): boolean | undefined {
  try {
    closeSync(openSync(path, 'r+'));
    return false;
  } catch (error) {
    return systemCode(error) === 'EPERM' ? true : undefined; // not EACCES: that is about permissions
  }
}

/** Sets the append-only attribute on a file or directory. Returns why it could not, or undefined. */
export function setAppendOnly(path: string): string | undefined {
  if (process.platform !== 'linux') return 'the append-only attribute exists on Linux only';
  const { error, status, stderr } = spawnSync('chattr', ['+a', path], { encoding: 'utf8', timeout: TIMEOUT_MS });
  if (error !== undefined) return systemCode(error) === 'ENOENT' ? 'chattr is not installed (package e2fsprogs)' : error.message;
  return status === 0 ? undefined : stderr.trim().replaceAll('\n', '; ') || `chattr ended with status ${status}`;
}

/** Which of these files and directories carry the append-only attribute, as lsattr says; undefined where it says nothing. */
export async function readAppendOnly(paths: readonly string[]): Promise<(boolean | undefined)[]> {
  if (process.platform !== 'linux') return paths.map(() => undefined);
  const run = promisify(execFile);
  return Promise.all(
    paths.map(async (path) => {
      try {
        const { stdout } = await run('lsattr', ['-d', path], { timeout: TIMEOUT_MS });
        return /^[a-zA-Z-]*a/.test(stdout.slice(0, stdout.indexOf(' ')));
      } catch {
        return isAppendOnly(path); // no lsattr here, or no such attribute on this file system
      }
    }),
  );
}
