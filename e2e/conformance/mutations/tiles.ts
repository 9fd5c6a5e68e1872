import { TILE_WIDTH, bundlePath, decodeBundle, encodeBundle, leafHash, tilePath } from '@indelible/tlog';
import { treeHash } from '../support/build-tiles.ts';
import { readEvidence, type TilesEvidence } from '../support/tiles-evidence.ts';
import type { Changes } from '../support/tiles-directory.ts';
import { changed, flipped, swapped, type Mutation } from './mutation.ts';

const FIRST = tilePath(0, 0);
const SECOND = tilePath(0, 1);
const LAST = tilePath(0, 2, 88);
const UPPER = tilePath(1, 0, 2);

/** What was done to the hash tiles, alone or together with the entries under them. */
export const TILE_MUTATIONS: readonly Mutation[] = [
  { name: 'a bit of leaf hash 7 flipped', entries: [6], change: (log) => edit(log, FIRST, (bytes) => flipped(bytes, 7 * 32)) },
  { name: 'a bit of a leaf hash in the partial tile flipped', entries: [591], change: (log) => edit(log, LAST, (bytes) => flipped(bytes, 78 * 32)) },
  { name: 'the last bit of the last leaf hash flipped', entries: [598], change: (log) => edit(log, LAST, (bytes) => flipped(bytes, 88 * 32 - 1)) },
  { name: 'two leaf hashes exchanged', entries: [12], change: (log) => edit(log, FIRST, (bytes) => editHashes(bytes, (hashes) => swapped(hashes, 10, 13))) },
  { name: 'two leaf hashes exchanged, and their entries too', entries: [10, 13], change: (log) => new Map([...edit(log, FIRST, (bytes) => editHashes(bytes, (hashes) => swapped(hashes, 10, 13))), ...edit(log, bundlePath(0), (bytes) => encodeBundle(swapped(decodeBundle(bytes), 10, 13)))]) },
  { name: 'an entry changed, and its leaf hash with it', entries: [7], change: (log) => forgeEntry(log, 0) },
  { name: 'an entry changed, and all hashes above it up to the root', entries: [7], change: (log) => forgeEntry(log, 1) },
  { name: 'a leaf tile filled with zeros', entries: [7], change: (log) => edit(log, FIRST, (bytes) => new Uint8Array(bytes.length)) },
  { name: 'a leaf tile one hash short', unread: true, entries: [7], change: (log) => edit(log, FIRST, (bytes) => bytes.slice(0, -32)) },
  { name: 'a leaf tile one hash long', unread: true, entries: [7], change: (log) => edit(log, FIRST, (bytes) => Uint8Array.of(...bytes, ...bytes.subarray(0, 32))) },
  { name: 'a leaf tile one byte short', unread: true, entries: [7], change: (log) => edit(log, FIRST, (bytes) => bytes.slice(0, -1)) },
  { name: 'a leaf tile emptied', unread: true, entries: [7], change: () => changed(FIRST, '') },
  { name: 'a leaf tile removed', unread: true, entries: [7], change: () => changed(FIRST, undefined) },
  { name: 'two leaf tiles exchanged', entries: [7, 300], change: (log) => new Map([...changed(FIRST, readEvidence(log, SECOND)), ...changed(SECOND, readEvidence(log, FIRST))]) },
  { name: 'the partial tile removed', unread: true, entries: [599], change: () => changed(LAST, undefined) },
  { name: 'the partial tile with the width of another', unread: true, entries: [599], change: (log) => edit(log, LAST, (bytes) => bytes.slice(0, 87 * 32)) },
  { name: 'the partial tile under the name of a smaller one', unread: true, entries: [599], change: (log) => new Map([...changed(LAST, undefined), ...changed(tilePath(0, 2, 87), readEvidence(log, LAST))]) },
  { name: 'the partial tile under a name with a leading zero', unread: true, entries: [599], change: (log) => new Map([...changed(LAST, undefined), ...changed('tile/0/002.p/088', readEvidence(log, LAST))]) },
  { name: 'a bit of a hash in the upper tile flipped', entries: [300], change: (log) => edit(log, UPPER, (bytes) => flipped(bytes, 0)) },
  { name: 'the hashes of the upper tile exchanged', entries: [300], change: (log) => edit(log, UPPER, (bytes) => editHashes(bytes, (hashes) => swapped(hashes, 0, 1))) },
  { name: 'the upper tile one hash short', unread: true, entries: [300], change: (log) => edit(log, UPPER, (bytes) => bytes.slice(0, 32)) },
  { name: 'the upper tile removed', unread: true, entries: [300], change: () => changed(UPPER, undefined) },
  { name: 'a bit in the tile of level 2 flipped', log: 'large', entries: [65_600], change: (log) => edit(log, tilePath(2, 0, 1), (bytes) => flipped(bytes, 31)) },
  { name: 'the tile of level 2 removed', unread: true, log: 'large', entries: [65_600], change: () => changed(tilePath(2, 0, 1), undefined) },
  { name: 'a bit in the full tile of level 1 flipped', log: 'large', entries: [4 * TILE_WIDTH], change: (log) => edit(log, tilePath(1, 0), (bytes) => flipped(bytes, 5 * 32)) },
  { name: 'a bit in the partial tile of level 1 flipped', log: 'large', entries: [65_600], change: (log) => edit(log, tilePath(1, 1, 17), (bytes) => flipped(bytes, 32)) },
  { name: 'a bit of leaf hash 40,000 flipped', log: 'large', entries: [40_001], change: (log) => edit(log, tilePath(0, 156), (bytes) => flipped(bytes, 64 * 32)) },
];

function edit(log: TilesEvidence, path: string, change: (bytes: Uint8Array) => Uint8Array): Changes {
  return changed(path, change(readEvidence(log, path)));
}

function editHashes(tile: Uint8Array, change: (hashes: Uint8Array[]) => Uint8Array[]): Uint8Array {
  const hashes = Array.from({ length: tile.length / 32 }, (_, i) => tile.slice(i * 32, (i + 1) * 32));
  return new Uint8Array(Buffer.concat(change(hashes)));
}

/** Entry 7 changed, and the tiles up to a level made to fit. */
function forgeEntry(log: TilesEvidence, topLevel: 0 | 1): Changes {
  const entries = decodeBundle(readEvidence(log, bundlePath(0)));
  const forged = entries.with(7, flipped(entries[7]!, 60));
  const leaves = forged.map(leafHash);
  const changes = new Map([...changed(bundlePath(0), encodeBundle(forged)), ...changed(FIRST, new Uint8Array(Buffer.concat(leaves)))]);
  if (topLevel === 1) changes.set(UPPER, editHashes(readEvidence(log, UPPER), (hashes) => hashes.with(0, treeHash(leaves))));
  return changes;
}
