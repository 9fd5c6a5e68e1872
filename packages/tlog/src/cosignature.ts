import { ed25519Verify } from '#ed25519';
import { concatBytes } from './bytes.ts';
import { parseCheckpoint } from './checkpoint.ts';
import { TlogError, quote } from './error.ts';
import { checkSignature, type Note, type NoteSigner } from './note.ts';
import { encodeUtf8 } from './parse.ts';
import type { NoteSignature } from './signature-line.ts';
import { KEY_TYPE_COSIGNATURE, isSignedBy, type VerifierKey } from './verifier-key.ts';

/** A verified statement: as of `timestampSeconds`, the cosigner had seen no larger tree of this log, and it was consistent. */
export type Cosignature = {
  readonly key: VerifierKey;
  /** POSIX time; may lie in the future, which the caller judges: this package has no clock. */
  readonly timestampSeconds: number;
};

const MALFORMED = 'ERR_TLOG_COSIGNATURE_MALFORMED';
const TIMESTAMP_BYTES = 8;
const SIGNATURE_BYTES = 64;

/**
 * Returns the bytes that an Ed25519 cosigner signs for the checkpoint in `noteText` at `timestampSeconds`.
 *
 * @throws TlogError `ERR_TLOG_COSIGNATURE_MALFORMED` for a time that is not a whole number from 0 to 2^53−1;
 * `ERR_TLOG_CHECKPOINT_MALFORMED` when `noteText` is not the text of a checkpoint: a cosigner signs nothing else.
 * @see C2SP tlog-cosignature, "Ed25519 signed message"
 */
export function formatCosignatureMessage(noteText: string, timestampSeconds: number): Uint8Array {
  if (!Number.isSafeInteger(timestampSeconds) || timestampSeconds < 0) {
    throw new TlogError(MALFORMED, `cosignature time ${timestampSeconds} is not a whole number of seconds`);
  }
  parseCheckpoint(noteText);
  return encodeUtf8(`cosignature/v1\ntime ${timestampSeconds}\n${noteText}`);
}

/**
 * Returns the signature line by which `signer` cosigns the checkpoint in `noteText`.
 *
 * Whoever calls this states that the tree is consistent with everything signed before: check that first, and keep the new size
 * durably before the line leaves the process.
 *
 * @throws TlogError as `formatCosignatureMessage`; `ERR_TLOG_ARGUMENT_INVALID` for a key of another type than 0x04.
 * @see C2SP tlog-cosignature, "Format"
 */
export async function signCosignature(noteText: string, signer: NoteSigner, timestampSeconds: number): Promise<NoteSignature> {
  const { key } = signer;
  checkKeyType(key);
  const message = formatCosignatureMessage(noteText, timestampSeconds);
  const time = new Uint8Array(TIMESTAMP_BYTES);
  new DataView(time.buffer).setBigUint64(0, BigInt(timestampSeconds));
  return { name: key.name, keyId: key.keyId, signature: concatBytes(time, checkSignature(await signer.sign(message), key)) };
}

/**
 * Returns the cosignature of `note` by `key`, or undefined if there is no line by that key.
 *
 * @throws TlogError `ERR_TLOG_COSIGNATURE_MALFORMED` when the line has another length than 72 bytes or a time above 2^53−1;
 * `ERR_TLOG_SIGNATURE_INVALID` when the key did not sign this checkpoint at that time; `ERR_TLOG_CHECKPOINT_MALFORMED`;
 * `ERR_TLOG_ARGUMENT_INVALID` for a key of another type than 0x04.
 * @see C2SP tlog-cosignature, "Format"
 */
export async function openCosignature(note: Note, key: VerifierKey): Promise<Cosignature | undefined> {
  checkKeyType(key);
  const line = note.signatures.find((candidate) => isSignedBy(candidate, key));
  if (line === undefined) return undefined;
  const { signature } = line;
  if (signature.length !== TIMESTAMP_BYTES + SIGNATURE_BYTES) {
    throw new TlogError(MALFORMED, `the cosignature of ${quote(key.name)} has ${signature.length} bytes, not 72`);
  }
  // The format allows up to 2^63−1, which is 292 billion years. Beyond 2^53−1 a number might be rounded to another time, and
  // formatCosignatureMessage refuses it.
  const timestampSeconds = Number(new DataView(signature.buffer, signature.byteOffset).getBigUint64(0));
  const message = formatCosignatureMessage(note.text, timestampSeconds);
  if (!(await ed25519Verify(key.publicKey, message, signature.subarray(TIMESTAMP_BYTES)))) {
    throw new TlogError('ERR_TLOG_SIGNATURE_INVALID', `the cosignature of ${quote(key.name)} does not fit the checkpoint`);
  }
  return { key, timestampSeconds };
}

function checkKeyType(key: VerifierKey): void {
  if (key.type === KEY_TYPE_COSIGNATURE) return;
  throw new TlogError('ERR_TLOG_ARGUMENT_INVALID', `key ${quote(key.text)} is for signing notes, not for cosignatures (type 0x04)`);
}
