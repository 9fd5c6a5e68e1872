import { mkdir, open } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { NodeDisk } from './disk/node-disk.ts';
import { createRecord } from './record/create-record.ts';
import type { After, LogFile } from './record/log-file.ts';
import type { Signer } from './signer/signer.ts';
import { directoryError } from './store/file.ts';
import { LogError } from './error.ts';

/** Options of `createLog`. */
export interface CreateLogOptions {
  readonly signer: Signer;
  /** The log that this one follows, where that could not go on. */
  readonly after?: After;
}

/**
 * Creates an empty log in a directory (made if it is missing, mode 0750), durable when it returns. Its origin is the name of the
 * signer's key.
 *
 * @throws LogError `ERR_LOG_ALREADY_EXISTS` where there is one.
 */
export async function createLog(directory: string, options: CreateLogOptions): Promise<LogFile> {
  const path = resolve(directory);
  try {
    await mkdir(path, { recursive: true, mode: 0o750 });
    const file = await createRecord(new NodeDisk(path), options.signer, {
      nowMs: Date.now(),
      ...(options.after === undefined ? {} : { after: options.after }),
    });
    await mkdir(join(path, 'cache'), { recursive: true, mode: 0o750 });
    await syncDirectory(dirname(path));
    return file;
  } catch (error) {
    if (error instanceof LogError) throw error;
    throw directoryError(path, error);
  }
}

async function syncDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
