import { sha256, sha256Into } from '#sha256';

/**
 * Length in bytes of every hash in a tree.
 *
 * @see RFC 6962 §2.1
 */
export const HASH_SIZE = 32;

// The domain separation of RFC 6962 §2.1: without it, a node could be presented as an entry.
const LEAF_PREFIX = 0x00;
const NODE_PREFIX = 0x01;

// Hashing is synchronous, so one input of each kind serves all calls. A fresh array per leaf costs more than the hash; the
// views of short entries are kept because even making a view of the shared array costs a fifth of it.
const leafInput = new Uint8Array(1 + 65_535);
leafInput[0] = LEAF_PREFIX;
const VIEWED_ENTRY_BYTES = 1_023;
const leafInputViews: (Uint8Array | undefined)[] = Array.from({ length: VIEWED_ENTRY_BYTES + 1 });
const nodeInput = new Uint8Array(1 + 2 * HASH_SIZE);
nodeInput[0] = NODE_PREFIX;

/**
 * Returns the hash of the leaf that holds `entry`: SHA-256(0x00 ‖ entry).
 *
 * @see RFC 6962 §2.1
 */
export function leafHash(entry: Uint8Array): Uint8Array {
  if (entry.length < leafInput.length) {
    leafInput.set(entry, 1);
    return sha256(leafInputView(entry.length));
  }
  // Longer than a bundle can carry, but RFC 6962 knows no limit.
  const input = new Uint8Array(1 + entry.length);
  input[0] = LEAF_PREFIX;
  input.set(entry, 1);
  return sha256(input);
}

function leafInputView(entryBytes: number): Uint8Array {
  if (entryBytes > VIEWED_ENTRY_BYTES) return leafInput.subarray(0, 1 + entryBytes);
  return (leafInputViews[entryBytes] ??= leafInput.subarray(0, 1 + entryBytes));
}

/**
 * Returns the hash of the node above `left` and `right`: SHA-256(0x01 ‖ left ‖ right).
 *
 * @throws RangeError when either is not 32 bytes long: lengths are checked where bytes enter, so this is a bug, not bad
 * evidence.
 * @see RFC 6962 §2.1
 */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  if (left.length !== HASH_SIZE || right.length !== HASH_SIZE) {
    throw new RangeError(`a node joins two ${HASH_SIZE}-byte hashes, not ${left.length} and ${right.length} bytes`);
  }
  nodeInput.set(left, 1);
  nodeInput.set(right, 1 + HASH_SIZE);
  const hash = new Uint8Array(HASH_SIZE);
  sha256Into(nodeInput, hash, 0);
  return hash;
}

/**
 * Returns the root of the tree without leaves: SHA-256 of nothing.
 *
 * @see RFC 6962 §2.1
 */
export function emptyRoot(): Uint8Array {
  return sha256(new Uint8Array(0));
}
