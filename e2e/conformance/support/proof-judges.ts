import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RFC9162 } from '@transmute/rfc9162';
import { checkConsistency, checkInclusion, formatBase64, leafHash, type ConsistencyClaim } from '@indelible/tlog';
import type { GoProgram } from './go-program.ts';
import { checkInclusionWithSigstore } from './sigstore.ts';

/** A proof that an entry is in a tree. */
export interface EntryClaim {
  readonly index: number;
  readonly treeSize: number;
  readonly entry: Uint8Array;
  readonly proof: readonly Uint8Array[];
  readonly root: Uint8Array;
}

/** Somebody who judges proofs: true for each that holds. */
export interface ProofJudge {
  readonly name: string;
  inclusion(claims: readonly EntryClaim[]): Promise<boolean[]>;
  consistency?(claims: readonly ConsistencyClaim[]): Promise<boolean[]>;
}

/** `@indelible/tlog`. */
export const indelibleJudge: ProofJudge = {
  name: '@indelible/tlog',
  inclusion: async (claims) => claims.map(({ entry, ...claim }) => holds(() => checkInclusion({ ...claim, leafHash: leafHash(entry) }))),
  consistency: async (claims) => claims.map((claim) => holds(() => checkConsistency(claim))),
};

/** `@sigstore/verify`, which knows no consistency proofs. */
export const sigstoreJudge: ProofJudge = {
  name: '@sigstore/verify',
  inclusion: async (claims) => claims.map(checkInclusionWithSigstore),
};

/** `golang.org/x/mod/sumdb/tlog`, all claims in one run. */
export function goJudge(program: GoProgram, scratch: string): ProofJudge {
  const judge = async (claims: { readonly inclusion?: unknown; readonly consistency?: unknown }): Promise<boolean[]> => {
    const path = join(scratch, 'proofs.json');
    writeFileSync(path, JSON.stringify(claims, (_, value: unknown) => (value instanceof Uint8Array ? formatBase64(value) : value)));
    const lines = program.run(['proofs', '-file', path]).stdout.trim().split('\n');
    return lines.map((line) => line.startsWith('accepted: '));
  };
  return {
    name: 'golang.org/x/mod',
    inclusion: (claims) => judge({ inclusion: claims.map(({ entry, ...claim }) => ({ ...claim, leafHash: leafHash(entry) })) }),
    consistency: (claims) => judge({ consistency: claims }),
  };
}

/** `@transmute/rfc9162`. */
export const rfc9162Judge: ProofJudge & { treeHead(entries: readonly Uint8Array[]): Promise<Uint8Array> } = {
  name: '@transmute/rfc9162',
  inclusion: (claims) =>
    Promise.all(claims.map(({ index, treeSize, entry, proof, root }) => RFC9162.verifyInclusionProof(root, leafHash(entry), { log_id: '', tree_size: treeSize, leaf_index: index, inclusion_path: [...proof] }))),
  consistency: (claims) =>
    Promise.all(
      claims.map(({ oldSize, oldRoot, newSize, newRoot, proof }) => {
        // It leaves out step 2 of RFC 9162 §2.1.4.2, by which a verifier puts the old root before the proof of a power of two.
        const path = Number.isInteger(Math.log2(oldSize)) ? [oldRoot, ...proof] : proof;
        return RFC9162.verifyConsistencyProof(oldRoot, newRoot, { log_id: '', tree_size_1: oldSize, tree_size_2: newSize, consistency_path: [...path] });
      }),
    ),
  treeHead: (entries) => RFC9162.treeHead([...entries]),
};

function holds(check: () => void): boolean {
  try {
    check();
    return true;
  } catch (error) {
    if ((error as { name?: unknown }).name === 'TlogError') return false;
    throw error;
  }
}
