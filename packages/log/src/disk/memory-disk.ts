import type { AppendFile, Disk } from './disk.ts';

/** A step at which a memory disk can be told to fail. */
export type DiskStep = 'create' | 'write' | 'sync' | 'syncDirectory';

/** How a step fails: before it took effect, after it did, or half done. */
export type DiskFault = 'not applied' | 'applied' | 'half';

interface MemoryFile {
  bytes: Uint8Array;
  length: number;
  /** Up to here the bytes survive a crash. */
  synced: number;
  /** The name survives a crash. */
  named: boolean;
  /** A sync has failed: what was not durable then never will be, whatever a later sync says. */
  broken: boolean;
}

/**
 * A disk in memory for tests, stricter than a real one: what was not synced is lost or torn in a crash, a second sync after a
 * failed one lies, and every step can be made to fail before or after it took effect.
 */
export class MemoryDisk implements Disk {
  readonly #files = new Map<string, MemoryFile>();
  /** Decides about each step; the default lets all of them succeed. */
  fault: (step: DiskStep, name: string) => DiskFault | undefined = () => undefined;
  /** Every step taken, for tests that look at the order. */
  readonly steps: { readonly step: DiskStep; readonly name: string; readonly bytes?: number }[] = [];

  /** What a crash leaves: synced bytes, of the rest whatever `keep` says (default: nothing). */
  crash(keep: (name: string, unsynced: Uint8Array) => Uint8Array = () => new Uint8Array(0)): void {
    for (const [name, file] of this.#files) {
      if (!file.named) {
        this.#files.delete(name);
        continue;
      }
      const kept = keep(name, file.bytes.slice(file.synced, file.length));
      this.#resize(file, file.synced + kept.length);
      file.bytes.set(kept, file.synced);
      file.length = file.synced + kept.length;
      file.synced = file.length;
      file.broken = false;
    }
  }

  /** Adds or replaces a file, durable: what an attacker or an operator does. */
  put(name: string, bytes: Uint8Array): void {
    this.#files.set(name, { bytes: Uint8Array.from(bytes), length: bytes.length, synced: bytes.length, named: true, broken: false });
  }

  /** The bytes of a file as they are now. */
  get(name: string): Uint8Array | undefined {
    const file = this.#files.get(name);
    return file?.bytes.slice(0, file.length);
  }

  list(): Promise<readonly string[]> {
    return Promise.resolve([...this.#files.keys()]);
  }

  size(name: string): Promise<number | undefined> {
    return Promise.resolve(this.#files.get(name)?.length);
  }

  read(name: string, offset: number, length: number): Promise<Uint8Array> {
    const file = this.#files.get(name);
    if (file === undefined) return Promise.reject(systemError('ENOENT', name));
    return Promise.resolve(file.bytes.slice(offset, Math.min(file.length, offset + length)));
  }

  create(name: string): Promise<AppendFile> {
    if (this.#files.has(name)) return Promise.reject(systemError('EEXIST', name));
    const fault = this.#step('create', name);
    if (fault === 'not applied') return Promise.reject(systemError('EIO', name));
    this.#files.set(name, { bytes: new Uint8Array(0), length: 0, synced: 0, named: false, broken: false });
    return fault === undefined ? this.append(name) : Promise.reject(systemError('EIO', name));
  }

  append(name: string): Promise<AppendFile> {
    const file = this.#files.get(name);
    if (file === undefined) return Promise.reject(systemError('ENOENT', name));
    return Promise.resolve({
      name,
      write: (parts) => {
        this.#write(name, file, parts);
      },
      sync: () => this.#sync(name, file),
      size: () => (this.#files.get(name) === file ? file.length : -1),
      close: () => Promise.resolve(),
    });
  }

  exists(name: string): boolean {
    return this.#files.has(name);
  }

  syncDirectory(): Promise<void> {
    const fault = this.#step('syncDirectory', '.');
    if (fault !== 'not applied') for (const file of this.#files.values()) file.named = true;
    return fault === undefined ? Promise.resolve() : Promise.reject(systemError('EIO', '.'));
  }

  #write(name: string, file: MemoryFile, parts: readonly Uint8Array[]): void {
    const bytes = concat(parts);
    const fault = this.#step('write', name, bytes.length);
    const count = fault === 'not applied' ? 0 : fault === 'half' ? Math.floor(bytes.length / 2) : bytes.length;
    this.#resize(file, file.length + count);
    file.bytes.set(bytes.subarray(0, count), file.length);
    file.length += count;
    if (fault !== undefined) throw systemError(fault === 'half' ? 'ENOSPC' : 'EIO', name);
  }

  #sync(name: string, file: MemoryFile): Promise<void> {
    const fault = this.#step('sync', name);
    if (fault === 'not applied') {
      file.broken = true;
      return Promise.reject(systemError('EIO', name));
    }
    if (!file.broken) file.synced = file.length;
    return fault === undefined ? Promise.resolve() : Promise.reject(systemError('EIO', name));
  }

  #step(step: DiskStep, name: string, bytes?: number): DiskFault | undefined {
    this.steps.push(bytes === undefined ? { step, name } : { step, name, bytes });
    return this.fault(step, name);
  }

  #resize(file: MemoryFile, length: number): void {
    if (file.bytes.length >= length) return;
    const grown = new Uint8Array(Math.max(length, file.bytes.length * 2));
    grown.set(file.bytes.subarray(0, file.length));
    file.bytes = grown;
  }
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function systemError(code: string, name: string): Error {
  return Object.assign(new Error(`${code}: ${name}`), { code });
}
