import { equalBytes } from './bytes.ts';
import { TlogError } from './error.ts';
import { HASH_SIZE, emptyRoot, nodeHash } from './hash.ts';
import { readRanges, splitPoint, type LeafRange, type NodeReader } from './node-id.ts';

// Sizes and indexes go up to 2^53−1 here, so there is no `>>`, `&` or `|` in this file: JavaScript's are 32 bits wide.

/** What `checkInclusion` is asked to believe. All of it may be hostile except what the caller holds for true. */
export type InclusionClaim = {
  /** Position of the leaf, from 0. */
  readonly index: number;
  /** Number of leaves under `root`. */
  readonly treeSize: number;
  /** Hash of the leaf, computed by the verifier from the entry itself. */
  readonly leafHash: Uint8Array;
  /** Sibling hashes from the leaf to the root. */
  readonly proof: readonly Uint8Array[];
  /** Root that the verifier trusts, as a rule from a verified checkpoint. */
  readonly root: Uint8Array;
};

/** What `checkConsistency` is asked to believe. Both roots come from verified checkpoints; the proof may be hostile. */
export type ConsistencyClaim = {
  readonly oldSize: number;
  readonly oldRoot: Uint8Array;
  readonly newSize: number;
  readonly newRoot: Uint8Array;
  readonly proof: readonly Uint8Array[];
};

/**
 * Returns the root of the tree of the first `treeSize` leaves.
 *
 * @throws TlogError `ERR_TLOG_TREE_SIZE`, `ERR_TLOG_NODES_MALFORMED`; rejects with the reader's error.
 * @see RFC 6962 §2.1
 */
export async function rootFromNodes(treeSize: number, read: NodeReader): Promise<Uint8Array> {
  checkSize('tree size', treeSize);
  if (treeSize === 0) return emptyRoot();
  const [root] = await readRanges([{ begin: 0, end: treeSize }], read);
  return root!;
}

/**
 * Returns the proof that leaf `index` is in the tree of the first `treeSize` leaves: its sibling hashes, leaf to root.
 *
 * Cost: one call of `read` with at most 2 · 53 ids, usually about log2(treeSize).
 *
 * @throws TlogError `ERR_TLOG_TREE_SIZE` unless 0 ≤ index < treeSize; `ERR_TLOG_NODES_MALFORMED`.
 * @see RFC 6962 §2.1.1
 */
export async function proveInclusion(index: number, treeSize: number, read: NodeReader): Promise<Uint8Array[]> {
  checkIndex(index, treeSize);
  const siblings: LeafRange[] = [];
  let begin = 0;
  let end = treeSize;
  while (end - begin > 1) {
    const middle = begin + splitPoint(end - begin);
    if (index < middle) {
      siblings.push({ begin: middle, end });
      end = middle;
    } else {
      siblings.push({ begin, end: middle });
      begin = middle;
    }
  }
  return readRanges(siblings.toReversed(), read);
}

/**
 * Returns when `proof` shows that the leaf is at `index` in the tree with `root`, and throws otherwise.
 *
 * @throws TlogError `ERR_TLOG_TREE_SIZE`, `ERR_TLOG_HASH_MALFORMED`, `ERR_TLOG_PROOF_MALFORMED` (too short or too long),
 * `ERR_TLOG_PROOF_MISMATCH`.
 * @see RFC 9162 §2.1.3.2, whose steps and names (fn, sn, r) this follows
 */
export function checkInclusion(claim: InclusionClaim): void {
  const { index, treeSize, proof, root } = claim;
  checkIndex(index, treeSize);
  checkHash('root', root);
  checkHash('leaf hash', claim.leafHash);
  let fn = index;
  let sn = treeSize - 1;
  let r = claim.leafHash;
  for (const [i, p] of proof.entries()) {
    checkHash(`inclusion proof hash ${i}`, p);
    if (sn === 0) throw wrongLength('inclusion', proof.length, 'long', `leaf ${index} of ${treeSize}`);
    if (isOdd(fn) || fn === sn) {
      r = nodeHash(p, r);
      // At the right edge the levels without a sibling are passed over.
      while (!isOdd(fn) && fn !== 0) {
        fn = half(fn);
        sn = half(sn);
      }
    } else {
      r = nodeHash(r, p);
    }
    fn = half(fn);
    sn = half(sn);
  }
  if (sn !== 0) throw wrongLength('inclusion', proof.length, 'short', `leaf ${index} of ${treeSize}`);
  if (!equalBytes(r, root)) {
    throw mismatch(`the inclusion proof of leaf ${index} does not lead to the root of size ${treeSize}`);
  }
}

/**
 * Returns the proof that the tree of the first `newSize` leaves begins with the tree of the first `oldSize`.
 *
 * Empty when the sizes are equal or `oldSize` is 0.
 *
 * @throws TlogError `ERR_TLOG_TREE_SIZE` unless 0 ≤ oldSize ≤ newSize; `ERR_TLOG_NODES_MALFORMED`.
 * @see RFC 6962 §2.1.2
 */
