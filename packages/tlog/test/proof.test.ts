import { describe, expect, it } from 'vitest';
import {
  checkConsistency,
  checkInclusion,
  emptyRoot,
  proveConsistency,
  proveInclusion,
  rootFromNodes,
  type ConsistencyClaim,
  type InclusionClaim,
} from '@indelible/tlog';
import { expectCode, isRefusedSync } from './support/expect-code.ts';
import { distinctTree } from './support/rfc-oracle.ts';
import { strictReader } from './support/strict-reader.ts';
import { flipped, toHex } from './support/testdata.ts';

// A hundred thousand refusals: their stack traces would cost more than the proofs.
Error.stackTraceLimit = 0;

const MAX_SIZE = 130;
const tree = distinctTree(MAX_SIZE);
// Comparing text: `toEqual` on some hundred thousand arrays takes longer than everything else here.
const hex = (hashes: readonly Uint8Array[]): string => hashes.map(toHex).join('\n');
const root = (size: number): Uint8Array => tree.hash(0n, BigInt(size));

describe(`every tree of up to ${MAX_SIZE} leaves`, () => {
  it('has the root of the oracle', async () => {
    for (let n = 0; n <= MAX_SIZE; n++) {
      const reader = strictReader(tree, n);
      expect(await rootFromNodes(n, reader)).toEqual(root(n));
      expect(reader.calls).toBe(n === 0 ? 0 : 1);
    }
  });

  it('proves every leaf, and no proof survives a change', async () => {
    for (let n = 1; n <= MAX_SIZE; n++) {
      for (let index = 0; index < n; index++) {
        const reader = strictReader(tree, n);
        const proof = await proveInclusion(index, n, reader);
        expect(reader.calls).toBe(n === 1 ? 0 : 1);
        expect(hex(proof)).toBe(hex(tree.path(BigInt(index), 0n, BigInt(n))));
        const claim: InclusionClaim = { index, treeSize: n, leafHash: tree.hash(BigInt(index), BigInt(index + 1)), proof, root: root(n) };
        checkInclusion(claim);
        const changed: [string, InclusionClaim][] = [
          ...proof.map((hash, i): [string, InclusionClaim] => [`hash ${i}`, { ...claim, proof: proof.with(i, flipped(hash, index + i)) }]),
          ['root', { ...claim, root: flipped(claim.root, 31) }],
          ['leaf', { ...claim, leafHash: flipped(claim.leafHash, n) }],
          ['longer', { ...claim, proof: [...proof, root(n)] }],
          ['longer at the leaf', { ...claim, proof: [claim.leafHash, ...proof] }],
          ['next index', { ...claim, index: index + 1 }],
          ['index before', { ...claim, index: index - 1 }],
        ];
        if (proof.length > 0) {
          changed.push(['shorter', { ...claim, proof: proof.slice(1) }], ['shorter at the root', { ...claim, proof: proof.slice(0, -1) }]);
        }
        if (proof.length > 1) changed.push(['reversed', { ...claim, proof: proof.toReversed() }]);
        for (const [what, bad] of changed) {
          if (!isRefusedSync(() => checkInclusion(bad))) expect.fail(`leaf ${index} of ${n}: ${what} went unnoticed`);
        }
      }
    }
  });

  it('proves consistency with every tree before, and no proof survives a change', async () => {
    for (let n = 0; n <= MAX_SIZE; n++) {
      for (let m = 0; m <= n; m++) {
        const reader = strictReader(tree, n);
        const proof = await proveConsistency(m, n, reader);
        expect(reader.calls).toBe(proof.length === 0 ? 0 : 1);
        expect(hex(proof)).toBe(hex(tree.consistency(BigInt(m), BigInt(n))));
        const claim: ConsistencyClaim = { oldSize: m, oldRoot: root(m), newSize: n, newRoot: root(n), proof };
        checkConsistency(claim);
        const changed: [string, ConsistencyClaim][] = [
          ...proof.map((hash, i): [string, ConsistencyClaim] => [`hash ${i}`, { ...claim, proof: proof.with(i, flipped(hash, m + i)) }]),
          ['old root', { ...claim, oldRoot: flipped(claim.oldRoot, 31) }],
          ['longer', { ...claim, proof: [...proof, root(n)] }],
          ['longer in front', { ...claim, proof: [root(m), ...proof] }],
        ];
        // Every tree begins with the empty one, so from size 0 nothing is known of a new root, unless it is empty too.
        if (m > 0 || n === 0) changed.push(['new root', { ...claim, newRoot: flipped(claim.newRoot, 31) }]);
        if (m < n) changed.push(['swapped', { ...claim, oldSize: n, oldRoot: root(n), newSize: m, newRoot: root(m) }]);
        if (proof.length > 0) {
          changed.push(['shorter', { ...claim, proof: proof.slice(1) }], ['shorter at the end', { ...claim, proof: proof.slice(0, -1) }]);
          changed.push(['empty', { ...claim, proof: [] }], ['roots swapped', { ...claim, oldRoot: root(n), newRoot: root(m) }]);
        }
        if (proof.length > 1) changed.push(['reversed', { ...claim, proof: proof.toReversed() }]);
        for (const [what, bad] of changed) {
          if (!isRefusedSync(() => checkConsistency(bad))) expect.fail(`${m} to ${n}: ${what} went unnoticed`);
        }
      }
    }
  });
});

