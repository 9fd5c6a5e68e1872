import { chmod, mkdir, open, readdir, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { SessionError } from '../error.ts';
import { codeOf } from './send-batch.ts';
import type { SpoolOptions } from './spool-options.ts';

const OURS = /^(?:[0-9]{6,15}\.ndjson(?:\.damaged)?|refused\.ndjson|position|lock|owner|lost\+found)$/;

/** File systems that a restart empties, by the number that statfs(2) gives them on Linux. */
const EPHEMERAL: ReadonlyMap<number, string> = new Map([
  [0x01021994, 'tmpfs'],
  [0x858458f6, 'ramfs'],
  [0x794c7630, 'overlay'],
  [0x61756673, 'aufs'],
]);

/**
 * Makes the directory of a spool ready: there, and open to its owner alone.
 *
 * @throws SessionError `ERR_SESSION_SPOOL_UNUSABLE`, `ERR_SESSION_SPOOL_EPHEMERAL`
 */
export async function prepareDirectory({ directory, ephemeral }: SpoolOptions): Promise<void> {
  try {
    const made = await mkdir(directory, { recursive: true, mode: 0o700 });
    if (made !== undefined) await syncDirectory(dirname(made));
    // Before anything is changed about it: it may be somebody else's directory, named by mistake.
    const foreign = (await readdir(directory)).find((name) => !OURS.test(name));
    if (foreign !== undefined) throw unusable(directory, `holds ${JSON.stringify(foreign.slice(0, 80))}, which is no file of a spool: give the spool a directory of its own`);
    if (process.platform !== 'win32' && ((await stat(directory)).mode & 0o077) !== 0) await chmod(directory, 0o700);
  } catch (error) {
    if (error instanceof SessionError) throw error;
    throw unusable(directory, `cannot be used (${codeOf(error) ?? String(error)}): give this user read and write access to it`, error);
  }
  if (ephemeral === 'accept-loss') return;
  const kind = await ephemeralKind(directory);
  if (kind !== undefined) {
    throw new SessionError(
      'ERR_SESSION_SPOOL_EPHEMERAL',
      `spool directory ${directory} is on ${kind}, which a restart of the machine or container empties: put it on a disk that stays, or accept the loss with ephemeral: 'accept-loss'`,
    );
  }
}

/** The kind of a file system that does not outlive the machine or container; undefined for any other, and where nobody can tell. */
async function ephemeralKind(directory: string): Promise<string | undefined> {
  if (process.platform !== 'linux') return undefined;
  return EPHEMERAL.get((await statfs(directory)).type);
}

/** Makes names in a directory durable. */
export async function syncDirectory(directory: string): Promise<void> {
  if (process.platform === 'win32') return; // it has no such call, and NTFS keeps names in its journal
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** What keeps a directory from being a spool. */
export function unusable(directory: string, problem: string, cause?: unknown): SessionError {
  return new SessionError('ERR_SESSION_SPOOL_UNUSABLE', `spool directory ${directory} ${problem}`, undefined, cause);
}