export async function proveConsistency(oldSize: number, newSize: number, read: NodeReader): Promise<Uint8Array[]> {
  checkSizes(oldSize, newSize);
  if (oldSize === 0 || oldSize === newSize) return [];
  const ranges: LeafRange[] = [];
  let begin = 0;
  let end = newSize;
  while (end !== oldSize) {
    const middle = begin + splitPoint(end - begin);
    if (oldSize <= middle) {
      ranges.push({ begin: middle, end });
      end = middle;
    } else {
      ranges.push({ begin, end: middle });
      begin = middle;
    }
  }
  // When the old tree is itself a node of the new one, its root is known to the verifier and is left out.
  if (begin !== 0) ranges.push({ begin, end });
  return readRanges(ranges.toReversed(), read);
}

/**
 * Returns when `proof` shows that the tree with `newRoot` begins with the tree with `oldRoot`, and throws otherwise.
 *
 * With `oldSize` 0 nothing is shown about `newRoot`: every tree begins with the empty one. Equal sizes need equal roots.
 *
 * @throws TlogError `ERR_TLOG_TREE_SIZE` (also when the tree shrank), `ERR_TLOG_HASH_MALFORMED`,
 * `ERR_TLOG_PROOF_MALFORMED` (too short or too long), `ERR_TLOG_PROOF_MISMATCH`.
 * @see RFC 9162 §2.1.4.2, whose steps and names (fn, sn, fr, sr) this follows
 */
export function checkConsistency(claim: ConsistencyClaim): void {
  const { oldSize, oldRoot, newSize, newRoot, proof } = claim;
  checkSizes(oldSize, newSize);
  checkHash('old root', oldRoot);
  checkHash('new root', newRoot);
  const what = `sizes ${oldSize} and ${newSize}`;
  for (const [size, root] of [[oldSize, oldRoot], [newSize, newRoot]] as const) {
    if (size === 0 && !equalBytes(root, emptyRoot())) throw mismatch('a tree of size 0 has a root that is not SHA-256("")');
  }
  if (oldSize === 0 || oldSize === newSize) {
    if (proof.length > 0) throw wrongLength('consistency', proof.length, 'long', what);
    if (oldSize === newSize && !equalBytes(oldRoot, newRoot)) throw mismatch(`two roots differ for one size, ${oldSize}`);
    return;
  }
  if (proof.length === 0) throw wrongLength('consistency', 0, 'short', what);
  for (const [i, c] of proof.entries()) checkHash(`consistency proof hash ${i}`, c);

  const path = isPowerOfTwo(oldSize) ? [oldRoot, ...proof] : proof;
  let fn = oldSize - 1;
  let sn = newSize - 1;
  while (isOdd(fn)) {
    fn = half(fn);
    sn = half(sn);
  }
  let fr = path[0]!;
  let sr = path[0]!;
  for (const c of path.slice(1)) {
    if (sn === 0) throw wrongLength('consistency', proof.length, 'long', what);
    if (isOdd(fn) || fn === sn) {
      fr = nodeHash(c, fr);
      sr = nodeHash(c, sr);
      while (!isOdd(fn) && fn !== 0) {
        fn = half(fn);
        sn = half(sn);
      }
    } else {
      sr = nodeHash(sr, c);
    }
    fn = half(fn);
    sn = half(sn);
  }
  if (sn !== 0) throw wrongLength('consistency', proof.length, 'short', what);
  if (!equalBytes(fr, oldRoot)) throw mismatch(`the consistency proof does not lead to the root of size ${oldSize}`);
  if (!equalBytes(sr, newRoot)) throw mismatch(`the consistency proof does not lead to the root of size ${newSize}`);
}

function isOdd(n: number): boolean {
  return n % 2 === 1;
}

function half(n: number): number {
  return Math.floor(n / 2);
}

function isPowerOfTwo(n: number): boolean {
  let rest = n;
  while (rest % 2 === 0) rest /= 2;
  return rest === 1;
}

function checkSize(what: string, size: number): void {
  if (Number.isSafeInteger(size) && size >= 0) return;
  throw new TlogError('ERR_TLOG_TREE_SIZE', `${what} ${size} is not a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`);
}

function checkIndex(index: number, treeSize: number): void {
  checkSize('tree size', treeSize);
  checkSize('leaf index', index);
  if (index < treeSize) return;
  throw new TlogError('ERR_TLOG_TREE_SIZE', `leaf ${index} is outside a tree of ${treeSize} leaves`);
}

function checkSizes(oldSize: number, newSize: number): void {
  checkSize('old size', oldSize);
  checkSize('new size', newSize);
  if (oldSize <= newSize) return;
  throw new TlogError('ERR_TLOG_TREE_SIZE', `new size ${newSize} is below old size ${oldSize}: a log cannot shrink`);
}

function checkHash(what: string, hash: Uint8Array): void {
  if (hash.length === HASH_SIZE) return;
  throw new TlogError('ERR_TLOG_HASH_MALFORMED', `${what} has ${hash.length} bytes, not ${HASH_SIZE}`);
}

function wrongLength(kind: string, length: number, much: 'short' | 'long', what: string): TlogError {
  return new TlogError('ERR_TLOG_PROOF_MALFORMED', `${kind} proof of ${length} hashes is too ${much} for ${what}`);
}

function mismatch(message: string): TlogError {
  return new TlogError('ERR_TLOG_PROOF_MISMATCH', message);
}
