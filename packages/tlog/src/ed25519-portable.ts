// Ed25519 over WebCrypto, for browsers. The contract of each function is written in `ed25519-node.ts`.

import { concatBytes } from './bytes.ts';
import type { Ed25519Signer } from './ed25519-node.ts';

export type { Ed25519Signer };

type CryptoKey = Awaited<ReturnType<typeof crypto.subtle.importKey>>;

// RFC 8410 §7: the DER of an Ed25519 private key is this header and the seed.
const PKCS8_HEADER = Uint8Array.of(0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20);
const KEY_BYTES = 32;

const MAX_CACHED_KEYS = 64;
const publicKeys = new Map<string, Promise<CryptoKey>>();

/** Reads a private key once and returns its signer. @see RFC 8032 §5.1.5 */
export async function ed25519Signer(seed: Uint8Array): Promise<Ed25519Signer> {
  checkKeyLength(seed);
  const privateKey = await crypto.subtle.importKey('pkcs8', concatBytes(PKCS8_HEADER, seed), 'Ed25519', true, ['sign']);
  // WebCrypto has no "public key of": exporting the private key as JWK is what computes it (RFC 8037 §2, member x).
  const { x } = await crypto.subtle.exportKey('jwk', privateKey);
  const publicKey = fromBase64Url(x ?? '');
  return {
    publicKey,
    sign: async (message) => new Uint8Array(await crypto.subtle.sign('Ed25519', privateKey, copied(message))),
  };
}

/** Returns the 64-byte Ed25519 signature of `message` by the key of `seed`. @see RFC 8032 §5.1.6 */
export async function ed25519Sign(seed: Uint8Array, message: Uint8Array): Promise<Uint8Array> {
  return (await ed25519Signer(seed)).sign(message);
}

/** Returns the 32-byte public key of `seed`. @see RFC 8032 §5.1.5 */
export async function ed25519PublicKey(seed: Uint8Array): Promise<Uint8Array> {
  return (await ed25519Signer(seed)).publicKey;
}

/** Tells whether `signature` is the Ed25519 signature of `message` by `publicKey`. @see RFC 8032 §5.1.7 */
export async function ed25519Verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean> {
  checkKeyLength(publicKey);
  // Copied before the first await: the caller may reuse its arrays as soon as it has the promise.
  const [signatureBytes, messageBytes] = [copied(signature), copied(message)];
  return crypto.subtle.verify('Ed25519', await publicKeyObject(publicKey), signatureBytes, messageBytes);
}

/** The same without a promise, where the runtime can: undefined in browsers, whose WebCrypto is asynchronous only. */
export const ed25519VerifySync:
  | ((publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean)
  | undefined = undefined;

function publicKeyObject(publicKey: Uint8Array): Promise<CryptoKey> {
  const id = publicKey.join();
  const known = publicKeys.get(id);
  if (known !== undefined) return known;
  const key = crypto.subtle.importKey('raw', copied(publicKey), 'Ed25519', false, ['verify']);
  if (publicKeys.size >= MAX_CACHED_KEYS) publicKeys.clear();
  publicKeys.set(id, key);
  return key;
}

function checkKeyLength(key: Uint8Array): void {
  if (key.length !== KEY_BYTES) throw new RangeError(`an Ed25519 key has ${KEY_BYTES} bytes, not ${key.length}`);
}

/** WebCrypto takes no view of shared memory. */
function copied(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}

function fromBase64Url(text: string): Uint8Array {
  return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (character) => character.charCodeAt(0));
}
