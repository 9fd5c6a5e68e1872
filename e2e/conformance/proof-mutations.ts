import { leafHash, nodeHash, type ConsistencyClaim } from '@indelible/tlog';
import { flipped, swapped } from './mutations/mutation.ts';
import type { EntryClaim } from './support/proof-judges.ts';

/** What can be done to a proof of one kind: each result is a claim that must not hold. */
export interface ProofMutation<Claim> {
  readonly name: string;
  readonly change: (claim: Claim) => readonly Claim[];
}

type Proof = readonly Uint8Array[];

/** Changes of a proof, whatever it proves. It has at least two hashes. */
const OF_THE_PROOF: readonly { readonly name: string; readonly change: (proof: Proof, root: Uint8Array) => readonly Proof[] }[] = [
  { name: 'a bit of each hash flipped', change: (proof) => proof.map((hash, i) => proof.with(i, flipped(hash, i))) },
  { name: 'each hash left out', change: (proof) => proof.map((_, i) => proof.toSpliced(i, 1)) },
  { name: 'each hash twice', change: (proof) => proof.map((hash, i) => proof.toSpliced(i, 0, hash)) },
  { name: 'neighbouring hashes exchanged', change: (proof) => proof.slice(1).map((_, i) => swapped(proof, i, i + 1)) },
  { name: 'the proof reversed', change: (proof) => [proof.toReversed()] },
  { name: 'an empty proof', change: () => [[]] },
  { name: 'a hash before the proof', change: (proof) => [[new Uint8Array(32), ...proof]] },
  { name: 'a hash behind the proof', change: (proof) => [[...proof, new Uint8Array(32)]] },
  { name: 'the root before the proof', change: (proof, root) => [[root, ...proof]] },
  { name: 'the root behind the proof', change: (proof, root) => [[...proof, root]] },
];

/** Changes of a claim that an entry is in a tree. */
export const INCLUSION_MUTATIONS: readonly ProofMutation<EntryClaim>[] = [
  ...OF_THE_PROOF.map(({ name, change }) => ({ name, change: (claim: EntryClaim) => change(claim.proof, claim.root).map((proof) => ({ ...claim, proof })) })),
  { name: 'a bit of the entry flipped', change: (claim) => [{ ...claim, entry: flipped(claim.entry, 0) }] },
  { name: 'a bit of the root flipped', change: (claim) => [{ ...claim, root: flipped(claim.root, 31) }] },
  { name: 'the index of a neighbour', change: (claim) => [{ ...claim, index: claim.index ^ 1 }] },
  { name: 'an index at the end of the tree', change: (claim) => [{ ...claim, index: claim.treeSize }] },
  { name: 'an index far beyond the tree', change: (claim) => [{ ...claim, index: claim.index + 2 ** 33 }] },
  { name: 'half the tree size', change: (claim) => [{ ...claim, treeSize: Math.floor(claim.treeSize / 2) }] },
  { name: 'twice the tree size', change: (claim) => [{ ...claim, treeSize: claim.treeSize * 2 }] },
  {
    name: 'the two children of a node passed off as an entry',
    change: (claim) => {
      const [sibling, ...rest] = claim.proof;
      const children = claim.index % 2 === 0 ? [leafHash(claim.entry), sibling!] : [sibling!, leafHash(claim.entry)];
      return [{ ...claim, entry: new Uint8Array(Buffer.concat(children)), index: Math.floor(claim.index / 2), treeSize: Math.ceil(claim.treeSize / 2), proof: rest }];
    },
  },
];

/** Changes of a claim that one tree begins with another. */
export const CONSISTENCY_MUTATIONS: readonly ProofMutation<ConsistencyClaim>[] = [
  ...OF_THE_PROOF.map(({ name, change }) => ({ name, change: (claim: ConsistencyClaim) => change(claim.proof, claim.newRoot).map((proof) => ({ ...claim, proof })) })),
  { name: 'a bit of the old root flipped', change: (claim) => [{ ...claim, oldRoot: flipped(claim.oldRoot, 0) }] },
  { name: 'a bit of the new root flipped', change: (claim) => [{ ...claim, newRoot: flipped(claim.newRoot, 0) }] },
  { name: 'the roots exchanged', change: (claim) => [{ ...claim, oldRoot: claim.newRoot, newRoot: claim.oldRoot }] },
  { name: 'the sizes exchanged', change: (claim) => [{ ...claim, oldSize: claim.newSize, newSize: claim.oldSize }] },
  { name: 'equal sizes, other roots', change: (claim) => [{ ...claim, oldSize: claim.newSize, proof: [] }] },
  { name: 'one entry more in the old tree', change: (claim) => [{ ...claim, oldSize: claim.oldSize + 1 }] },
  { name: 'one entry less in the old tree', change: (claim) => [{ ...claim, oldSize: claim.oldSize - 1 }] },
  { name: 'twice the new size', change: (claim) => [{ ...claim, newSize: claim.newSize * 2 }] },
  { name: 'an old tree of zeros', change: (claim) => [{ ...claim, oldRoot: nodeHash(new Uint8Array(32), new Uint8Array(32)) }] },
];
