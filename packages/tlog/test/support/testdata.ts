import { readFileSync } from 'node:fs';

/** Returns a vector file of `testdata/tlog`, which any implementation in any language can read. */
export function readVectors<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../../../../testdata/tlog/${name}`, import.meta.url), 'utf8')) as T;
}

export function fromHex(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, 'hex'));
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

export function fromBase64(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'base64'));
}

/** Returns `bytes` with one bit changed. */
export function flipped(bytes: Uint8Array, at = 0, bit = 1): Uint8Array {
  const copy = bytes.slice();
  copy[at % copy.length]! ^= bit;
  return copy;
}

/** Runs of property tests: 100, or 10,000 with SLOW=1. */
export const RUNS: number = process.env['SLOW'] === '1' ? 10_000 : 100;
