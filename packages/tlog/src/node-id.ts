import { TlogError } from './error.ts';
import { HASH_SIZE, nodeHash } from './hash.ts';

/**
 * Names the root of a complete subtree: the one that covers the leaves [index · 2^level, (index + 1) · 2^level).
 *
 * Level 0 holds the leaf hashes. Such a node never changes again once the tree has its last leaf, which is why stores keep
 * these and nothing else.
 */
export type NodeId = {
  /** Height above the leaves, 0 ≤ level ≤ 52. */
  readonly level: number;
  /** Position among the complete subtrees of that height. */
  readonly index: number;
};

/**
 * Reads the hashes of complete subtrees, whatever they are stored in.
 *
 * Contract: the result holds one 32-byte hash for each id, in the order of the ids, and may not be changed afterwards by
 * either side. One call carries everything that one proof needs, so a reader that pays per round trip pays once. Within a
 * call the ids differ and their subtrees do not overlap; their order is not sorted. A reader rejects when it cannot deliver,
 * and never makes up a hash.
 *
 * The hashes need not be trusted: a proof made of wrong ones fails its check against the signed root.
 *
 * @see golang.org/x/mod/sumdb/tlog HashReader, whose contract this follows
 */
export type NodeReader = (ids: readonly NodeId[]) => Promise<readonly Uint8Array[]>;

/** The leaves [begin, end). */
export type LeafRange = { readonly begin: number; readonly end: number };

/**
 * Returns where RFC 6962 divides a tree of `width` ≥ 2 leaves: the largest power of two strictly below `width`.
 *
 * By doubling, not by shifts or `Math.log2`: JavaScript shifts on 32 bits, and the logarithm of 2^53−1 rounds up to 53.
 *
 * @see RFC 6962 §2.1
 */
export function splitPoint(width: number): number {
  let split = 1;
  while (split * 2 < width) split *= 2;
  return split;
}

/**
 * Returns the complete subtrees that make up `range`, from left to right, each smaller than the one before.
 *
 * `range` must be a subtree of some RFC 6962 tree (it begins at a multiple of a power of two that is at least its width).
 */
function subtreesOf(range: LeafRange): NodeId[] {
  const ids: NodeId[] = [];
  let begin = range.begin;
  let width = 1;
  let level = 0;
  while (width * 2 <= range.end - begin) {
    width *= 2;
    level++;
  }
  for (; begin < range.end; width /= 2, level--) {
    if (width > range.end - begin) continue;
    ids.push({ level, index: begin / width });
    begin += width;
  }
  return ids;
}

/**
 * Returns the Merkle tree hash of each range, with one call of `read` for all of them.
 *
 * @throws TlogError `ERR_TLOG_NODES_MALFORMED` when the reader breaks its contract.
 */
export async function readRanges(ranges: readonly LeafRange[], read: NodeReader): Promise<Uint8Array[]> {
  const idsByRange = ranges.map(subtreesOf);
  const ids = idsByRange.flat();
  if (ids.length === 0) return [];
  const hashes = await read(ids);
  if (hashes.length !== ids.length) {
    throw new TlogError('ERR_TLOG_NODES_MALFORMED', `the node reader returned ${hashes.length} hashes for ${ids.length} ids`);
  }
  for (const [i, hash] of hashes.entries()) {
    if (hash.length === HASH_SIZE) continue;
    const { level, index } = ids[i]!;
    throw new TlogError(
      'ERR_TLOG_NODES_MALFORMED',
      `the node reader returned ${hash.length} bytes for node ${index} of level ${level}, not ${HASH_SIZE}`,
    );
  }
  let at = 0;
  return idsByRange.map((own) => joinSubtrees(hashes.slice(at, (at += own.length))));
}

/** The smaller subtrees to the right are joined first: each is the right child beside everything to its left. */
function joinSubtrees(hashes: readonly Uint8Array[]): Uint8Array {
  return hashes.reduceRight((right, left) => nodeHash(left, right));
}
