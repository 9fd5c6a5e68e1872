import { sha256 } from '#sha256';
import { concatBytes, equalBytes } from './bytes.ts';
import { TlogError, quote } from './error.ts';
import { encodeUtf8, formatBase64, parseBase64 } from './parse.ts';

/** Signature type of an Ed25519 signature over the note text. @see C2SP signed-note, "Signature types" */
export const KEY_TYPE_ED25519 = 0x01;

/** Signature type of a timestamped Ed25519 cosignature. @see C2SP tlog-cosignature */
export const KEY_TYPE_COSIGNATURE = 0x04;

/** The signature types that this package can verify. */
export type KeyType = typeof KEY_TYPE_ED25519 | typeof KEY_TYPE_COSIGNATURE;

/** A public key with the name it signs under. `name` and `keyId` together are what a signature line refers to. */
export type VerifierKey = {
  readonly name: string;
  /** The four bytes that begin every signature line of this key: a hint for lookup, not a fingerprint to rely on. */
  readonly keyId: Uint8Array;
  readonly type: KeyType;
  /** 32-byte Ed25519 public key. */
  readonly publicKey: Uint8Array;
  /** The whole key as one line (C2SP "vkey"). */
  readonly text: string;
};

const PUBLIC_KEY_BYTES = 32;
const KEY_ID_BYTES = 4;
const MALFORMED = 'ERR_TLOG_KEY_MALFORMED';

/**
 * Tells whether `name` may stand in a signature line: not empty, no Unicode white space, no `+`, and (as in all of a note) no
 * control character and no lone surrogate.
 *
 * @see C2SP signed-note, "Format"
 */
export function isKeyName(name: string): boolean {
  // oxlint-disable-next-line no-control-regex -- they are meant
  return /^[^\p{White_Space}\p{Surrogate}\0-\u001f+]+$/u.test(name);
}

/**
 * Returns the key that `vkey` writes: `<name>+<key id in hex>+<base64 of type and public key>`.
 *
 * The key ID is recomputed, so a name or key with a typing error is refused here and not at the first signature.
 *
 * @throws TlogError `ERR_TLOG_KEY_MALFORMED`; `ERR_TLOG_KEY_UNSUPPORTED` for a type other than 0x01 and 0x04.
 * @see C2SP signed-note, "Verifier keys"
 */
export function parseVerifierKey(vkey: string): VerifierKey {
  const [, name, id, encoded] = /^([^+]*)\+([0-9a-f]{8})\+(.*)$/su.exec(vkey) ?? [];
  if (name === undefined || id === undefined || encoded === undefined) {
    throw new TlogError(MALFORMED, `verifier key ${quote(vkey)} is not <name>+<8 hex digits>+<base64>`);
  }
  checkName(name);
  const typed = parseBase64(encoded, undefined, { what: `key material of ${quote(name)}`, code: MALFORMED });
  const type = checkType(typed[0], name);
  const publicKey = checkPublicKey(typed.slice(1), name);
  const keyId = keyIdOf(name, type, publicKey);
  if (formatHex(keyId) !== id) {
    throw new TlogError(MALFORMED, `verifier key ${quote(name)} says key ID ${id}, its name and key give ${formatHex(keyId)}`);
  }
  return { name, keyId, type, publicKey, text: vkey };
}

/**
 * Returns the text of a verifier key; `parseVerifierKey` reads it back.
 *
 * @throws TlogError `ERR_TLOG_KEY_MALFORMED`, `ERR_TLOG_KEY_UNSUPPORTED` as `parseVerifierKey`.
 * @see C2SP signed-note, "Verifier keys"
 */
export function formatVerifierKey(name: string, type: KeyType, publicKey: Uint8Array): string {
  checkName(name);
  checkType(type, name);
  checkPublicKey(publicKey, name);
  return `${name}+${formatHex(keyIdOf(name, type, publicKey))}+${formatBase64(concatBytes(Uint8Array.of(type), publicKey))}`;
}

/** Tells whether a signature line with `name` and `keyId` refers to `key`: both must match, one is not enough. */
export function isSignedBy(line: { readonly name: string; readonly keyId: Uint8Array }, key: VerifierKey): boolean {
  return line.name === key.name && equalBytes(line.keyId, key.keyId);
}

/** SHA-256(name ‖ 0x0A ‖ type ‖ public key)[0:4] (C2SP signed-note, "Signatures"). */
function keyIdOf(name: string, type: KeyType, publicKey: Uint8Array): Uint8Array {
  return sha256(concatBytes(encodeUtf8(name), Uint8Array.of(0x0a, type), publicKey)).slice(0, KEY_ID_BYTES);
}

function checkName(name: string): void {
  if (isKeyName(name)) return;
  throw new TlogError(MALFORMED, `key name ${quote(name)} is empty or has a space, a "+", a control character or a lone surrogate`);
}

function checkType(type: number | undefined, name: string): KeyType {
  if (type === KEY_TYPE_ED25519 || type === KEY_TYPE_COSIGNATURE) return type;
  if (type === undefined) throw new TlogError(MALFORMED, `verifier key ${quote(name)} has no key material`);
  const hex = formatHex(Uint8Array.of(type));
  throw new TlogError(
    'ERR_TLOG_KEY_UNSUPPORTED',
    `verifier key ${quote(name)} has signature type 0x${hex}; supported are 0x01 (Ed25519) and 0x04 (Ed25519 cosignature)`,
  );
}

function checkPublicKey(publicKey: Uint8Array, name: string): Uint8Array {
  if (publicKey.length === PUBLIC_KEY_BYTES) return publicKey;
  const length = `${publicKey.length} bytes, not ${PUBLIC_KEY_BYTES}`;
  throw new TlogError(MALFORMED, `the public key of verifier key ${quote(name)} has ${length}`);
}

function formatHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
