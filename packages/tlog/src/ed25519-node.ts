import { createPrivateKey, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import { concatBytes } from './bytes.ts';

/** Signs with one Ed25519 key that was read once. */
export interface Ed25519Signer {
  /** The 32-byte public key. */
  readonly publicKey: Uint8Array;
  /** Returns the 64-byte signature of `message`. */
  sign(message: Uint8Array): Promise<Uint8Array>;
}

// RFC 8410 §7 and §4: the DER of a private and of a public Ed25519 key is one of these headers and the 32 bytes.
const PKCS8_HEADER = Uint8Array.of(0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20);
const SPKI_HEADER = Uint8Array.of(0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00);
const KEY_BYTES = 32;

// Reading a key costs as much as the verification itself, and a log is verified with very few keys.
const MAX_CACHED_KEYS = 64;
const publicKeys = new Map<string, KeyObject>();

/**
 * Reads a private key once and returns its signer. Reading costs about ten signatures.
 *
 * @param seed - The 32-byte private key of RFC 8032; it is copied.
 * @throws RangeError when `seed` is not 32 bytes long.
 * @see RFC 8032 §5.1.5
 */
export function ed25519Signer(seed: Uint8Array): Promise<Ed25519Signer> {
  return attempt(() => {
    const privateKey = createPrivateKey({ key: der(PKCS8_HEADER, seed), format: 'der', type: 'pkcs8' });
    const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
    return {
      publicKey: new Uint8Array(spki.subarray(SPKI_HEADER.length)),
      sign: (message) => attempt(() => new Uint8Array(sign(null, message, privateKey))),
    };
  });
}

/**
 * Returns the 64-byte Ed25519 signature of `message` by the key of `seed`. To sign more than once, keep an `ed25519Signer`.
 *
 * @throws RangeError when `seed` is not 32 bytes long.
 * @see RFC 8032 §5.1.6
 */
export async function ed25519Sign(seed: Uint8Array, message: Uint8Array): Promise<Uint8Array> {
  return (await ed25519Signer(seed)).sign(message);
}

/**
 * Returns the 32-byte public key of `seed`.
 *
 * @throws RangeError when `seed` is not 32 bytes long.
 * @see RFC 8032 §5.1.5
 */
export async function ed25519PublicKey(seed: Uint8Array): Promise<Uint8Array> {
  return (await ed25519Signer(seed)).publicKey;
}

/**
 * Tells whether `signature` is the Ed25519 signature of `message` by `publicKey`; false for one of a wrong length.
 *
 * @throws RangeError when `publicKey` is not 32 bytes long: keys are checked where they are read.
 * @see RFC 8032 §5.1.7
 */
export function ed25519Verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean> {
  return attempt(() => verifySync(publicKey, message, signature));
}

/** The same without a promise, where the runtime can: undefined in browsers, whose WebCrypto is asynchronous only. */
export const ed25519VerifySync:
  | ((publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean)
  | undefined = verifySync;

function verifySync(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  return verify(null, message, publicKeyObject(publicKey), signature);
}

function publicKeyObject(publicKey: Uint8Array): KeyObject {
  const id = publicKey.join();
  const known = publicKeys.get(id);
  if (known !== undefined) return known;
  const key = createPublicKey({ key: der(SPKI_HEADER, publicKey), format: 'der', type: 'spki' });
  // Evidence may name any number of keys; forgetting all of them now and then bounds what it can make us keep.
  if (publicKeys.size >= MAX_CACHED_KEYS) publicKeys.clear();
  publicKeys.set(id, key);
  return key;
}

function der(header: Uint8Array, key: Uint8Array): Buffer<ArrayBuffer> {
  if (key.length !== KEY_BYTES) throw new RangeError(`an Ed25519 key has ${KEY_BYTES} bytes, not ${key.length}`);
  return Buffer.from(concatBytes(header, key).buffer);
}

/** Like `new Promise` with a value: a thrown error becomes a rejection, as in the asynchronous variant. */
function attempt<T>(work: () => T): Promise<T> {
  return new Promise((resolve) => resolve(work()));
}
