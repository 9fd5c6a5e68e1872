// The only file of this package that touches cryptography, so that an auditor, or a build for another
// runtime, has one place to look at.
import { createHash, createHmac, randomFillSync } from 'node:crypto';

/** Fills the array from the operating system's random generator. */
export function fillRandom(bytes: Uint8Array): void {
  randomFillSync(bytes);
}

/** SHA-256 (FIPS 180-4). */
export function sha256(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(bytes).digest();
}

/** HMAC-SHA-256 (RFC 2104). */
export function hmacSha256(key: Uint8Array, bytes: Uint8Array): Uint8Array {
  return createHmac('sha256', key).update(bytes).digest();
}
