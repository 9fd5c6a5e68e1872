import { TlogError, type TlogErrorCode } from './error.ts';
import { HASH_SIZE } from './hash.ts';
import { formatBase64, parseBase64 } from './parse.ts';

/**
 * Most hashes in a proof on the wire. C2SP tlog-witness says so for consistency proofs; a tree of 2^63 leaves needs no more
 * for inclusion.
 */
const MAX_PROOF_HASHES = 63;

/** The parts of a text of header lines, an empty line, and a checkpoint (tlog-proof and add-checkpoint share this shape). */
export type ProofText = { readonly header: readonly string[]; readonly checkpoint: string };

/** Splits at the first empty line: no header line is empty, and everything after it belongs to the checkpoint. */
export function splitProofText(text: string, what: string, code: TlogErrorCode): ProofText {
  const split = text.indexOf('\n\n');
  if (split < 0) throw new TlogError(code, `${what} has no empty line before its checkpoint`);
  return { header: text.slice(0, split).split('\n'), checkpoint: text.slice(split + 2) };
}

/** Returns the hashes of a proof, one per line. */
export function parseHashLines(lines: readonly string[], what: string, code: TlogErrorCode): Uint8Array[] {
  checkCount(lines.length, what, code);
  return lines.map((line, i) => parseBase64(line, HASH_SIZE, { what: `hash ${i} of ${what}`, code }));
}

/** Returns the hashes of a proof as lines, each with its newline. */
export function formatHashLines(hashes: readonly Uint8Array[], what: string, code: TlogErrorCode): string {
  checkCount(hashes.length, what, code);
  const bad = hashes.findIndex((hash) => hash.length !== HASH_SIZE);
  if (bad >= 0) throw new TlogError(code, `hash ${bad} of ${what} has ${hashes[bad]!.length} bytes, not ${HASH_SIZE}`);
  return hashes.map((hash) => `${formatBase64(hash)}\n`).join('');
}

function checkCount(count: number, what: string, code: TlogErrorCode): void {
  if (count > MAX_PROOF_HASHES) throw new TlogError(code, `${what} has ${count} hashes, more than ${MAX_PROOF_HASHES}`);
}
