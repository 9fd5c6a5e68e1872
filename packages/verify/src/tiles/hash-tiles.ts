import { HASH_SIZE, TILE_WIDTH, nodeHash, tilePath } from '@indelible/tlog';
import type { FindingList } from '../finding.ts';
import type { TileSource } from './tile-source.ts';

const TILE_BYTES = TILE_WIDTH * HASH_SIZE;

/** One level of tiles while it is being computed: the hashes of its last, still incomplete tile. */
interface Level {
  readonly hashes: Uint8Array;
  width: number;
  /** Number of that tile. */
  index: number;
}

/**
 * Computes all hash tiles of a log from its leaf hashes, level by level, and compares each with the file that claims to be it.
 *
 * Memory: one tile per level.
 *
 * @see C2SP tlog-tiles v0.1.0, "Merkle Tree"
 */
export class HashTiles {
  readonly #source: TileSource;
  readonly #treeSize: number;
  readonly #findings: FindingList;
  readonly #levels: Level[] = [];
  #leaves = 0;
  /** Bytes of tiles read. */
  bytes = 0;
  /** Whether a tile was missing or changed. */
  failed = false;
  /** First entry that a tile disagrees with. */
  firstChanged: number | undefined;

  constructor(source: TileSource, treeSize: number, findings: FindingList) {
    this.#source = source;
    this.#treeSize = treeSize;
    this.#findings = findings;
  }

  /** Tells whether the last tile of every level is there with its length: a tree of the size that is claimed has left some. */
  async hasLastTiles(): Promise<boolean> {
    for (let level = 0, hashes = this.#treeSize; hashes > 0; level++, hashes = Math.floor(hashes / TILE_WIDTH)) {
      const index = Math.ceil(hashes / TILE_WIDTH) - 1;
      // Nothing before it has been read: this tile being absent says nothing good of any entry.
      if ((await this.#readTile(level, index, hashes - index * TILE_WIDTH, 0)) === undefined) return false;
    }
    return true;
  }

  /** Compares what follows from the next leaf hashes: those of one bundle, so that they fill at most the tile at hand. */
  async compare(leaves: Uint8Array): Promise<void> {
    this.#leaves += leaves.length / HASH_SIZE;
    await this.#add(0, leaves);
    if (this.#leaves < this.#treeSize) return;
    for (const [level, { hashes, width, index }] of this.#levels.entries()) {
      if (width > 0) await this.#compareTile(level, index, hashes.subarray(0, width * HASH_SIZE));
    }
  }

  async #add(level: number, hashes: Uint8Array): Promise<void> {
    const state = (this.#levels[level] ??= { hashes: new Uint8Array(TILE_BYTES), width: 0, index: 0 });
    state.hashes.set(hashes, state.width * HASH_SIZE);
    state.width += hashes.length / HASH_SIZE;
    if (state.width < TILE_WIDTH) return;
    await this.#compareTile(level, state.index, state.hashes);
    state.index++;
    state.width = 0;
    await this.#add(level + 1, rootOf(state.hashes));
  }

  async #compareTile(level: number, index: number, expected: Uint8Array): Promise<void> {
    const width = expected.length / HASH_SIZE;
    const path = tilePath(level, index, width);
    const firstEntry = index * TILE_WIDTH ** (level + 1);
    const bytes = await this.#readTile(level, index, width, firstEntry);
    if (bytes === undefined) {
      this.failed = true;
      return;
    }
    this.bytes += bytes.length;
    for (let i = 0; i < width; i++) {
      if (Buffer.compare(bytes.subarray(i * HASH_SIZE, (i + 1) * HASH_SIZE), expected.subarray(i * HASH_SIZE, (i + 1) * HASH_SIZE)) === 0) continue;
      this.failed = true;
      const changed = firstEntry + i * TILE_WIDTH ** level;
      this.firstChanged = Math.min(this.firstChanged ?? changed, changed);
      this.#findings.add('tile_changed', { file: path, offset: i * HASH_SIZE, index: changed }, `hash ${i} of ${path} is not that of the entries from ${changed} on`);
      return;
    }
  }

  /** Reads a tile that begins with `width` hashes; where it is missing or has another length, adds a finding at entry `blamed`. */
  async #readTile(level: number, index: number, width: number, blamed: number): Promise<Uint8Array | undefined> {
    const path = tilePath(level, index, width);
    const expectedBytes = width * HASH_SIZE;
    const whole = await this.#source.read(path, TILE_BYTES);
    // A partial tile may be dropped once the full one exists, which begins with it.
    const bytes = whole ?? (width < TILE_WIDTH ? await this.#source.read(tilePath(level, index), TILE_BYTES) : undefined);
    if (bytes === undefined) {
      this.#findings.add('tile_missing', { file: path, index: blamed }, `${path} is missing`);
      return undefined;
    }
    const length = bytes === 'too_large' ? TILE_BYTES + 1 : bytes.length;
    if (bytes !== 'too_large' && length === (whole === undefined ? TILE_BYTES : expectedBytes)) return bytes;
    this.#findings.add('tile_changed', { file: path, index: blamed }, `${path} has ${length > TILE_BYTES ? 'more than ' : ''}${Math.min(length, TILE_BYTES)} bytes, not ${expectedBytes}`);
    return undefined;
  }
}

function rootOf(hashes: Uint8Array): Uint8Array {
  if (hashes.length === HASH_SIZE) return hashes.slice();
  const middle = hashes.length / 2;
  return nodeHash(rootOf(hashes.subarray(0, middle)), rootOf(hashes.subarray(middle)));
}
