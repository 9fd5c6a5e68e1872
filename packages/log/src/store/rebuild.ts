import { join, resolve } from 'node:path';
import { DirectoryCacheFiles } from '../cache/cache-files.ts';
import { Cache } from '../cache/cache.ts';
import { NodeDisk } from '../disk/node-disk.ts';
import { LogError } from '../error.ts';
import { findLastKey } from '../recover/key-change.ts';
import { readLogFile, recover } from '../recover/recover.ts';
import { directoryError } from './file.ts';
import { DEFAULT_LOCK_WAIT_MS, acquireWriterLock } from './lock.ts';

/** Options of `rebuildCache`. */
export interface RebuildOptions {
  /** How long to wait for a writer to let go of the log. Default 10 s. */
  readonly lockWaitMs?: number;
  /** Called as it goes on. */
  readonly onProgress?: (entries: number, total: number) => void;
}

/**
 * Deletes everything derived from a record (`cache/`) and makes it anew from the entries. Needs no key, takes the writer's lock,
 * leaves the record alone, reads all of it.
 *
 * @throws LogError `ERR_LOG_RECORD_DAMAGED` where the entries are not those that the seals cover, `ERR_LOG_LOCKED`,
 * `ERR_LOG_NOT_FOUND`, `ERR_LOG_DIRECTORY_UNREADABLE`.
 */
export async function rebuildCache(directory: string, options: RebuildOptions = {}): Promise<{ readonly entries: number }> {
  const path = resolve(directory);
  try {
    const disk = new NodeDisk(path);
    const { file, digest } = await readLogFile(disk); // before anything is created in what may be no log
    const lock = await acquireWriterLock(path, options.lockWaitMs ?? DEFAULT_LOCK_WAIT_MS);
    try {
      const vkey = await findLastKey(disk, file, digest);
      const cache = new Cache(new DirectoryCacheFiles(join(path, 'cache')), file.origin);
      try {
        cache.clear();
        const { onProgress } = options;
        const end = await recover({ disk, cache, vkey, ...(onProgress === undefined ? {} : { onProgress }) });
        cache.checkpoint({ size: end.edge.end, segment: end.segment.number, offset: end.length }, 'now');
        return { entries: end.edge.end };
      } finally {
        cache.close();
      }
    } finally {
      await lock.release();
    }
  } catch (error) {
    if (error instanceof LogError && error.code !== 'ERR_LOG_NOT_FOUND') throw error;
    throw directoryError(path, error);
  }
}
