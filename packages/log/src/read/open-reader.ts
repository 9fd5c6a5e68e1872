import { join, resolve } from 'node:path';
import { DirectoryCacheReader } from '../cache/cache-reader.ts';
import { NodeDisk } from '../disk/node-disk.ts';
import { LogError } from '../error.ts';
import { directoryError } from '../store/file.ts';
import { RecordReader } from './record-reader.ts';

/**
 * Opens a log's directory for reading; another process may be writing to it. Takes no lock and writes nothing.
 *
 * @throws LogError `ERR_LOG_NOT_FOUND`, `ERR_LOG_DIRECTORY_UNREADABLE`, `ERR_LOG_FILE_INVALID`.
 */
export async function openReader(directory: string): Promise<RecordReader> {
  const path = resolve(directory);
  const reader = new RecordReader(new NodeDisk(path), new DirectoryCacheReader(join(path, 'cache')));
  try {
    await reader.describe();
  } catch (error) {
    if (error instanceof LogError && error.code !== 'ERR_LOG_NOT_FOUND') throw error;
    throw directoryError(path, error, 'read');
  }
  return reader;
}
