import type { MemoryDisk } from '../../dist/disk/memory-disk.js';
import type { Disk, AppendFile } from '../../dist/disk/disk.js';
import type { RecordFiles } from './record-oracle.ts';

/** The files of a memory disk, as the oracle reads them. */
export async function memoryFiles(disk: MemoryDisk): Promise<RecordFiles> {
  const names = await disk.list();
  return { names: () => names, read: (name) => Buffer.from(disk.get(name)!) };
}

/** A disk that a process has in hand until it is killed: from then on nothing of it comes back, and nothing of it is done. */
export class MortalDisk implements Disk {
  readonly #disk: Disk;
  #dead = false;

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  kill(): void {
    this.#dead = true;
  }

  list(): Promise<readonly string[]> {
    return this.#alive(() => this.#disk.list());
  }

  size(name: string): Promise<number | undefined> {
    return this.#alive(() => this.#disk.size(name));
  }

  read(name: string, offset: number, length: number): Promise<Uint8Array> {
    return this.#alive(() => this.#disk.read(name, offset, length));
  }

  create(name: string): Promise<AppendFile> {
    return this.#alive(async () => this.#file(await this.#disk.create(name)));
  }

  append(name: string): Promise<AppendFile> {
    return this.#alive(async () => this.#file(await this.#disk.append(name)));
  }

  exists(name: string): boolean {
    this.#check();
    return this.#disk.exists(name);
  }

  syncDirectory(): Promise<void> {
    return this.#alive(() => this.#disk.syncDirectory());
  }

  #file(file: AppendFile): AppendFile {
    return {
      name: file.name,
      write: (parts) => {
        this.#check();
        file.write(parts);
      },
      sync: () => this.#alive(() => file.sync()),
      size: () => {
        this.#check();
        return file.size();
      },
      close: () => this.#alive(() => file.close()),
    };
  }

  #check(): void {
    if (this.#dead) throw new Error('killed');
  }

  /** Calls through, with a turn of the event loop before and after: so that a kill may come in between. */
  #alive<T>(call: () => Promise<T>): Promise<T> {
    if (this.#dead) return new Promise(() => undefined);
    return new Promise((resolve, reject) => {
      const answer = (settle: () => void): void => {
        setImmediate(() => {
          if (!this.#dead) settle();
        });
      };
      call().then(
        (value) => answer(() => resolve(value)),
        (error: unknown) => answer(() => reject(error as Error)),
      );
    });
  }
}
