import { closeSync, constants, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { openRegular, type CacheFiles } from './cache-files.ts';

/** Derived data, for reading. A file that is not there reads as empty. */
export type CacheReader = Pick<CacheFiles, 'read' | 'readState'>;

/** Reads the derived data of a log that this or another process writes. */
export class DirectoryCacheReader implements CacheReader {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  read(name: string, position: number, length: number): Uint8Array {
    const fd = this.#open(name);
    if (fd === undefined) return new Uint8Array(0); // derived: as good as deleted
    try {
      const bytes = new Uint8Array(length);
      let filled = 0;
      while (filled < length) {
        const count = readSync(fd, bytes, filled, length - filled, position + filled);
        if (count === 0) break;
        filled += count;
      }
      return bytes.subarray(0, filled);
    } finally {
      closeSync(fd);
    }
  }

  readState(): string | undefined {
    const fd = this.#open('state.json');
    if (fd === undefined) return undefined;
    try {
      return readFileSync(fd, 'utf8');
    } finally {
      closeSync(fd);
    }
  }

  #open(name: string): number | undefined {
    try {
      return openRegular(join(this.#directory, name), constants.O_RDONLY);
    } catch {
      return undefined;
    }
  }
}
