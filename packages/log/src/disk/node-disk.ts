import { closeSync, constants, fdatasync, fdatasyncSync, fstatSync, fsyncSync, lstatSync, openSync, readSync, readdirSync, statfsSync, writeSync, writevSync } from 'node:fs';
import { join } from 'node:path';
import { isAppendOnly, setAppendOnly } from './append-only.ts';
import type { AppendFile, Disk } from './disk.ts';

/**
 * The record's directory on a real file system.
 *
 * Every call blocks its thread: the one that writes the record has nothing better to do, and a detour over a thread pool costs
 * a lone caller more than the call (docs/adr/0003-one-blocking-thread.md). Readers on other threads read small pieces.
 */
export class NodeDisk implements Disk {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  list(): Promise<readonly string[]> {
    return settle(() => readdirSync(this.directory));
  }

  size(name: string): Promise<number | undefined> {
    return settle(() => {
      const stats = lstatSync(join(this.directory, name), { throwIfNoEntry: false });
      return stats?.isFile() === true ? stats.size : undefined;
    });
  }

  read(name: string, offset: number, length: number): Promise<Uint8Array> {
    return settle(() => {
      // O_NONBLOCK: somebody may have put a FIFO there
      const fd = openSync(join(this.directory, name), constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
      try {
        const bytes = new Uint8Array(Math.min(length, Math.max(0, fstatSync(fd).size - offset)));
        let filled = 0;
        while (filled < bytes.length) {
          const count = readSync(fd, bytes, filled, bytes.length - filled, offset + filled);
          if (count === 0) break;
          filled += count;
        }
        return filled === bytes.length ? bytes : bytes.subarray(0, filled);
      } finally {
        closeSync(fd);
      }
    });
  }

  create(name: string): Promise<AppendFile> {
    return settle(() => new NodeAppendFile(this.directory, name, openSync(join(this.directory, name), 'ax', 0o640)));
  }

  append(name: string): Promise<AppendFile> {
    return settle(() => new NodeAppendFile(this.directory, name, openSync(join(this.directory, name), constants.O_WRONLY | constants.O_APPEND)));
  }

  exists(name: string): boolean {
    return lstatSync(join(this.directory, name), { throwIfNoEntry: false }) !== undefined;
  }

  room(): number {
    const { bsize, bfree, bavail } = statfsSync(this.directory);
    return bsize * (process.geteuid?.() === 0 ? bfree : bavail);
  }

  protectLike(name: string, models: readonly string[]): void {
    if (models.some((model) => isAppendOnly(join(this.directory, model)) === true)) setAppendOnly(join(this.directory, name));
  }

  syncDirectory(): Promise<void> {
    return settle(() => {
      if (process.platform === 'win32') return; // a directory cannot be opened there; NTFS journals names by itself
      const fd = openSync(this.directory, 'r');
      try {
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
    });
  }
}

class NodeAppendFile implements AppendFile {
  readonly name: string;
  readonly #path: string;
  readonly #fd: number;
  readonly #ino: number;
  #closed = false;

  constructor(directory: string, name: string, fd: number) {
    this.name = name;
    this.#path = join(directory, name);
    this.#fd = fd;
    this.#ino = fstatSync(fd).ino;
  }

  write(parts: readonly Uint8Array[]): void {
    let expected = 0;
    for (const part of parts) expected += part.length;
    // One call, never continued after a short write: the rest could land behind somebody else's bytes.
    const written = parts.length === 1 ? writeSync(this.#fd, parts[0]!) : writevSync(this.#fd, parts as Uint8Array[]);
    if (written !== expected) throw new ShortWrite(this.name, written, expected);
  }

  sync(aside = false): Promise<void> {
    if (!aside) return settle(() => fdatasyncSync(this.#fd));
    return new Promise((resolve, reject) => {
      fdatasync(this.#fd, (error) => {
        if (error === null) resolve();
        else reject(error);
      });
    });
  }

  size(): number {
    const now = lstatSync(this.#path, { throwIfNoEntry: false });
    return now?.ino === this.#ino ? now.size : -1;
  }

  close(): Promise<void> {
    if (this.#closed) return Promise.resolve(); // its number may be another file's by now
    this.#closed = true;
    return settle(() => closeSync(this.#fd));
  }
}

/** The result of a blocking call as a promise. */
function settle<Result>(call: () => Result): Promise<Result> {
  try {
    return Promise.resolve(call());
  } catch (error) {
    return Promise.reject(error as Error);
  }
}

/** Not all bytes were written: the disk is full, or a limit was reached. */
class ShortWrite extends Error {
  readonly code = 'ENOSPC';

  constructor(name: string, written: number, expected: number) {
    super(`wrote ${written} of ${expected} bytes to ${name}: the disk is full or a file size limit was reached`);
  }
}
