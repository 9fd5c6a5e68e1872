import { decodeUtf8Strict, ed25519VerifySync, encodeUtf8, equalBytes, parseCheckpoint, parseNote, type Note, type VerifierKey } from '@indelible/tlog';

/** What every control line begins with, and no entry. */
export const CONTROL_PREFIX = '{"indelible":';

/** What every seal begins with. */
export const SEAL_PREFIX = '{"indelible":"seal",';

/** Longest control line that is looked at; the longest legitimate one, a header with 53 edge hashes, is a tenth of it. */
export const MAX_CONTROL_BYTES = 65_535;

/** A seal line as parsed: its signature is not verified. */
export interface Seal {
  /** First byte and number of bytes of the entries that it covers. */
  readonly offset: number;
  readonly length: number;
  /** Index of the first of them. */
  readonly first: number;
  /** Tree size and root that it claims. */
  readonly treeSize: number;
  readonly rootHash: Uint8Array;
  /** The note as it stands in the line, and parsed. */
  readonly noteText: string;
  readonly note: Note;
}

/**
 * Returns the seal in `line` (without its LF), or undefined where it is not, byte for byte, what its own values give.
 *
 * @see docs/spec/record.md §5
 */
export function parseSealLine(line: Uint8Array, origin: string): Seal | undefined {
  if (line.length > MAX_CONTROL_BYTES) return undefined;
  try {
    const text = decodeUtf8Strict(line);
    if (!text.startsWith(SEAL_PREFIX)) return undefined;
    const { offset, length, first, note: noteText } = JSON.parse(text) as { offset: number; length: number; first: number; note: string };
    if (![offset, length, first].every((number) => Number.isSafeInteger(number) && number >= 0)) return undefined;
    if (JSON.stringify({ indelible: 'seal', offset, length, first, note: noteText }) !== text) return undefined;
    const note = parseNote(noteText);
    const checkpoint = parseCheckpoint(note.text);
    // Extension lines and cosignatures would be a second spelling of the same seal.
    if (checkpoint.origin !== origin || checkpoint.extensions.length > 0 || note.signatures.length !== 1) return undefined;
    return { offset, length, first, treeSize: checkpoint.treeSize, rootHash: checkpoint.rootHash, noteText, note };
  } catch {
    return undefined;
  }
}

/** Tells whether `key` signed the note, by name, key ID and signature. */
export function isNoteSignedBy(note: Note, key: VerifierKey): boolean {
  const message = encodeUtf8(note.text);
  return note.signatures.some(
    ({ name, keyId, signature }) => name === key.name && equalBytes(keyId, key.keyId) && isSignature(key, message, signature),
  );
}

/** Tells whether `signature` is the Ed25519 signature of `message` by `key`. */
export function isSignature(key: VerifierKey, message: Uint8Array, signature: Uint8Array): boolean {
  if (ed25519VerifySync === undefined) throw new Error('internal: this runtime has no synchronous Ed25519');
  return ed25519VerifySync(key.publicKey, message, signature);
}

/** The bytes that give away a damaged or forged seal of a log: its origin, which is also the name of its key. */
export function originMark(origin: string): Uint8Array {
  return encodeUtf8(JSON.stringify(origin).slice(1, -1));
}
