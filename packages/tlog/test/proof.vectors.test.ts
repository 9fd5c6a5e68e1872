import { describe, expect, it } from 'vitest';
import { checkConsistency, checkInclusion } from '@indelible/tlog';
import { isRefusedSync } from './support/expect-code.ts';
import { fromBase64, readVectors } from './support/testdata.ts';

type Vector = { desc: string; ok: boolean; proof: string[] };
type Proofs = {
  inclusion: (Vector & { index: number; treeSize: number; leafHash: string; root: string })[];
  consistency: (Vector & { oldSize: number; newSize: number; oldRoot: string; newRoot: string })[];
};

const { inclusion, consistency } = readVectors<Proofs>('proofs.json');

describe('proof vectors', () => {
  it('inclusion: accepts the good and refuses the bad', () => {
    expect(inclusion.length).toBeGreaterThan(200);
    for (const { desc, ok, index, treeSize, leafHash, proof, root } of inclusion) {
      const claim = { index, treeSize, leafHash: fromBase64(leafHash), proof: proof.map(fromBase64), root: fromBase64(root) };
      expect(isRefusedSync(() => checkInclusion(claim)), desc).toBe(!ok);
    }
  });

  it('consistency: accepts the good and refuses the bad', () => {
    expect(consistency.length).toBeGreaterThan(200);
    for (const { desc, ok, oldSize, newSize, oldRoot, newRoot, proof } of consistency) {
      const claim = { oldSize, newSize, oldRoot: fromBase64(oldRoot), newRoot: fromBase64(newRoot), proof: proof.map(fromBase64) };
      expect(isRefusedSync(() => checkConsistency(claim)), desc).toBe(!ok);
    }
  });
});
