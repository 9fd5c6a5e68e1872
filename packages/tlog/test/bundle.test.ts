import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_ENTRY_BYTES, TILE_WIDTH, decodeBundle, encodeBundle } from '@indelible/tlog';
import { expectCode, isRefusedSync } from './support/expect-code.ts';
import { RUNS } from './support/testdata.ts';

const entry = (length: number): Uint8Array => new Uint8Array(length).fill(length);

describe('entry bundles', () => {
  it('carry each entry behind its length in two bytes, big-endian', () => {
    expect(encodeBundle([Uint8Array.of(1, 2, 3), Uint8Array.of(), entry(258)])).toEqual(
      Uint8Array.of(0, 3, 1, 2, 3, 0, 0, 1, 2, ...entry(258)),
    );
  });

  it('read back, from a view too', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: TILE_WIDTH }), (entries) => {
        const bundle = encodeBundle(entries);
        expect(decodeBundle(bundle)).toEqual(entries);
        const around = new Uint8Array(bundle.length + 10).fill(0xff);
        around.set(bundle, 5);
        expect(decodeBundle(around.subarray(5, -5), entries.length)).toEqual(entries);
        expect(isRefusedSync(() => decodeBundle(bundle, entries.length + 1))).toBe(true);
        expect(isRefusedSync(() => decodeBundle(bundle, entries.length - 1))).toBe(true);
      }),
      { numRuns: RUNS },
    );
  });

  it('hold the longest entry and not one byte more', async () => {
    expect(decodeBundle(encodeBundle([entry(MAX_ENTRY_BYTES)]))[0]).toHaveLength(65_535);
    await expectCode('ERR_TLOG_ENTRY_TOO_LARGE', () => encodeBundle([entry(1), entry(MAX_ENTRY_BYTES + 1)]));
  });

  it('are never empty and never hold more than a tile', async () => {
    const full = Array.from({ length: TILE_WIDTH }, () => entry(0));
    expect(decodeBundle(encodeBundle(full))).toHaveLength(256);
    await expectCode('ERR_TLOG_BUNDLE_MALFORMED', () => encodeBundle([]));
    await expectCode('ERR_TLOG_BUNDLE_MALFORMED', () => encodeBundle([...full, entry(0)]));
    await expectCode('ERR_TLOG_BUNDLE_MALFORMED', () => decodeBundle(new Uint8Array(0)));
    await expectCode('ERR_TLOG_BUNDLE_MALFORMED', () => decodeBundle(new Uint8Array(0), 0));
    await expectCode('ERR_TLOG_BUNDLE_MALFORMED', () => decodeBundle(new Uint8Array(2 * 257)));
    await expectCode('ERR_TLOG_BUNDLE_MALFORMED', () => decodeBundle(new Uint8Array(2 * 257), 257));
  });

  it('are refused when cut at any place but between two entries', () => {
    const entries = [entry(3), entry(0), entry(300), entry(1)];
    const bundle = encodeBundle(entries);
    const ends = new Set([5, 7, 309]);
    for (let length = 1; length < bundle.length; length++) {
      expect(isRefusedSync(() => decodeBundle(bundle.subarray(0, length))), String(length)).toBe(!ends.has(length));
      expect(isRefusedSync(() => decodeBundle(bundle.subarray(0, length), entries.length))).toBe(true);
    }
    for (const tail of [[0], [0, 1], [255, 255], [0, 0]]) {
      expect(isRefusedSync(() => decodeBundle(Uint8Array.of(...bundle, ...tail), entries.length))).toBe(true);
    }
  });

  it('are, on any bytes, either refused or the bytes that encodeBundle writes', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(0, 0, 0, 1, 2, 255), { maxLength: 30 }).map((bytes) => Uint8Array.from(bytes)), (bytes) => {
        if (!isRefusedSync(() => decodeBundle(bytes))) expect(encodeBundle(decodeBundle(bytes))).toEqual(bytes);
      }),
      { numRuns: 10 * RUNS },
    );
  });
});
