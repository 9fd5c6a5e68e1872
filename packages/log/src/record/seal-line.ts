import { decodeUtf8Strict, encodeUtf8, formatBase64, formatCheckpoint, openNote, parseCheckpoint, parseNote, type VerifierKey } from '@indelible/tlog';

/** What every control line begins with, and no entry. */
export const CONTROL_PREFIX = '{"indelible":';

/** Longest seal line: two decimals of 16 digits, a note with an origin of some hundred characters. */
export const MAX_SEAL_BYTES = 4_096;

/** A seal with the bytes it covers (docs/spec/record.md §5). */
export interface SealLine {
  /** Where in the segment its entries begin. */
  readonly offset: number;
  /** How many bytes they take, LFs included. */
  readonly length: number;
  /** Index of the first of them. */
  readonly first: number;
  /** The signed checkpoint. */
  readonly note: string;
}

/** A seal line that has its exact form. Whether its signature holds and it fits the bytes around it is not said. */
export interface ParsedSeal extends SealLine {
  readonly treeSize: number;
  readonly rootHash: Uint8Array;
}

/** The text that a seal signs. */
export function formatSealText(origin: string, treeSize: number, rootHash: Uint8Array): string {
  return formatCheckpoint({ origin, treeSize, rootHash, extensions: [] });
}

/** The note: the text and its one signature line. */
export function formatSealNote(text: string, key: VerifierKey, signature: Uint8Array): string {
  const payload = new Uint8Array(4 + signature.length);
  payload.set(key.keyId, 0);
  payload.set(signature, 4);
  return `${text}\n\u2014 ${key.name} ${formatBase64(payload)}\n`;
}

function formatSealLine(seal: SealLine): string {
  return JSON.stringify({ indelible: 'seal', offset: seal.offset, length: seal.length, first: seal.first, note: seal.note });
}

/** The seal line, with its LF. */
export function encodeSealLine(seal: SealLine): Uint8Array {
  return encodeUtf8(`${formatSealLine(seal)}\n`);
}

/** Reads a seal line (without its LF) of the log with this key. Returns undefined for anything else. Checks no signature. */
export function parseSealLine(line: Uint8Array, key: VerifierKey): ParsedSeal | undefined {
  if (line.length > MAX_SEAL_BYTES) return undefined;
  try {
    const text = decodeUtf8Strict(line);
    const value = JSON.parse(text) as SealLine;
    if (formatSealLine(value) !== text) return undefined;
    const sizes = [value.offset, value.length, value.first];
    if (!sizes.every((size) => Number.isSafeInteger(size) && size >= 0)) return undefined;
    const { text: signed, signatures } = parseNote(value.note);
    const checkpoint = parseCheckpoint(signed);
    if (checkpoint.origin !== key.name || checkpoint.extensions.length > 0 || signatures.length !== 1) return undefined;
    const { treeSize, rootHash } = checkpoint;
    // Each entry takes 2 to 65,536 bytes with its LF: a length beyond that is not worth an attempt to read it.
    const count = treeSize - value.first;
    if (count < 1 || value.length < 2 * count || value.length > 65_536 * count) return undefined;
    return { offset: value.offset, length: value.length, first: value.first, note: value.note, treeSize, rootHash };
  } catch {
    return undefined;
  }
}

/** Whether the note of a seal carries a valid signature by `key`. */
export async function isSealNote(note: string, key: VerifierKey): Promise<boolean> {
  try {
    await openNote(note, [key]);
    return true;
  } catch {
    return false;
  }
}

/** Size and root of a seal's note, or undefined where it is none of this log. Checks no signature. */
export function parseSealNote(note: string, origin: string): { treeSize: number; rootHash: Uint8Array } | undefined {
  try {
    const { treeSize, rootHash, origin: named } = parseCheckpoint(parseNote(note).text);
    return named === origin ? { treeSize, rootHash } : undefined;
  } catch {
    return undefined;
  }
}
