import { COPYFILE_EXCL } from 'node:constants';
import { chmodSync, closeSync, copyFileSync, existsSync, fsyncSync, linkSync, openSync, readFileSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { createSigningKey, readSigningKey, writeSigningKey, type Signer } from '@indelible/log';
import { parseVerifierKey } from '@indelible/tlog';
import { CliError, errorCode } from './error.ts';

/** Where the next key waits until the log has recorded it. */
export function newKeyPath(path: string): string {
  return `${path}.new`;
}

/**
 * Makes the next key of a log beside the one in force, durable before it returns. One that an interrupted rotation left behind,
 * unused, is taken up.
 */
export async function stageKey(path: string, origin: string): Promise<Signer> {
  const staged = newKeyPath(path);
  if (!existsSync(staged)) {
    await writeSigningKey(staged, createSigningKey(origin));
    syncDirectory(dirname(staged));
  }
  const signer = readSigningKey(staged);
  if (parseVerifierKey(signer.vkey).name !== origin) {
    throw new CliError('ERR_CLI_INPUT_INVALID', `${staged} is a key for another log: move it away`);
  }
  return signer;
}

/**
 * Puts the staged key in place of the old one, which keeps living under the name that is returned, unless it is not to be kept.
 * At every moment there is a key at `path`.
 */
export function replaceKey(path: string, oldKeyId: string, keep: boolean): string | undefined {
  const retired = `${path}.retired-${oldKeyId}`;
  if (keep) keepAs(path, retired);
  renameSync(newKeyPath(path), path);
  syncDirectory(dirname(path));
  return keep ? retired : undefined;
}

function keepAs(path: string, retired: string): void {
  try {
    linkSync(path, retired);
  } catch (error) {
    if (errorCode(error) === 'EEXIST') {
      if (readFileSync(retired, 'utf8') === readFileSync(path, 'utf8')) return; // an interrupted rotation had come so far
      throw error;
    }
    copyFileSync(path, retired, COPYFILE_EXCL); // a file system without links
    chmodSync(retired, 0o600);
  }
}

function syncDirectory(path: string): void {
  if (process.platform === 'win32') return;
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
