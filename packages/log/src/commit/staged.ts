import { HASH_SIZE, type RangeNode, type TreeRange } from '@indelible/tlog';
import type { LogError } from '../error.ts';
import type { Signer } from '../signer/signer.ts';
import type { Batch, Placement } from './batch.ts';

/** A batch and whoever waits for it. */
export interface Submission {
  readonly batch: Batch;
  readonly resolve: (placement: Placement) => void;
  readonly reject: (error: LogError) => void;
  /** This batch hands over to the next key: it ends its segment. */
  readonly nextSigner?: Signer;
  /** How often it has been carried into a new segment. */
  attempts: number;
}

/** A submission with its place in the tree. `count` entries are new; all others are on the record or under way already. */
export interface Staged {
  readonly submission: Submission;
  readonly first: number;
  readonly count: number;
  readonly bytes: Uint8Array;
  readonly lengths: Uint32Array;
  readonly leafHashes: Uint8Array;
  readonly tileNodes: readonly RangeNode[];
  readonly indexes?: Float64Array;
}

/** Adds entries to a tree; returns their leaf hashes. `bytes` is changed and restored (see `Batch`). */
export function hashEntries(tree: TreeRange, bytes: Uint8Array, lengths: Uint32Array, count: number): Uint8Array {
  const leafHashes = new Uint8Array(count * HASH_SIZE);
  let at = 1;
  for (let i = 0; i < count; i++) {
    const end = at + lengths[i]!;
    const before = bytes[at - 1]!;
    bytes[at - 1] = 0x00; // RFC 6962 §2.1: leaf hash = SHA-256(0x00 ‖ entry)
    tree.addPrefixedLeaf(bytes.subarray(at - 1, end), leafHashes, i * HASH_SIZE);
    bytes[at - 1] = before;
    at = end + 1;
  }
  return leafHashes;
}

/** The bytes of an entry that is staged and not on the record yet. */
export function findStagedEntry(groups: Iterable<Staged>, index: number): Uint8Array | undefined {
  for (const { first, count, lengths, bytes } of groups) {
    if (index < first || index >= first + count) continue;
    let at = 1;
    for (let i = 0; i < index - first; i++) at += lengths[i]! + 1;
    return bytes.subarray(at, at + lengths[index - first]!);
  }
  return undefined;
}
