import { TlogError, quote } from './error.ts';
import { formatHashLines, parseHashLines, splitProofText } from './hash-lines.ts';
import { parseNote } from './note.ts';
import { decodeUtf8Strict, parseDecimal } from './parse.ts';

/** The body of an add-checkpoint request: a log asks a witness to cosign. */
export type AddCheckpointRequest = {
  /** Size of the last checkpoint that the witness cosigned, as the log believes; 0 if there is none. */
  readonly oldSize: number;
  /** Consistency proof from `oldSize` to the size of the checkpoint; at most 63 hashes. */
  readonly consistencyProof: readonly Uint8Array[];
  /** The signed checkpoint verbatim. */
  readonly checkpoint: string;
};

const WHAT = 'add-checkpoint request';
const MALFORMED = 'ERR_TLOG_WITNESS_MALFORMED';

/**
 * Returns the request in `body`. Nothing is verified: signature, sizes and proof are for the witness to check, in the order
 * that the specification gives.
 *
 * @throws TlogError `ERR_TLOG_WITNESS_MALFORMED`, `ERR_TLOG_NOTE_MALFORMED`; a witness answers both with status 400.
 * @see C2SP tlog-witness v1.0.0, "add-checkpoint"
 */
export function parseAddCheckpoint(body: string | Uint8Array): AddCheckpointRequest {
  const text = typeof body === 'string' ? body : decodeUtf8Strict(body, { what: WHAT, code: MALFORMED });
  const { header, checkpoint } = splitProofText(text, WHAT, MALFORMED);
  const [first = '', ...lines] = header;
  if (!first.startsWith('old ')) throw new TlogError(MALFORMED, `add-checkpoint request begins with ${quote(first)}, not with "old <size>"`);
  const oldSize = parseDecimal(first.slice('old '.length), { what: `old size of ${WHAT}`, code: MALFORMED });
  parseNote(checkpoint);
  return { oldSize, consistencyProof: parseHashLines(lines, WHAT, MALFORMED), checkpoint };
}

/**
 * Returns the body of an add-checkpoint request. The witness answers with signature lines (`parseSignatureLines`), or, with
 * status 409, with the size it has seen (`parseTreeSizeBody`).
 *
 * @throws TlogError `ERR_TLOG_WITNESS_MALFORMED`, `ERR_TLOG_NOTE_MALFORMED` when `parseAddCheckpoint` would refuse the body.
 * @see C2SP tlog-witness v1.0.0, "add-checkpoint"
 */
export function formatAddCheckpoint(request: AddCheckpointRequest): string {
  const { oldSize, consistencyProof, checkpoint } = request;
  parseDecimal(String(oldSize), { what: `old size of ${WHAT}`, code: MALFORMED });
  parseNote(checkpoint);
  return `old ${oldSize}\n${formatHashLines(consistencyProof, WHAT, MALFORMED)}\n${checkpoint}`;
}

/**
 * Returns the size in the body of a 409 answer (content type `text/x.tlog.size`): one decimal and a newline.
 *
 * @throws TlogError `ERR_TLOG_WITNESS_MALFORMED`.
 * @see C2SP tlog-witness v1.0.0, "add-checkpoint"
 */
export function parseTreeSizeBody(body: string): number {
  if (!body.endsWith('\n')) throw new TlogError(MALFORMED, `tree size body ${quote(body)} does not end in a newline`);
  return parseDecimal(body.slice(0, -1), { what: 'tree size of the witness', code: MALFORMED });
}

/** Returns the body of a 409 answer, which `parseTreeSizeBody` reads back. */
export function formatTreeSizeBody(treeSize: number): string {
  const body = `${treeSize}\n`;
  parseTreeSizeBody(body);
  return body;
}
