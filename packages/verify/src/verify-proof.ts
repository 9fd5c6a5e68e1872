import { checkInclusion, checkTlogProof, leafHash, parseCheckpoint, parseNote, parseTlogProof, TlogError, type TlogProof } from '@indelible/tlog';
import { VerifyError } from './error.ts';
import { count, type Verdict } from './report.ts';
import { parseLogKey } from './verify-log.ts';

/** What a proof of one entry was found to prove. */
export interface ProofReport {
  readonly verdict: Verdict;
  /** The claim in plain words: exactly what is proven, no more. */
  readonly claim: string;
  readonly index: number;
  readonly treeSize: number;
  /** As the checkpoint says. */
  readonly origin: string;
  readonly key: { readonly text: string | null; readonly proven: boolean };
}

/** What goes with a proof. */
export interface ProofOptions {
  /** The bytes of the entry, without its newline. */
  readonly entry: Uint8Array;
  /** The log's key, a C2SP vkey, from a source that the caller trusts. Without it nothing is called sound. */
  readonly key?: string;
}

/**
 * Verifies a C2SP tlog-proof of one entry, without the log: the entry leads to the root in the checkpoint, and the key signed it.
 *
 * @param proof - The text of a `.tlog-proof`.
 * @throws VerifyError `ERR_VERIFY_PROOF_INVALID` where it is no such proof, `ERR_VERIFY_KEY_INVALID`.
 * @see C2SP tlog-proof, RFC 6962 §2.1.1
 */
export async function verifyProof(proof: string, { entry, key: keyText }: ProofOptions): Promise<ProofReport> {
  const parsed = parseProof(proof);
  const { index, checkpoint: note } = parsed;
  const { origin, treeSize, rootHash } = checkpointOf(note);
  const key = keyText === undefined ? undefined : parseLogKey(keyText);
  const leaf = leafHash(entry);
  const about = { index, treeSize, origin, key: { text: keyText ?? null, proven: false } };
  const place = `entry ${count(index)} of ${origin}, under the seal over ${count(treeSize)}`;
  try {
    if (key === undefined) {
      checkInclusion({ index, treeSize, leafHash: leaf, proof: parsed.inclusionProof, root: rootHash });
      return { ...about, verdict: 'not_proven', claim: `consistent, key not proven: the entry leads to the root in the seal as ${place}; who signed it was not checked` };
    }
    await checkTlogProof(parsed, { leafHash: leaf, origin: key.name, logKeys: [key] });
    return { ...about, key: { text: about.key.text, proven: true }, verdict: 'sound', claim: `proven: this is ${place}, signed by the key that was given` };
  } catch (error) {
    if (!(error instanceof TlogError)) throw error;
    return { ...about, verdict: 'not_sound', claim: `not proven to be ${place}: ${error.message}` };
  }
}

function parseProof(proof: string): TlogProof {
  try {
    return parseTlogProof(proof);
  } catch (cause) {
    throw invalid(cause);
  }
}

function checkpointOf(note: string): ReturnType<typeof parseCheckpoint> {
  try {
    return parseCheckpoint(parseNote(note).text);
  } catch (cause) {
    throw invalid(cause);
  }
}

function invalid(cause: unknown): VerifyError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new VerifyError('ERR_VERIFY_PROOF_INVALID', `not a tlog-proof: ${reason}. Give a file that \`indelible prove\` wrote`, { cause });
}
