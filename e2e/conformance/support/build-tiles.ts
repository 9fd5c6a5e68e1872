import { encodeBundle, leafHash, nodeHash, emptyRoot, bundlePath, tilePath } from '@indelible/tlog';

const WIDTH = 256;

/** The tiles of a log in memory, by path; without a checkpoint. */
export interface BuiltTiles {
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly rootHash: Uint8Array;
}

/**
 * Makes the tiles of a log straight from the definition: all hashes of one level, then those of the next. The exporter does it in
 * one pass with little memory; both must write the same bytes.
 *
 * @see C2SP tlog-tiles v0.1.0, "Merkle Tree"
 */
export function buildTiles(entries: readonly Uint8Array[]): BuiltTiles {
  const files = new Map<string, Uint8Array>();
  for (const { index, run } of runsOf(entries)) files.set(bundlePath(index, run.length), encodeBundle(run));
  const leaves = entries.map(leafHash);
  let hashes = leaves;
  for (let level = 0; hashes.length > 0; level++) {
    for (const { index, run } of runsOf(hashes)) files.set(tilePath(level, index, run.length), joined(run));
    hashes = runsOf(hashes)
      .filter(({ run }) => run.length === WIDTH)
      .map(({ run }) => treeHash(run));
  }
  return { files, rootHash: treeHash(leaves) };
}

/** The root over leaf hashes, by the recursion of RFC 6962 §2.1. */
export function treeHash(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return emptyRoot();
  if (leaves.length === 1) return leaves[0]!;
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return nodeHash(treeHash(leaves.slice(0, split)), treeHash(leaves.slice(split)));
}

function runsOf<T>(items: readonly T[]): { index: number; run: readonly T[] }[] {
  const count = Math.ceil(items.length / WIDTH);
  return Array.from({ length: count }, (_, index) => ({ index, run: items.slice(index * WIDTH, (index + 1) * WIDTH) }));
}

function joined(hashes: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(hashes));
}
