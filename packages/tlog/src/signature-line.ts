import { concatBytes } from './bytes.ts';
import { TlogError, quote } from './error.ts';
import { formatBase64, parseBase64, type ParseField } from './parse.ts';
import { isKeyName } from './verifier-key.ts';

/**
 * Most signatures in a note. A verifier must accept 16 and should have a limit: verifying costs the verifier, not the sender.
 *
 * @see C2SP signed-note, "Format"
 */
export const MAX_NOTE_SIGNATURES = 100;

/** One signature line: who claims to have signed, and the bytes of it. Proves nothing until it is verified. */
export type NoteSignature = {
  readonly name: string;
  /** Four bytes that tell apart the keys of one name. */
  readonly keyId: Uint8Array;
  /** What follows the key ID; 64 bytes for Ed25519, a timestamp and 64 bytes for a cosignature. */
  readonly signature: Uint8Array;
};

const MALFORMED = 'ERR_TLOG_NOTE_MALFORMED';
const KEY_ID_BYTES = 4;

/**
 * Returns signature lines that stand alone, as a witness returns them.
 *
 * @throws TlogError `ERR_TLOG_NOTE_MALFORMED`, also when there is none, more than `MAX_NOTE_SIGNATURES`, or two of one key.
 */
export function parseSignatureLines(text: string): NoteSignature[] {
  if (!text.endsWith('\n')) throw new TlogError(MALFORMED, 'the note has no signature line, or the last one does not end in a newline');
  const lines = text.slice(0, -1).split('\n');
  if (lines.length > MAX_NOTE_SIGNATURES) {
    throw new TlogError(MALFORMED, `the note has ${lines.length} signatures, more than ${MAX_NOTE_SIGNATURES}`);
  }
  const signatures = lines.map(parseSignatureLine);
  checkDistinct(signatures);
  return signatures;
}

/** Returns the lines that `parseSignatureLines` reads back, each with its newline. */
export function formatSignatureLines(signatures: readonly NoteSignature[]): string {
  if (signatures.length === 0 || signatures.length > MAX_NOTE_SIGNATURES) {
    throw new TlogError(MALFORMED, `a note has 1 to ${MAX_NOTE_SIGNATURES} signatures, not ${signatures.length}`);
  }
  checkDistinct(signatures);
  return signatures.map(formatSignatureLine).join('');
}

function parseSignatureLine(line: string): NoteSignature {
  // "— " is an em dash, U+2014, and one space.
  const [, name, encoded] = /^\u2014 ([^ ]+) ([^ ]+)$/u.exec(line) ?? [];
  if (name === undefined || encoded === undefined || !isKeyName(name)) {
    throw new TlogError(MALFORMED, `signature line ${quote(line)} is not "— <key name> <base64>"`);
  }
  const bytes = parseBase64(encoded, undefined, { what: `signature of ${quote(name)}`, code: MALFORMED });
  if (bytes.length <= KEY_ID_BYTES) {
    throw new TlogError(MALFORMED, `the signature of ${quote(name)} has ${bytes.length} bytes, a key ID alone has ${KEY_ID_BYTES}`);
  }
  return { name, keyId: bytes.slice(0, KEY_ID_BYTES), signature: bytes.slice(KEY_ID_BYTES) };
}

function formatSignatureLine({ name, keyId, signature }: NoteSignature): string {
  if (!isKeyName(name) || keyId.length !== KEY_ID_BYTES || signature.length === 0) {
    throw new TlogError(MALFORMED, `a signature by ${quote(name)} with a key ID of ${keyId.length} bytes cannot be written`);
  }
  return `\u2014 ${name} ${formatBase64(concatBytes(keyId, signature))}\n`;
}

function checkDistinct(signatures: readonly NoteSignature[]): void {
  const seen = new Set<string>();
  for (const { name, keyId } of signatures) {
    // A key name has no space, so this identifies the pair.
    const id = `${name} ${keyId.join()}`;
    if (seen.has(id)) throw new TlogError(MALFORMED, `the note has two signatures by the same key of ${quote(name)}`);
    seen.add(id);
  }
}

/** Returns when `text` can be part of a note: well-formed, no control character but newline, ending in one. */
export function checkNoteText(text: string, field: ParseField): void {
  const { what, code } = field;
  if (!text.endsWith('\n')) throw new TlogError(code, `${what} ${quote(text)} does not end in a newline`);
  // oxlint-disable-next-line no-control-regex -- they are meant
  const at = text.search(/[\0-\u0009\u000b-\u001f\p{Surrogate}]/u);
  if (at < 0) return;
  throw new TlogError(code, `${what} has the forbidden character ${quote(text.charAt(at))} at ${at}`);
}