describe('proofs refuse', () => {
  const unread = (): never => expect.fail('nothing may be read for bad arguments');
  const hash = root(1);

  it.each([-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])('the size %s', async (size) => {
    await expectCode('ERR_TLOG_TREE_SIZE', () => rootFromNodes(size, unread));
    await expectCode('ERR_TLOG_TREE_SIZE', () => proveInclusion(0, size, unread));
    await expectCode('ERR_TLOG_TREE_SIZE', () => proveInclusion(size, 5, unread));
    await expectCode('ERR_TLOG_TREE_SIZE', () => proveConsistency(1, size, unread));
    await expectCode('ERR_TLOG_TREE_SIZE', () => proveConsistency(size, 5, unread));
    await expectCode('ERR_TLOG_TREE_SIZE', () => checkInclusion({ index: 0, treeSize: size, leafHash: hash, proof: [], root: hash }));
    await expectCode('ERR_TLOG_TREE_SIZE', () => checkInclusion({ index: size, treeSize: 1, leafHash: hash, proof: [], root: hash }));
    await expectCode('ERR_TLOG_TREE_SIZE', () => checkConsistency({ oldSize: 1, oldRoot: hash, newSize: size, newRoot: hash, proof: [] }));
    await expectCode('ERR_TLOG_TREE_SIZE', () => checkConsistency({ oldSize: size, oldRoot: hash, newSize: 1, newRoot: hash, proof: [] }));
  });

  it('leaves outside the tree, and trees that shrink', async () => {
    await expectCode('ERR_TLOG_TREE_SIZE', () => proveInclusion(5, 5, unread));
    await expectCode('ERR_TLOG_TREE_SIZE', () => proveInclusion(0, 0, unread));
    await expectCode('ERR_TLOG_TREE_SIZE', () => checkInclusion({ index: 0, treeSize: 0, leafHash: hash, proof: [], root: hash }));
    await expectCode('ERR_TLOG_TREE_SIZE', () => proveConsistency(6, 5, unread));
    await expectCode('ERR_TLOG_TREE_SIZE', () => checkConsistency({ oldSize: 2, oldRoot: hash, newSize: 1, newRoot: hash, proof: [] }));
  });

  it('hashes that are not 32 bytes long', async () => {
    const short = hash.subarray(1);
    const inclusion = { index: 0, treeSize: 2, leafHash: hash, proof: [hash], root: hash };
    await expectCode('ERR_TLOG_HASH_MALFORMED', () => checkInclusion({ ...inclusion, leafHash: short }));
    await expectCode('ERR_TLOG_HASH_MALFORMED', () => checkInclusion({ ...inclusion, root: short }));
    await expectCode('ERR_TLOG_HASH_MALFORMED', () => checkInclusion({ ...inclusion, proof: [short] }));
    const consistency = { oldSize: 1, oldRoot: hash, newSize: 2, newRoot: hash, proof: [hash] };
    await expectCode('ERR_TLOG_HASH_MALFORMED', () => checkConsistency({ ...consistency, oldRoot: short }));
    await expectCode('ERR_TLOG_HASH_MALFORMED', () => checkConsistency({ ...consistency, newRoot: short }));
    await expectCode('ERR_TLOG_HASH_MALFORMED', () => checkConsistency({ ...consistency, proof: [short] }));
  });

  it('with a code that tells a wrong length from a wrong hash', async () => {
    const inclusion = { index: 0, treeSize: 2, leafHash: hash, proof: [hash], root: hash };
    await expectCode('ERR_TLOG_PROOF_MISMATCH', () => checkInclusion(inclusion));
    await expectCode('ERR_TLOG_PROOF_MALFORMED', () => checkInclusion({ ...inclusion, proof: [] }));
    await expectCode('ERR_TLOG_PROOF_MALFORMED', () => checkInclusion({ ...inclusion, proof: [hash, hash] }));
    const consistency = { oldSize: 1, oldRoot: hash, newSize: 2, newRoot: hash, proof: [hash] };
    await expectCode('ERR_TLOG_PROOF_MISMATCH', () => checkConsistency(consistency));
    await expectCode('ERR_TLOG_PROOF_MALFORMED', () => checkConsistency({ ...consistency, proof: [] }));
    await expectCode('ERR_TLOG_PROOF_MALFORMED', () => checkConsistency({ ...consistency, proof: [hash, hash] }));
    await expectCode('ERR_TLOG_PROOF_MALFORMED', () => checkConsistency({ ...consistency, newSize: 8, proof: [hash, hash] }));
    await expectCode('ERR_TLOG_PROOF_MALFORMED', () => checkConsistency({ ...consistency, newSize: 1, proof: [hash] }));
    await expectCode('ERR_TLOG_PROOF_MISMATCH', () => checkConsistency({ ...consistency, newSize: 1, newRoot: root(2), proof: [] }));
    await expectCode('ERR_TLOG_PROOF_MISMATCH', () => checkConsistency({ ...consistency, oldSize: 0, proof: [] }));
    await expectCode('ERR_TLOG_PROOF_MALFORMED', () => checkConsistency({ ...consistency, oldSize: 0, oldRoot: emptyRoot() }));
  });

  it('readers that break their contract, and pass on the error of one that fails', async () => {
    for (const answer of [[], [hash], [hash, hash, hash], [hash, hash.subarray(1)], [hash, new Uint8Array(33)]]) {
      await expectCode('ERR_TLOG_NODES_MALFORMED', () => proveInclusion(0, 4, () => Promise.resolve(answer)));
    }
    const failure = new Error('the disk is gone');
    await expect(proveInclusion(0, 4, () => Promise.reject(failure))).rejects.toBe(failure);
  });
});
