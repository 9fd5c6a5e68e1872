import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import * as node from '../dist/sha256-node.js';
import * as portable from '../dist/sha256-portable.js';

const LENGTHS = [...Array.from({ length: 260 }, (_, i) => i), 511, 512, 513, 65_535, 65_536, 100_001];

describe.each([
  ['node', node],
  ['portable', portable],
])('sha256 (%s)', (_, { sha256, sha256Into }) => {
  it('equals createHash for every length around the block edges', () => {
    for (const length of LENGTHS) {
      const data = new Uint8Array(randomBytes(length));
      expect(sha256(data)).toEqual(new Uint8Array(createHash('sha256').update(data).digest()));
    }
  });

  it('gives the answers of FIPS 180-4', () => {
    const hex = (text: string): string => Buffer.from(sha256(new TextEncoder().encode(text))).toString('hex');
    expect(hex('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    expect(hex('abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq')).toBe(
      '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
    );
    expect(hex('a'.repeat(1_000_000))).toBe('cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0');
  });

  it('reads views and writes nothing but the 32 bytes at the offset', () => {
    const data = new Uint8Array(randomBytes(300)).subarray(7, 207);
    const out = new Uint8Array(100).fill(0xaa);
    sha256Into(data, out.subarray(10), 20);
    const expected = new Uint8Array(100).fill(0xaa);
    expected.set(createHash('sha256').update(data).digest(), 30);
    expect(out).toEqual(expected);
    sha256Into(data, out, 68);
    expect(out.subarray(68)).toEqual(sha256(data));
  });

  it('may write over its own input', () => {
    const data = new Uint8Array(randomBytes(65));
    const digest = sha256(data);
    sha256Into(data, data, 33);
    expect(data.subarray(33)).toEqual(digest);
  });

  it.each([-1, 69, 100, Number.NaN])('refuses offset %s in 100 bytes', (offset) => {
    const out = new Uint8Array(100);
    expect(() => sha256Into(new Uint8Array(1), out, offset)).toThrow(RangeError);
    expect(out.every((byte) => byte === 0)).toBe(true);
  });

  it('returns a new array every time', () => {
    const first = sha256(new Uint8Array(1));
    const copy = first.slice();
    sha256(new Uint8Array(2));
    expect(first).toEqual(copy);
  });
});
