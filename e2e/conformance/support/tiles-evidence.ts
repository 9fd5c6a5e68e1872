import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Signer } from '@indelible/log';
import { bundlePath, decodeBundle, parseCheckpoint, parseNote, tilesForSize } from '@indelible/tlog';

/** A directory of tiles, and what a verifier of it brings along. */
export interface TilesEvidence {
  readonly directory: string;
  readonly origin: string;
  /** The log's key, from elsewhere. */
  readonly vkey: string;
  readonly treeSize: number;
  /** The checkpoint as it is in the directory, and its text without the signature. */
  readonly checkpoint: string;
  readonly text: string;
  /** A checkpoint kept elsewhere, of a smaller tree, and the file that holds it. */
  readonly kept: string;
  readonly keptPath: string;
  /** A checkpoint older than the kept one; the directory still has the partial tiles of that size. */
  readonly older: string;
  /** Signs as the log does: some changes are made by whoever holds its key. */
  readonly signer: Signer;
}

/** Reads the evidence that was just exported. */
export function describeEvidence(directory: string, signer: Signer, kept: { readonly note: string; readonly path: string }, older: string): TilesEvidence {
  const checkpoint = readFileSync(join(directory, 'checkpoint'), 'utf8');
  const { text } = parseNote(checkpoint);
  const { origin, treeSize } = parseCheckpoint(text);
  return { directory, origin, vkey: signer.vkey, treeSize, checkpoint, text, kept: kept.note, keptPath: kept.path, older, signer };
}

/** A file of the evidence. */
export function readEvidence(evidence: TilesEvidence, path: string): Uint8Array {
  return new Uint8Array(readFileSync(join(evidence.directory, path)));
}

/** All entries, from the bundles. */
export function readEntries(evidence: TilesEvidence): Uint8Array[] {
  return [...tilesForSize(evidence.treeSize)]
    .filter(({ level }) => level === 0)
    .flatMap(({ index, width }) => decodeBundle(readEvidence(evidence, bundlePath(index, width)), width));
}
