import { parseCheckpoint, type Checkpoint } from './checkpoint.ts';
import { openCosignature, type Cosignature } from './cosignature.ts';
import { TlogError, quote } from './error.ts';
import { formatHashLines, parseHashLines, splitProofText } from './hash-lines.ts';
import { openNote, parseNote } from './note.ts';
import { decodeUtf8Strict, formatBase64, parseBase64, parseDecimal } from './parse.ts';
import { checkInclusion } from './proof.ts';
import type { VerifierKey } from './verifier-key.ts';

/** A self-contained proof that one entry is in a log: the contents of a `.tlog-proof` file. */
export type TlogProof = {
  /** Position of the entry, from 0. */
  readonly index: number;
  /** Sibling hashes from the leaf to the root. */
  readonly inclusionProof: readonly Uint8Array[];
  /** The signed checkpoint verbatim, with all its signature lines. */
  readonly checkpoint: string;
  /** Opaque data of the application. Nothing authenticates it. */
  readonly extra?: Uint8Array;
};

/** What the verifier of a `.tlog-proof` brings along; all of it is trusted. */
export type TlogProofPolicy = {
  /** Hash of the leaf, computed from the entry that the verifier holds. */
  readonly leafHash: Uint8Array;
  /** Origin line that the checkpoint must have. */
  readonly origin: string;
  /** Keys of that log; one of them must have signed. */
  readonly logKeys: readonly VerifierKey[];
  /** Witnesses that count; none by default. */
  readonly witnesses?: readonly VerifierKey[];
  /** How many different witnesses must have cosigned, 0 by default. */
  readonly quorum?: number;
};

/** What a `.tlog-proof` was found to prove. */
export type CheckedTlogProof = {
  readonly checkpoint: Checkpoint;
  /** One for each known witness that cosigned. */
  readonly cosignatures: readonly Cosignature[];
};

const FIRST_LINE = 'c2sp.org/tlog-proof@v1';
const WHAT = 'tlog-proof';
const MALFORMED = 'ERR_TLOG_PROOF_MALFORMED';

/**
 * Returns the proof that `text` writes. Nothing is verified: see `checkTlogProof`.
 *
 * @throws TlogError `ERR_TLOG_PROOF_MALFORMED`; `ERR_TLOG_NOTE_MALFORMED` when no signed note follows the proof.
 * @see C2SP tlog-proof, "Format"
 */
export function parseTlogProof(text: string | Uint8Array): TlogProof {
  const all = typeof text === 'string' ? text : decodeUtf8Strict(text, { what: WHAT, code: MALFORMED });
  const { header, checkpoint } = splitProofText(all, WHAT, MALFORMED);
  const [first, ...lines] = header;
  if (first !== FIRST_LINE) throw new TlogError(MALFORMED, `tlog-proof begins with ${quote(first ?? '')}, not ${quote(FIRST_LINE)}`);
  let extra: Uint8Array | undefined;
  if (lines[0]?.startsWith('extra ') === true) {
    extra = parseBase64(lines.shift()!.slice('extra '.length), undefined, { what: 'extra data of tlog-proof', code: MALFORMED });
    // "If no extra data is present, this line is omitted": an empty one would be a second spelling.
    if (extra.length === 0) throw new TlogError(MALFORMED, 'tlog-proof has an extra line without data');
  }
  const indexLine = lines.shift() ?? '';
  if (!indexLine.startsWith('index ')) throw new TlogError(MALFORMED, `tlog-proof has ${quote(indexLine)} where "index <n>" belongs`);
  const index = parseDecimal(indexLine.slice('index '.length), { what: 'index of tlog-proof', code: MALFORMED });
  const inclusionProof = parseHashLines(lines, WHAT, MALFORMED);
  parseNote(checkpoint);
  return { index, inclusionProof, checkpoint, ...(extra === undefined ? {} : { extra }) };
}

/**
 * Returns the text of a `.tlog-proof` file; `parseTlogProof` reads it back.
 *
 * @throws TlogError `ERR_TLOG_PROOF_MALFORMED`, `ERR_TLOG_NOTE_MALFORMED` when it would not.
 * @see C2SP tlog-proof, "Format"
 */
export function formatTlogProof(proof: TlogProof): string {
  const { index, inclusionProof, checkpoint, extra } = proof;
  parseDecimal(String(index), { what: 'index of tlog-proof', code: MALFORMED });
  parseNote(checkpoint);
  const extraLine = extra === undefined || extra.length === 0 ? '' : `extra ${formatBase64(extra)}\n`;
  return `${FIRST_LINE}\n${extraLine}index ${index}\n${formatHashLines(inclusionProof, WHAT, MALFORMED)}\n${checkpoint}`;
}

/**
 * Returns what `proof` proves: that an entry with `policy.leafHash` is at `proof.index` in the log, under a checkpoint which
 * the log signed and enough witnesses saw. Throws if any of it does not hold.
 *
 * A witness key that is listed under two names counts once: a quorum is about keys, not about names.
 *
 * @throws TlogError `ERR_TLOG_ORIGIN_MISMATCH`, `ERR_TLOG_QUORUM_UNMET`, and those of `openNote`, `parseCheckpoint`,
 * `openCosignature` and `checkInclusion`.
 * @see C2SP tlog-proof, "Verifying a tlog proof"
 */
export async function checkTlogProof(proof: TlogProof, policy: TlogProofPolicy): Promise<CheckedTlogProof> {
  const { leafHash, origin, logKeys, witnesses = [], quorum = 0 } = policy;
  const note = await openNote(proof.checkpoint, logKeys);
  const checkpoint = parseCheckpoint(note.text);
  if (checkpoint.origin !== origin) {
    throw new TlogError('ERR_TLOG_ORIGIN_MISMATCH', `the checkpoint is of ${quote(checkpoint.origin)}, not of ${quote(origin)}`);
  }
  const cosignatures: Cosignature[] = [];
  for (const witness of witnesses) {
    const cosignature = await openCosignature(note, witness);
    if (cosignature !== undefined) cosignatures.push(cosignature);
  }
  const seen = new Set(cosignatures.map(({ key }) => key.publicKey.join())).size;
  // Written so that a quorum of NaN is never met.
  if (!(seen >= quorum)) {
    throw new TlogError('ERR_TLOG_QUORUM_UNMET', `${seen} of ${witnesses.length} known witnesses cosigned, ${quorum} are needed`);
  }
  const { treeSize, rootHash: root } = checkpoint;
  checkInclusion({ index: proof.index, treeSize, leafHash, proof: proof.inclusionProof, root });
  return { checkpoint, cosignatures };
}
