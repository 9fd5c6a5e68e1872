import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkConsistency, checkInclusion, proveConsistency, proveInclusion, rootFromNodes } from '@indelible/tlog';
import { isRefusedSync } from './support/expect-code.ts';
import { OracleTree, oracleLeaf } from './support/rfc-oracle.ts';
import { strictReader } from './support/strict-reader.ts';
import { RUNS, flipped, toHex } from './support/testdata.ts';

// Hundreds of refusals a run: their stack traces, and `toEqual` on arrays of hashes, would cost more than the proofs.
Error.stackTraceLimit = 0;
const hex = (hashes: readonly Uint8Array[]): string => hashes.map(toHex).join('\n');
const TIMEOUT_MS = 600 * RUNS;

// JavaScript's bit operators wrap at 2^31 and 2^32; doubles end at 2^53. Each edge from both sides, and what lies between.
const EDGES = [2 ** 8, 2 ** 16, 2 ** 31, 2 ** 32, 2 ** 33, 2 ** 40, 2 ** 52, 2 ** 53 - 1];
const size = fc.oneof(
  fc.tuple(fc.constantFrom(...EDGES), fc.integer({ min: -3, max: 3 })).map(([edge, off]) => Math.min(edge + off, Number.MAX_SAFE_INTEGER)),
  fc.maxSafeInteger().map((n) => Math.max(1, Math.abs(n))),
  fc.integer({ min: 1, max: 53 }).chain((bits) => fc.maxSafeInteger().map((n) => Math.max(1, Math.abs(n) % 2 ** bits))),
);

/** A position in [0, size), often at an edge. */
function within(treeSize: number): fc.Arbitrary<number> {
  return fc
    .oneof(fc.constantFrom(0, 1, treeSize - 1, treeSize - 2, Math.floor(treeSize / 2), 2 ** 31, 2 ** 32, 2 ** 52), fc.maxSafeInteger().map(Math.abs))
    .map((n) => (n < 0 ? 0 : n % treeSize));
}

/** A tree whose leaves differ at the given places, so that what is next to them can be told apart. */
function treeWith(...places: readonly number[]): OracleTree {
  const special = new Map<bigint, Uint8Array>();
  for (const place of places) {
    for (const near of [place - 1, place, place + 1]) special.set(BigInt(near), oracleLeaf(new TextEncoder().encode(`leaf ${near}`)));
  }
  return new OracleTree(special);
}

describe('trees of any size up to 2^53 − 1', () => {
  it('inclusion: prover and checker agree with RFC 6962, and every changed hash is refused', async () => {
    await fc.assert(
      fc.asyncProperty(
        size.chain((treeSize) => fc.tuple(fc.constant(treeSize), within(treeSize), within(treeSize))),
        async ([treeSize, index, other]) => {
          const tree = treeWith(index, other, treeSize - 1);
          const root = tree.hash(0n, BigInt(treeSize));
          expect(await rootFromNodes(treeSize, strictReader(tree, treeSize))).toEqual(root);
          const proof = await proveInclusion(index, treeSize, strictReader(tree, treeSize));
          expect(hex(proof)).toBe(hex(tree.path(BigInt(index), 0n, BigInt(treeSize))));
          const claim = { index, treeSize, leafHash: tree.hash(BigInt(index), BigInt(index) + 1n), proof, root };
          checkInclusion(claim);
          for (const [i, hash] of proof.entries()) {
            expect(isRefusedSync(() => checkInclusion({ ...claim, proof: proof.with(i, flipped(hash)) }))).toBe(true);
          }
          if (other !== index) expect(isRefusedSync(() => checkInclusion({ ...claim, index: other }))).toBe(true);
        },
      ),
      { numRuns: RUNS },
    );
  }, TIMEOUT_MS);

  it('consistency: prover and checker agree with RFC 6962, and every changed hash is refused', async () => {
    await fc.assert(
      fc.asyncProperty(
        size.chain((newSize) => fc.tuple(fc.constant(newSize), within(newSize))),
        async ([newSize, oldSize]) => {
          const tree = treeWith(oldSize, newSize - 1, 0);
          const [oldRoot, newRoot] = [tree.hash(0n, BigInt(oldSize)), tree.hash(0n, BigInt(newSize))];
          const proof = await proveConsistency(oldSize, newSize, strictReader(tree, newSize));
          expect(hex(proof)).toBe(hex(tree.consistency(BigInt(oldSize), BigInt(newSize))));
          const claim = { oldSize, oldRoot, newSize, newRoot, proof };
          checkConsistency(claim);
          for (const [i, hash] of proof.entries()) {
            expect(isRefusedSync(() => checkConsistency({ ...claim, proof: proof.with(i, flipped(hash)) }))).toBe(true);
          }
          expect(isRefusedSync(() => checkConsistency({ ...claim, oldRoot: flipped(oldRoot) }))).toBe(true);
          if (oldSize > 0) expect(isRefusedSync(() => checkConsistency({ ...claim, newRoot: flipped(newRoot) }))).toBe(true);
        },
      ),
      { numRuns: RUNS },
    );
  }, TIMEOUT_MS);

  it.each(EDGES)('the leaves around the edge %s', async (edge) => {
    for (const treeSize of [edge - 1, edge, edge + 1].filter(Number.isSafeInteger)) {
      const tree = treeWith(0, treeSize - 1);
      for (const index of [0, 1, treeSize - 2, treeSize - 1]) {
        const proof = await proveInclusion(index, treeSize, strictReader(tree, treeSize));
        expect(hex(proof)).toBe(hex(tree.path(BigInt(index), 0n, BigInt(treeSize))));
        const leafHash = tree.hash(BigInt(index), BigInt(index + 1));
        checkInclusion({ index, treeSize, leafHash, proof, root: tree.hash(0n, BigInt(treeSize)) });
      }
    }
  });
});
