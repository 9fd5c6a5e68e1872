import type { VerifierKey } from '@indelible/tlog';
import { openKeyChange } from './key-change.ts';
import { SEAL_PREFIX, isNoteSignedBy, parseSealLine } from './seal-line.ts';
import { closeFile, openSegmentFile, readBytes } from './segment-file.ts';

/** How far before the end of a segment its last seal may begin. */
const WINDOW_BYTES = 262_144;
const LF = 0x0a;
const LF_SEAL = Buffer.from(`\n${SEAL_PREFIX}`);

/**
 * Returns the key to which the last sealed entry within the first `length` bytes of a segment hands over, without reading more of
 * the segment than its end.
 *
 * This is what allows to believe a successor that is signed by another key before its predecessor has been read. The seal's
 * signature and the entry's two are verified, the seal's root is not yet.
 *
 * @see docs/spec/record.md §7
 */
export function readHandover(path: string, length: number, key: VerifierKey): VerifierKey | undefined {
  const file = openSegmentFile(path);
  if (file === undefined) return undefined;
  try {
    if (length > file.size) return undefined;
    const from = Math.max(0, length - WINDOW_BYTES);
    const bytes = readBytes(file, from, length);
    for (let at = bytes.lastIndexOf(LF_SEAL); at > 0; at = bytes.lastIndexOf(LF_SEAL, at - 1)) {
      const end = bytes.indexOf(LF, at + 1);
      const seal = end === -1 ? undefined : parseSealLine(bytes.subarray(at + 1, end), key.name);
      if (seal === undefined || !isNoteSignedBy(seal.note, key)) continue;
      const last = seal.offset + seal.length - 1 - from;
      if (last < 1 || last > at || bytes[last] !== LF) return undefined;
      return openKeyChange(bytes.subarray(bytes.lastIndexOf(LF, last - 1) + 1, last), key.name, key);
    }
    return undefined;
  } finally {
    closeFile(file);
  }
}
