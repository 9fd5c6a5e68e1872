import { HASH_SIZE, TreeRange, edgeLevels, nodeHash, type NodeId, type NodeReader, type RangeNode } from '@indelible/tlog';
import { LogError } from '../error.ts';
import type { CacheFiles } from './cache-files.ts';
import { IdIndex } from './id-index.ts';

/** After how many entries the cache is made durable: what an opening after a crash has to read again at most. */
const CHECKPOINT_ENTRIES = 16_384;
/** Every how many entries the place in the record is noted. */
export const OFFSET_INTERVAL = 64;
/** Bytes of a record in it. */
export const OFFSET_BYTES = 16;
const TILE_HEIGHT = 8;
/** So many entries are gathered before they are written: a system call for each small group would cost a lone caller. */
const GATHER_ENTRIES = 512;
const VERSION = 1;

/** A place in the record. */
export interface Place {
  readonly segment: number;
  readonly offset: number;
}

/** Up to where the cache is durable: a tree size that a seal has, and the byte behind that seal. */
export interface CacheState extends Place {
  readonly size: number;
}

/** What a sealed batch adds to the cache. */
export interface Extension {
  readonly first: number;
  /** Leaf hashes of the entries, one behind the other. */
  readonly leafHashes: Uint8Array;
  readonly tileNodes: readonly RangeNode[];
  readonly lengths: Uint32Array;
  /** Where the first entry begins. */
  readonly place: Place;
}

/** Name of the file with the hash tiles of a level: hash i at byte 32·i. */
export function tilesFile(tileLevel: number): string {
  return `tiles-${tileLevel}`;
}

/** Name of the file with the place of every 64th entry: segment and offset, 8 bytes each. */
export const OFFSETS_FILE = 'offsets';

/**
 * Everything that is derived from the record: tree hashes, places, ids. It can be deleted at any time and lies at worst until
 * the next comparison with a seal. Under 51 bytes an entry.
 *
 * Owned by the thread that writes the record. Writes are not synced on the way of an event, only at a
 * checkpoint every 16,384 entries; what stands behind it is read from the record again at the next opening.
 */
export class Cache {
  readonly ids: IdIndex;
  readonly #files: CacheFiles;
  readonly #origin: string;
  #durableSize = 0;
  /** Added, not written yet; without a gap. */
  #gathered: Extension[] = [];
  #gatheredEntries = 0;

  constructor(files: CacheFiles, origin: string) {
    this.#files = files;
    this.#origin = origin;
    this.ids = new IdIndex(files);
  }

  /** The last durable state, with the right edge of the tree at its size; undefined where there is none that fits together. */
  load(): { state: CacheState; edge: TreeRange } | undefined {
    this.#gathered = []; // what a failed writer had not written yet is read from the record
    this.#gatheredEntries = 0;
    const state = this.#readState();
    if (state === undefined) return undefined;
    const edge = this.#readEdge(state.size);
    if (edge === undefined || !this.ids.load(state.size)) return undefined;
    this.#durableSize = state.size;
    return { state, edge };
  }

  /** Where the record was when the cache was made durable last. As little to be trusted as the rest. */
  durablePlace(): Place | undefined {
    try {
      return this.#readState();
    } catch {
      return undefined;
    }
  }

  /** Begins again with nothing. */
  clear(): void {
    this.#gathered = [];
    this.#gatheredEntries = 0;
    this.#files.clear();
    this.ids.load(0);
    this.#durableSize = 0;
  }

