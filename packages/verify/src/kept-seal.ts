import { equalBytes, parseCheckpoint, parseNote, type Checkpoint, type Note, type VerifierKey } from '@indelible/tlog';
import { VerifyError } from './error.ts';
import type { FindingList } from './finding.ts';
import { isNoteSignedBy } from './record/seal-line.ts';

/** A seal that somebody kept outside the log. */
export interface KeptSeal {
  /** Where it comes from, in the words of whoever gave it. */
  readonly place: string;
  readonly note: Note;
  readonly checkpoint: Checkpoint;
}

/**
 * Reads the note of a seal that the caller kept.
 *
 * @throws VerifyError `ERR_VERIFY_SEAL_INVALID`.
 */
export function parseKeptSeal(text: string, place: string): KeptSeal {
  try {
    const note = parseNote(text);
    return { place, note, checkpoint: parseCheckpoint(note.text) };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new VerifyError('ERR_VERIFY_SEAL_INVALID', `the seal ${place} is not the note of a seal: ${reason}. Give the text that \`indelible seal\` prints`, { cause });
  }
}

/**
 * Checks that a log continues a kept seal: same root at its size, which means the same entries below it. Returns true if so.
 *
 * @param log - `keys`: the keys of the log, and the key that was given; one of them must have signed the seal. Where there is none, the
 * seal's signature is not verified, but a log that does not continue it is found out all the same. `rootAt`: the root of the log at a
 * size, where it is known.
 */
export function checkKeptSeal(
  { place, note, checkpoint }: KeptSeal,
  log: { readonly origin: string; readonly keys: readonly VerifierKey[]; readonly size: number; readonly rootAt: (size: number) => Uint8Array | undefined },
  findings: FindingList,
): boolean {
  const { origin, treeSize, rootHash } = checkpoint;
  if (origin !== log.origin) {
    findings.add('kept_seal_unknown', { index: 0 }, `the seal ${place} is of ${JSON.stringify(origin)}, the log is ${JSON.stringify(log.origin)}`);
    return false;
  }
  if (log.keys.length > 0 && !log.keys.some((key) => isNoteSignedBy(note, key))) {
    findings.add('kept_seal_unknown', { index: 0 }, `the seal ${place} is not signed by any key of this log`);
    return false;
  }
  if (treeSize > log.size) {
    findings.add('rolled_back', { index: log.size }, `the log ends with ${log.size} ${log.size === 1 ? 'entry' : 'entries'}; the seal ${place} says ${treeSize}`);
    return false;
  }
  const root = log.rootAt(treeSize);
  if (root !== undefined && equalBytes(root, rootHash)) return true;
  if (root !== undefined) findings.add('history_rewritten', { index: 0 }, `${treeSize === 1 ? 'the first entry is not that' : `the first ${treeSize} entries are not those`} of the seal ${place}`);
  return false;
}
