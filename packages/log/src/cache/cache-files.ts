import { closeSync, constants, fdatasyncSync, fstatSync, lstatSync, mkdirSync, openSync, readdirSync, readFileSync, readSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { LogError, systemCode } from '../error.ts';

/**
 * Files of derived data, read and written at any place. They may vanish or lie: whoever reads them checks the result against a
 * seal. Calls are synchronous: they belong on the thread that writes the record, where they cost a system call each.
 */
export interface CacheFiles {
  /** Up to `length` bytes at `position`; fewer where the file ends. */
  read(name: string, position: number, length: number): Uint8Array;
  write(name: string, position: number, bytes: Uint8Array): void;
  /** Makes everything written so far durable. */
  sync(): void;
  readState(): string | undefined;
  /** Replaces the state in one step. */
  writeState(text: string): void;
  /** Forgets everything. */
  clear(): void;
  close(): void;
}

const STATE = 'state.json';
const MAX_STATE_BYTES = 4_096;
/** The files that are ours in the directory, and all that is ever deleted there. */
const CACHE_FILE = /^(?:tiles-[0-9]+|ids|id-order|id-ranges|offsets|state\.json(?:\.new)?)$/;

/** Opens a file that is there, is regular and has one name; undefined for anything else, which must be neither read nor written. */
export function openRegular(path: string, flags: number): number | undefined {
  let fd;
  try {
    fd = openSync(path, flags | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    if (['ENOENT', 'ELOOP', 'EMLINK', 'EISDIR', 'ENXIO'].includes(systemCode(error) ?? '')) return undefined;
    throw error;
  }
  const stats = fstatSync(fd);
  if (stats.isFile() && stats.nlink === 1) return fd;
  closeSync(fd);
  return undefined;
}

/** Creates a file that was not there a moment ago: if it is there now, somebody else makes this log's files. */
function alone<Result>(path: string, create: () => Result): Result {
  try {
    return create();
  } catch (cause) {
    if (systemCode(cause) !== 'EEXIST') throw cause;
    throw new LogError('ERR_LOG_WRITE_FAILED', `${path} was created by another program: only one process may write a log`, { cause, path });
  }
}

/** Derived data in a directory. */
export class DirectoryCacheFiles implements CacheFiles {
  readonly #directory: string;
  readonly #files = new Map<string, number>();

  constructor(directory: string) {
    this.#directory = directory;
    mkdirSync(directory, { recursive: true, mode: 0o750 });
    // Whoever can write to the record's directory must not make the writer change files elsewhere, or the record itself.
    if (!lstatSync(directory).isDirectory()) {
      throw new LogError('ERR_LOG_DIRECTORY_UNREADABLE', `${directory} is a link, not a directory: remove it; it is made anew`, { path: directory });
    }
  }

  read(name: string, position: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    let filled = 0;
    const fd = this.#open(name);
    while (filled < length) {
      const count = readSync(fd, bytes, filled, length - filled, position + filled);
      if (count === 0) break;
      filled += count;
    }
    return filled === length ? bytes : bytes.subarray(0, filled);
  }

  write(name: string, position: number, bytes: Uint8Array): void {
    const fd = this.#open(name);
    let written = 0;
    while (written < bytes.length) written += writeSync(fd, bytes, written, bytes.length - written, position + written);
  }

  sync(): void {
    for (const fd of this.#files.values()) fdatasyncSync(fd);
  }

  readState(): string | undefined {
    const fd = openRegular(join(this.#directory, STATE), constants.O_RDONLY);
    if (fd === undefined) return undefined;
    try {
      return fstatSync(fd).size <= MAX_STATE_BYTES ? readFileSync(fd, 'utf8') : undefined;
    } finally {
      closeSync(fd);
    }
  }

  writeState(text: string): void {
    const temporary = join(this.#directory, `${STATE}.new`);
    rmSync(temporary, { force: true });
    alone(temporary, () => writeFileSync(temporary, text, { flag: 'wx', mode: 0o640 }));
    renameSync(temporary, join(this.#directory, STATE));
  }

  clear(): void {
    this.close();
    // The directory itself stays: in an append-only directory (chattr +a) it could not be removed. Nothing else is touched.
    for (const name of readdirSync(this.#directory)) {
      if (CACHE_FILE.test(name)) rmSync(join(this.#directory, name), { force: true });
    }
  }

  close(): void {
    for (const fd of this.#files.values()) closeSync(fd);
    this.#files.clear();
  }

  #open(name: string): number {
    let fd = this.#files.get(name);
    if (fd === undefined) {
      const path = join(this.#directory, name);
      fd = openRegular(path, constants.O_RDWR);
      if (fd === undefined) {
        rmSync(path, { force: true }); // a link, a pipe: not ours
        mkdirSync(this.#directory, { recursive: true, mode: 0o750 }); // somebody may have deleted it while we run
        fd = alone(path, () => openSync(path, 'wx+', 0o640));
      }
      this.#files.set(name, fd);
    }
    return fd;
  }
}

/** Derived data in memory, for the memory store. */
export class MemoryCacheFiles implements CacheFiles {
  readonly #files = new Map<string, Uint8Array>();
  #state: string | undefined;

  read(name: string, position: number, length: number): Uint8Array {
    return (this.#files.get(name) ?? new Uint8Array(0)).slice(position, position + length);
  }

  write(name: string, position: number, bytes: Uint8Array): void {
    let file = this.#files.get(name) ?? new Uint8Array(0);
    if (file.length < position + bytes.length) {
      const grown = new Uint8Array(position + bytes.length);
      grown.set(file);
      file = grown;
      this.#files.set(name, file);
    }
    file.set(bytes, position);
  }

  sync(): void {
    // as durable as it will ever be
  }

  readState(): string | undefined {
    return this.#state;
  }

  writeState(text: string): void {
    this.#state = text;
  }

  clear(): void {
    this.#files.clear();
    this.#state = undefined;
  }

  close(): void {
    // nothing is held open
  }
}