  /** Adds a sealed batch. */
  extend(added: Extension): void {
    this.#gathered.push(added);
    this.#gatheredEntries += added.lengths.length;
    if (this.#gatheredEntries >= GATHER_ENTRIES) this.flush();
  }

  /** Writes what was added, for other readers to see. Called when there is nothing else to do. */
  flush(): void {
    const [first] = this.#gathered;
    if (first === undefined) return;
    const gathered = this.#gathered;
    const sealed = first.first + this.#gatheredEntries;
    this.#gathered = [];
    this.#gatheredEntries = 0;
    this.#files.write(tilesFile(0), first.first * HASH_SIZE, Buffer.concat(gathered.map((added) => added.leafHashes)));
    this.#writeTileNodes(gathered.flatMap((added) => added.tileNodes), sealed);
    for (const added of gathered) this.#writeOffsets(added);
    this.ids.flush(first.first, sealed);
  }

  /**
   * Makes the cache durable up to `state`, if it is time. A failure is not an error: the next opening reads more of the record.
   */
  checkpoint(state: CacheState, now: 'if due' | 'now' = 'if due'): void {
    if (now === 'if due' && state.size - this.#durableSize < CHECKPOINT_ENTRIES) return;
    this.#durableSize = state.size;
    try {
      this.flush();
      this.#files.sync();
      const { size, segment, offset } = state;
      this.#files.writeState(`${JSON.stringify({ version: VERSION, origin: this.#origin, size, segment, offset })}\n`);
    } catch {
      // The older state still holds.
    }
  }

  close(): void {
    this.#files.close();
  }

  /** The root at an earlier size, or undefined where the cache does not reach. As little to be trusted as the rest. */
  rootAt(size: number): Uint8Array | undefined {
    this.flush();
    return size === 0 ? undefined : this.#readEdge(size)?.root();
  }

  /** Tree hashes; unchecked. */
  nodes(): NodeReader {
    this.flush();
    return (ids) => Promise.resolve(ids.map((id) => readNode(this.#files, id)));
  }

  /** The leaf hash of an entry, for comparison. */
  leafHash(index: number): Uint8Array {
    this.flush();
    return this.#files.read(tilesFile(0), index * HASH_SIZE, HASH_SIZE);
  }

  /** The nearest noted place at or before an entry. */
  placeBefore(index: number): (Place & { index: number }) | undefined {
    this.flush();
    const slot = Math.floor(index / OFFSET_INTERVAL);
    const place = decodeOffset(this.#files.read(OFFSETS_FILE, slot * OFFSET_BYTES, OFFSET_BYTES));
    return place === undefined ? undefined : { ...place, index: slot * OFFSET_INTERVAL };
  }

  #writeTileNodes(nodes: readonly RangeNode[], sealed: number): void {
    // A level's nodes complete in order: the last of them is the last complete one at the new size.
    const perLevel = new Map<number, Uint8Array[]>();
    for (const node of nodes) {
      const level = node.level / TILE_HEIGHT;
      const hashes = perLevel.get(level) ?? [];
      hashes.push(node.hash);
      perLevel.set(level, hashes);
    }
    for (const [level, hashes] of perLevel) {
      const end = Math.floor(sealed / 256 ** level);
      hashes.forEach((hash, i) => {
        this.#files.write(tilesFile(level), (end - hashes.length + i) * HASH_SIZE, hash);
      });
    }
  }

  #writeOffsets(added: Extension): void {
    let offset = added.place.offset;
    for (let i = 0; i < added.lengths.length; i++) {
      const index = added.first + i;
      if (index % OFFSET_INTERVAL === 0) {
        const bytes = new Uint8Array(OFFSET_BYTES);
        const view = new DataView(bytes.buffer);
        view.setFloat64(0, added.place.segment);
        view.setFloat64(8, offset);
        this.#files.write(OFFSETS_FILE, (index / OFFSET_INTERVAL) * OFFSET_BYTES, bytes);
      }
      offset += added.lengths[i]! + 1;
    }
  }

  #readState(): CacheState | undefined {
    const state = decodePlace(this.#files.readState());
    return state?.origin === this.#origin ? state : undefined;
  }

  /** Puts the right edge together from the last, partial tile of each level. */
  #readEdge(size: number): TreeRange | undefined {
    const edge: Uint8Array[] = [];
    for (const level of edgeLevels(size)) {
      const tileLevel = Math.floor(level / TILE_HEIGHT);
      const width = 2 ** (level % TILE_HEIGHT);
      // The subtree of this level ends where all larger ones and itself end: at size rounded down to its own leaves.
      const end = Math.floor(size / 2 ** level) * (2 ** level / 256 ** tileLevel);
      const bytes = this.#files.read(tilesFile(tileLevel), (end - width) * HASH_SIZE, width * HASH_SIZE);
      if (bytes.length !== width * HASH_SIZE) return undefined;
      edge.push(foldHashes(bytes));
    }
    return TreeRange.fromEdge(size, edge, { collectTileNodes: true });
  }
}

/** Reads the state file; undefined where it is missing, damaged, or of another version. */
export function decodePlace(text: string | undefined): (CacheState & { readonly origin: string }) | undefined {
  try {
    if (text === undefined) return undefined;
    const value = JSON.parse(text) as { version: number; origin: string } & CacheState;
    const numbers = [value.size, value.segment, value.offset];
    return value.version === VERSION && numbers.every((number) => Number.isSafeInteger(number) && number >= 0) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Decodes a record of the offsets file. */
export function decodeOffset(bytes: Uint8Array): Place | undefined {
  if (bytes.length !== OFFSET_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, OFFSET_BYTES);
  const segment = view.getFloat64(0);
  const offset = view.getFloat64(8);
  return Number.isSafeInteger(segment) && Number.isSafeInteger(offset) && segment >= 0 && offset > 0 ? { segment, offset } : undefined;
}

/** A node of the tree from the hash tiles' files, folded from the tile level below it. Unchecked. */
export function readNode(files: Pick<CacheFiles, 'read'>, { level, index }: NodeId): Uint8Array {
  const tileLevel = Math.floor(level / TILE_HEIGHT);
  const width = 2 ** (level % TILE_HEIGHT);
  const hashes = files.read(tilesFile(tileLevel), index * width * HASH_SIZE, width * HASH_SIZE);
  if (hashes.length !== width * HASH_SIZE) {
    throw new LogError('ERR_LOG_ENTRY_NOT_FOUND', 'the cache does not reach as far as the record: run `indelible rebuild`');
  }
  return foldHashes(hashes);
}

/** The root over a power of two of hashes. */
export function foldHashes(hashes: Uint8Array): Uint8Array {
  let level: Uint8Array[] = [];
  for (let at = 0; at < hashes.length; at += HASH_SIZE) level.push(hashes.subarray(at, at + HASH_SIZE));
  while (level.length > 1) {
    const above: Uint8Array[] = [];
    for (let i = 0; i < level.length; i += 2) above.push(nodeHash(level[i]!, level[i + 1]!));
    level = above;
  }
  return level[0]!.slice();
}

