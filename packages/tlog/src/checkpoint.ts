import { TlogError, quote } from './error.ts';
import { HASH_SIZE } from './hash.ts';
import { formatBase64, parseBase64, parseDecimal } from './parse.ts';
import { checkNoteText } from './signature-line.ts';

/** What a log states with a signature: this many leaves have this root. Call it proven only after `openNote`. */
export type Checkpoint = {
  /** Identity of the log; not necessarily the name of its key, so compare it with what you expect. */
  readonly origin: string;
  /** Number of leaves, at most 2^53−1. */
  readonly treeSize: number;
  /** 32 bytes. */
  readonly rootHash: Uint8Array;
  /** Lines after the third; opaque, not recommended, and signed like all others. */
  readonly extensions: readonly string[];
};

const MALFORMED = 'ERR_TLOG_CHECKPOINT_MALFORMED';
const TEXT = { what: 'checkpoint', code: MALFORMED } as const;

/**
 * Returns the checkpoint in `text`, which is the text of a note without its signatures.
 *
 * Accepts exactly the texts that `formatCheckpoint` writes.
 *
 * @throws TlogError `ERR_TLOG_CHECKPOINT_MALFORMED`.
 * @see C2SP tlog-checkpoint v1.0.0, "Note text"
 */
export function parseCheckpoint(text: string): Checkpoint {
  checkNoteText(text, TEXT);
  const lines = text.slice(0, -1).split('\n');
  const [origin, size, root, ...extensions] = lines;
  if (origin === undefined || size === undefined || root === undefined || lines.includes('')) {
    throw new TlogError(MALFORMED, `checkpoint ${quote(text)} is not three or more lines, none of them empty`);
  }
  return {
    origin,
    treeSize: parseDecimal(size, { what: `tree size in the checkpoint of ${quote(origin)}`, code: MALFORMED }),
    rootHash: parseBase64(root, HASH_SIZE, { what: `root hash in the checkpoint of ${quote(origin)}`, code: MALFORMED }),
    extensions,
  };
}

/**
 * Returns the text to sign for `checkpoint`, with its final newline.
 *
 * @throws TlogError `ERR_TLOG_CHECKPOINT_MALFORMED` when a field cannot be written so that it reads back the same.
 * @see C2SP tlog-checkpoint v1.0.0, "Note text"
 */
export function formatCheckpoint(checkpoint: Checkpoint): string {
  const { origin, treeSize, rootHash, extensions } = checkpoint;
  if (!Number.isSafeInteger(treeSize) || treeSize < 0 || rootHash.length !== HASH_SIZE) {
    throw new TlogError(MALFORMED, `a checkpoint of size ${treeSize} with a root of ${rootHash.length} bytes cannot be written`);
  }
  for (const line of [origin, ...extensions]) {
    if (line === '' || line.includes('\n')) throw new TlogError(MALFORMED, `checkpoint line ${quote(line)} is empty or has a newline`);
  }
  const text = [origin, treeSize, formatBase64(rootHash), ...extensions].map((line) => `${line}\n`).join('');
  checkNoteText(text, TEXT);
  return text;
}
