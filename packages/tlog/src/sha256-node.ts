import { hash } from 'node:crypto';

/** Length in bytes of a SHA-256 digest. */
const DIGEST_BYTES = 32;

/**
 * Returns the SHA-256 digest of `data` in a new array.
 *
 * Cost: one native call and one 32-byte array.
 *
 * @see FIPS 180-4 §6.2
 */
export function sha256(data: Uint8Array): Uint8Array {
  const digest = new Uint8Array(DIGEST_BYTES);
  sha256Into(data, digest, 0);
  return digest;
}

/**
 * Writes the SHA-256 digest of `data` to the 32 bytes of `out` that begin at `offset`.
 *
 * The digest crosses from native code as a one-byte string, because a Buffer per digest costs about as much as the hash
 * itself; copying 32 characters in a loop costs less than a second native call (`latin1Write`) would. `out` may overlap
 * `data`: the digest is complete before the first byte is written.
 *
 * @throws RangeError when fewer than 32 bytes follow `offset`.
 */
export function sha256Into(data: Uint8Array, out: Uint8Array, offset: number): void {
  if (!(offset >= 0 && offset + DIGEST_BYTES <= out.length)) {
    throw new RangeError(`a digest at offset ${offset} does not fit in ${out.length} bytes`);
  }
  const digest = hash('sha256', data, 'binary');
  for (let i = 0; i < DIGEST_BYTES; i++) out[offset + i] = digest.charCodeAt(i);
}
