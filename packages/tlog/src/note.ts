import { ed25519Signer, ed25519Verify } from '#ed25519';
import { TlogError, quote } from './error.ts';
import { decodeUtf8Strict, encodeUtf8 } from './parse.ts';
import { checkNoteText, formatSignatureLines, parseSignatureLines, type NoteSignature } from './signature-line.ts';
import { KEY_TYPE_ED25519, formatVerifierKey, isSignedBy, parseVerifierKey, type KeyType, type VerifierKey } from './verifier-key.ts';

/** A text, ending in a newline, and the signatures below it: parsed, not verified. */
export type Note = {
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
};

/** A note of which at least one signature was verified. */
export type OpenedNote = Note & {
  /** The keys whose signatures hold, in the order of the signature lines; never empty. */
  readonly verified: readonly VerifierKey[];
};

/** Whoever can sign notes: a key in this process, or a callback to where the key lives. */
export interface NoteSigner {
  readonly key: VerifierKey;
  /** Returns the 64-byte Ed25519 signature of `message`, which is not always the bare text of a note (see cosignatures). */
  sign(message: Uint8Array): Promise<Uint8Array>;
}

const MALFORMED = 'ERR_TLOG_NOTE_MALFORMED';
const NOTE = { what: 'note', code: MALFORMED } as const;
const SIGNATURE_BYTES = 64;

/**
 * Returns the text and signature lines of a signed note. Nothing is verified: the text must not be used before `openNote`.
 *
 * Accepts exactly one spelling of each note: valid UTF-8, no control character but newline, the last empty line splits, every
 * signature line complete, canonical base64. Two lines of one key are refused, because they could only differ if one is false.
 *
 * @throws TlogError `ERR_TLOG_NOTE_MALFORMED`.
 * @see C2SP signed-note v1.0.0, "Format"
 */
export function parseNote(note: string | Uint8Array): Note {
  const all = typeof note === 'string' ? note : decodeUtf8Strict(note, NOTE);
  checkNoteText(all, NOTE);
  const split = all.lastIndexOf('\n\n');
  if (split < 0) throw new TlogError(MALFORMED, 'the note has no empty line between its text and its signatures');
  return { text: all.slice(0, split + 1), signatures: parseSignatureLines(all.slice(split + 2)) };
}

/**
 * Returns the note that `parseNote` reads back to the same text and signatures.
 *
 * @throws TlogError `ERR_TLOG_NOTE_MALFORMED` when no such note exists.
 */
export function formatNote(note: Note): string {
  checkNoteText(note.text, { what: 'note text', code: MALFORMED });
  return `${note.text}\n${formatSignatureLines(note.signatures)}`;
}

/**
 * Returns `note` with the keys that verifiably signed it.
 *
 * Lines of keys that are not among `keys` are ignored, as the specification demands. A line of a key that is among them must
 * verify, or the whole note is refused: whoever signed did not sign this.
 *
 * @param keys - Keys of type Ed25519 (0x01) from a source that the caller trusts. For cosignatures see `openCosignature`.
 * @throws TlogError `ERR_TLOG_NOTE_MALFORMED`; `ERR_TLOG_SIGNATURE_INVALID` when a known key did not sign this text;
 * `ERR_TLOG_NOTE_UNVERIFIED` when no known key signed; `ERR_TLOG_ARGUMENT_INVALID` for keys of another type or two different
 * keys with one name and key ID.
 * @see C2SP signed-note v1.0.0, "Signatures"
 */
export async function openNote(note: string | Uint8Array | Note, keys: readonly VerifierKey[]): Promise<OpenedNote> {
  checkKeys(keys);
  const { text, signatures } = typeof note === 'string' || note instanceof Uint8Array ? parseNote(note) : note;
  const message = encodeUtf8(text, NOTE);
  const verified: VerifierKey[] = [];
  for (const line of signatures) {
    const key = keys.find((candidate) => isSignedBy(line, candidate));
    if (key === undefined) continue;
    if (!(await ed25519Verify(key.publicKey, message, line.signature))) {
      throw new TlogError('ERR_TLOG_SIGNATURE_INVALID', `the signature of ${quote(key.name)} does not fit the text of the note`);
    }
    verified.push(key);
  }
  if (verified.length === 0) {
    const names = signatures.map((line) => quote(line.name)).join(', ');
    const known = keys.map((key) => quote(key.text)).join(', ');
    throw new TlogError('ERR_TLOG_NOTE_UNVERIFIED', `the note is signed by ${names}, but by none of the known keys: ${known || 'none given'}`);
  }
  return { text, signatures, verified };
}

/**
 * Returns `text` signed by each signer, as a note.
 *
 * @param signers - Their keys are of type Ed25519 (0x01). For cosignatures see `signCosignature`.
 * @throws TlogError `ERR_TLOG_NOTE_MALFORMED` when `text` cannot be the text of a note, `ERR_TLOG_ARGUMENT_INVALID`; rejects
 * with the error of a signer.
 * @see C2SP signed-note v1.0.0
 */
export async function signNote(text: string, signers: readonly NoteSigner[]): Promise<string> {
  checkKeys(signers.map((signer) => signer.key));
  checkNoteText(text, { what: 'note text', code: MALFORMED });
  const message = encodeUtf8(text, NOTE);
  const signatures = await Promise.all(
    signers.map(async (signer) => {
      const { name, keyId } = signer.key;
      return { name, keyId, signature: checkSignature(await signer.sign(message), signer.key) };
    }),
  );
  return formatNote({ text, signatures });
}

/**
 * Returns a signer with the key in this process.
 *
 * @param seed - 32-byte private key of RFC 8032; it is copied.
 * @param type - What it signs: notes (0x01, the default) or cosignatures (0x04). One seed must not serve both.
 * @throws TlogError `ERR_TLOG_KEY_MALFORMED` for a bad name; RangeError for a seed that is not 32 bytes long.
 */
export async function createNoteSigner(name: string, seed: Uint8Array, type: KeyType = KEY_TYPE_ED25519): Promise<NoteSigner> {
  const signer = await ed25519Signer(seed);
  return { key: parseVerifierKey(formatVerifierKey(name, type, signer.publicKey)), sign: (message) => signer.sign(message) };
}

/** Returns `signature` if it can be an Ed25519 signature: what a remote signer returns is not taken on trust. */
export function checkSignature(signature: Uint8Array, key: VerifierKey): Uint8Array {
  if (signature.length === SIGNATURE_BYTES) return signature;
  throw new TlogError(
    'ERR_TLOG_ARGUMENT_INVALID',
    `the signer of ${quote(key.name)} returned ${signature.length} bytes, not an Ed25519 signature of ${SIGNATURE_BYTES}`,
  );
}

function checkKeys(keys: readonly VerifierKey[]): void {
  for (const [i, key] of keys.entries()) {
    if (key.type !== KEY_TYPE_ED25519) {
      throw new TlogError('ERR_TLOG_ARGUMENT_INVALID', `key ${quote(key.text)} is for cosignatures, not for signing notes`);
    }
    const twin = keys.slice(0, i).find((other) => isSignedBy(key, other));
    if (twin === undefined || twin.text === key.text) continue;
    throw new TlogError('ERR_TLOG_ARGUMENT_INVALID', `keys ${quote(twin.text)} and ${quote(key.text)} have one name and key ID`);
  }
}
