import { TlogError } from './error.ts';
import { HASH_SIZE, nodeHash } from './hash.ts';
import type { NodeId, NodeReader } from './node-id.ts';
import { TILE_WIDTH, tilePath, type Tile } from './tile-path.ts';

/** Returns the bytes of a tile: exactly `width` hashes. One that finds only the full tile returns its first `width` hashes. */
export type TileFetcher = (tile: Tile) => Promise<Uint8Array>;

/** Levels of the tree in one level of tiles: 2^8 = TILE_WIDTH. */
const TILE_HEIGHT = 8;

/**
 * Returns the width of the partial tile at tile level `level` of a tree of `treeSize` leaves; 0 means that there is none.
 *
 * @see C2SP tlog-tiles v0.1.0, "Partial Tiles"
 */
export function partialWidth(level: number, treeSize: number): number {
  return hashesAt(level, treeSize) % TILE_WIDTH;
}

/** Subtrees of 256^level leaves that are complete. Exact: a division by a power of two rounds nothing off. */
function hashesAt(level: number, treeSize: number): number {
  return Math.floor(treeSize / TILE_WIDTH ** level);
}

/**
 * Yields every tile of a tree of `treeSize` leaves, level by level from the leaves, each level from the left, its partial tile
 * last. Those of level 0 are the entry bundles too.
 *
 * @throws TlogError `ERR_TLOG_TREE_SIZE`.
 * @see C2SP tlog-tiles v0.1.0, "Partial Tiles"
 */
export function* tilesForSize(treeSize: number): Generator<Tile, void, undefined> {
  checkTreeSize(treeSize);
  for (let level = 0; hashesAt(level, treeSize) > 0; level++) {
    const full = Math.floor(hashesAt(level, treeSize) / TILE_WIDTH);
    for (let index = 0; index < full; index++) yield { level, index, width: TILE_WIDTH };
    const width = partialWidth(level, treeSize);
    if (width > 0) yield { level, index: full, width };
  }
}

/**
 * Returns a reader of the nodes of a tree of `treeSize` leaves that takes them out of its hash tiles.
 *
 * A tile holds every eighth level of the tree; the levels between are hashed again from it. Each tile is fetched once per call
 * of the reader, all of them at the same time; to keep tiles from one call to the next, let `fetchTile` do it.
 *
 * Nothing is authenticated here: check what is made of the nodes against a signed root.
 *
 * @throws TlogError `ERR_TLOG_TREE_SIZE`; the reader rejects with `ERR_TLOG_TILE_MALFORMED` when a tile has another length than
 * asked for, with `ERR_TLOG_TREE_SIZE` for a node that is not complete at `treeSize`, and with the errors of `fetchTile`.
 */
export function tileNodeReader(treeSize: number, fetchTile: TileFetcher): NodeReader {
  checkTreeSize(treeSize);
  return async (ids) => {
    const tiles = new Map<string, Promise<Uint8Array>>();
    const fetched = ids.map((id) => {
      const { tile } = placeOf(id, treeSize);
      const path = tilePath(tile.level, tile.index, tile.width);
      const known = tiles.get(path) ?? fetchWhole(tile, path, fetchTile);
      tiles.set(path, known);
      return known;
    });
    const contents = await Promise.all(fetched);
    return ids.map((id, i) => {
      const { from, count } = placeOf(id, treeSize);
      return joinHashes(contents[i]!.subarray(from * HASH_SIZE, (from + count) * HASH_SIZE));
    });
  };
}

async function fetchWhole(tile: Tile, path: string, fetchTile: TileFetcher): Promise<Uint8Array> {
  const bytes = await fetchTile(tile);
  if (bytes.length === tile.width * HASH_SIZE) return bytes;
  throw new TlogError('ERR_TLOG_TILE_MALFORMED', `${path} has ${bytes.length} bytes, not ${tile.width} hashes of ${HASH_SIZE}`);
}

/** Where a node is: hashes [from, from + count) of a tile, `count` being a power of two, joined. */
function placeOf({ level, index }: NodeId, treeSize: number): { tile: Tile; from: number; count: number } {
  if ((index + 1) * 2 ** level > treeSize) {
    throw new TlogError('ERR_TLOG_TREE_SIZE', `node ${index} of level ${level} is not complete in a tree of ${treeSize} leaves`);
  }
  const tileLevel = Math.floor(level / TILE_HEIGHT);
  const count = 2 ** (level % TILE_HEIGHT);
  const first = index * count;
  const tileIndex = Math.floor(first / TILE_WIDTH);
  const width = Math.min(TILE_WIDTH, hashesAt(tileLevel, treeSize) - tileIndex * TILE_WIDTH);
  return { tile: { level: tileLevel, index: tileIndex, width }, from: first % TILE_WIDTH, count };
}

function joinHashes(hashes: Uint8Array): Uint8Array {
  if (hashes.length === HASH_SIZE) return hashes.slice();
  const middle = hashes.length / 2;
  return nodeHash(joinHashes(hashes.subarray(0, middle)), joinHashes(hashes.subarray(middle)));
}

function checkTreeSize(treeSize: number): void {
  if (Number.isSafeInteger(treeSize) && treeSize >= 0) return;
  throw new TlogError('ERR_TLOG_TREE_SIZE', `tree size ${treeSize} is not from 0 to ${Number.MAX_SAFE_INTEGER}`);
}
