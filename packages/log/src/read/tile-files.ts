import { mkdir, open, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { HASH_SIZE, TILE_WIDTH, bundlePath, encodeBundle, tilePath, type RangeNode, type Tile } from '@indelible/tlog';
import { systemCode } from '../error.ts';

const TILE_HEIGHT = 8;
const MAX_PENDING = 16;

/** A directory of C2SP tlog-tiles. Every file appears whole or not at all. */
export class TileFiles {
  readonly #directory: string;
  readonly #made = new Set<string>();
  #pending: Promise<void>[] = [];

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** The contents of a file, or undefined where there is none. */
  async read(path: string): Promise<Uint8Array | undefined> {
    try {
      return new Uint8Array(await readFile(join(this.#directory, path)));
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** Begins to write a file; `flush` waits for it. Waits itself where many are under way. */
  async write(path: string, bytes: Uint8Array): Promise<void> {
    this.#pending.push(this.#replace(path, bytes));
    if (this.#pending.length >= MAX_PENDING) await this.flush();
  }

  /** Waits for all files under way. */
  async flush(): Promise<void> {
    const pending = this.#pending;
    this.#pending = [];
    await Promise.all(pending);
  }

  /** Replaces the checkpoint, durable when it returns: from here on readers ask for the new tiles. */
  async writeCheckpoint(note: string): Promise<void> {
    await this.flush();
    await mkdir(this.#directory, { recursive: true });
    const path = join(this.#directory, 'checkpoint');
    const file = await open(`${path}.new`, 'w', 0o644);
    try {
      await file.writeFile(note);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(`${path}.new`, path);
  }

  async #replace(path: string, bytes: Uint8Array): Promise<void> {
    const file = join(this.#directory, path);
    const directory = dirname(file);
    if (!this.#made.has(directory)) {
      await mkdir(directory, { recursive: true });
      this.#made.add(directory);
    }
    await writeFile(`${file}.new`, bytes);
    await rename(`${file}.new`, file);
  }
}

/** The unfinished tile of one level. */
interface Row {
  readonly hashes: Uint8Array;
  /** Hashes at this level so far. */
  count: number;
}

/** Cuts a growing tree into tiles and entry bundles, and writes each as it fills. */
export class TileWriter {
  readonly #files: TileFiles;
  readonly #rows: Row[] = [];
  #entries: Uint8Array[] = [];

  constructor(files: TileFiles) {
    this.#files = files;
  }

  /** Goes on behind tiles that are there. `size` is a multiple of 256; `partial` holds the unfinished tiles above level 0. */
  resume(size: number, partial: ReadonlyMap<number, Uint8Array>): void {
    for (let level = 0; size >= TILE_WIDTH ** level; level++) {
      const row = this.#row(level);
      row.count = Math.floor(size / TILE_WIDTH ** level);
      row.hashes.set(partial.get(level) ?? new Uint8Array(0));
    }
  }

  /** Adds an entry with its leaf hash and the higher tile nodes that it completed. */
  async add(entry: Uint8Array, leafHash: Uint8Array, nodes: readonly RangeNode[]): Promise<void> {
    this.#entries.push(entry);
    if (this.#entries.length === TILE_WIDTH) {
      await this.#files.write(bundlePath(Math.floor(this.#row(0).count / TILE_WIDTH)), encodeBundle(this.#entries));
      this.#entries = [];
    }
    await this.#push(0, leafHash);
    for (const node of nodes) await this.#push(node.level / TILE_HEIGHT, node.hash);
  }

  /** Writes the partial tiles and the partial bundle. */
  async finish(): Promise<void> {
    for (const [level, row] of this.#rows.entries()) {
      const width = row.count % TILE_WIDTH;
      if (width === 0) continue;
      const tile: Tile = { level, index: Math.floor(row.count / TILE_WIDTH), width };
      await this.#files.write(tilePath(tile.level, tile.index, width), row.hashes.slice(0, width * HASH_SIZE));
      if (level === 0) await this.#files.write(bundlePath(tile.index, width), encodeBundle(this.#entries));
    }
    await this.#files.flush();
  }

  async #push(level: number, hash: Uint8Array): Promise<void> {
    const row = this.#row(level);
    row.hashes.set(hash, (row.count % TILE_WIDTH) * HASH_SIZE);
    row.count++;
    if (row.count % TILE_WIDTH === 0) await this.#files.write(tilePath(level, row.count / TILE_WIDTH - 1), row.hashes.slice());
  }

  #row(level: number): Row {
    while (this.#rows.length <= level) this.#rows.push({ hashes: new Uint8Array(TILE_WIDTH * HASH_SIZE), count: 0 });
    return this.#rows[level]!;
  }
}
