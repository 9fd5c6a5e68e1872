import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { TlogError, bundlePath, decodeBundle, parseVerifierKey, proveInclusion, tileNodeReader, tilePath, TILE_WIDTH, type VerifierKey } from '@indelible/tlog';
import type { TilesEvidence } from './tiles-evidence.ts';
import type { Verdict } from './verifiers.ts';

// The two modules that decide are not in the package's index; its version is pinned. They are declared here as far as they are
// used, because the package's own declarations need packages that it does not install.
interface SigstoreEntry {
  readonly canonicalizedBody: Buffer;
  readonly inclusionProof: { readonly logIndex: string; readonly hashes: readonly Buffer[]; readonly checkpoint: { readonly envelope: string } };
}
interface SigstoreAuthority {
  readonly logID: Buffer;
  readonly publicKey: KeyObject;
  readonly baseURL: string;
}
interface SigstoreCheckpoint {
  readonly origin: string;
  readonly logSize: bigint;
  readonly logHash: Buffer;
}
const require = createRequire(import.meta.url);
const { verifyCheckpoint } = require('@sigstore/verify/dist/tlog/checkpoint.js') as {
  readonly verifyCheckpoint: (entry: SigstoreEntry, authorities: readonly SigstoreAuthority[]) => SigstoreCheckpoint;
};
const { verifyMerkleInclusion } = require('@sigstore/verify/dist/tlog/merkle.js') as {
  readonly verifyMerkleInclusion: (entry: SigstoreEntry, checkpoint: SigstoreCheckpoint) => void;
};

/**
 * Lets `@sigstore/verify` judge the checkpoint and, entry by entry, that it leads there. It knows no files: entries and proofs are
 * read out of the tiles by us, unchecked, and where that is not possible there is no verdict of it.
 */
export async function checkWithSigstore(evidence: TilesEvidence, entries: readonly number[]): Promise<Verdict> {
  const authority = authorityOf(parseVerifierKey(evidence.vkey));
  let unread: string | undefined;
  try {
    const envelope = readFileSync(join(evidence.directory, 'checkpoint')).toString('utf8');
    const checkpoint = verifyCheckpoint(entryOf(0, new Uint8Array(0), [], envelope), [authority]);
    // It takes any log that the key signs for.
    if (checkpoint.origin !== evidence.origin) return { verdict: 'rejected', reason: `origin ${checkpoint.origin}` };
    for (const index of new Set([0, ...entries, Number(checkpoint.logSize) - 1])) {
      const found = await readProof(evidence.directory, index, Number(checkpoint.logSize));
      if (found === undefined) unread = `no proof of entry ${index} can be made of the files`;
      else verifyMerkleInclusion(entryOf(index, found.entry, found.proof, envelope), checkpoint);
    }
  } catch (error) {
    return { verdict: 'rejected', reason: String(error) };
  }
  return unread === undefined ? { verdict: 'accepted', reason: '' } : { verdict: 'unread', reason: unread };
}

/** Lets `@sigstore/verify` judge one inclusion proof, the root being trusted. */
export function checkInclusionWithSigstore(claim: { readonly index: number; readonly treeSize: number; readonly entry: Uint8Array; readonly proof: readonly Uint8Array[]; readonly root: Uint8Array }): boolean {
  const { index, treeSize, entry, proof, root } = claim;
  try {
    verifyMerkleInclusion(entryOf(index, entry, proof, ''), { origin: '', logSize: BigInt(treeSize), logHash: Buffer.from(root) });
    return true;
  } catch {
    return false;
  }
}

/** It wants the whole hash of which a key ID is the beginning, and a URL that contains the name of the key. */
function authorityOf({ name, type, publicKey }: VerifierKey): SigstoreAuthority {
  const logID = createHash('sha256').update(`${name}\n`).update(Uint8Array.of(type)).update(publicKey).digest();
  const x = Buffer.from(publicKey).toString('base64url');
  return { logID, publicKey: createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' }), baseURL: `https://${name}` };
}

function entryOf(index: number, entry: Uint8Array, proof: readonly Uint8Array[], envelope: string): SigstoreEntry {
  return {
    canonicalizedBody: Buffer.from(entry),
    inclusionProof: { logIndex: String(index), hashes: proof.map((hash) => Buffer.from(hash)), checkpoint: { envelope } },
  };
}

async function readProof(directory: string, index: number, treeSize: number): Promise<{ entry: Uint8Array; proof: Uint8Array[] } | undefined> {
  const read = (path: string): Uint8Array => new Uint8Array(readFileSync(join(directory, path)));
  try {
    const bundle = Math.floor(index / TILE_WIDTH);
    const width = Math.min(TILE_WIDTH, treeSize - bundle * TILE_WIDTH);
    const entry = decodeBundle(read(bundlePath(bundle, width)), width)[index % TILE_WIDTH]!;
    const nodes = tileNodeReader(treeSize, async ({ level, index: tile, width: hashes }) => read(tilePath(level, tile, hashes)));
    return { entry, proof: await proveInclusion(index, treeSize, nodes) };
  } catch (error) {
    if (error instanceof TlogError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
