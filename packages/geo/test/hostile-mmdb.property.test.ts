import { GeoError, openGeo } from '@indelible/geo';
import fc from 'fast-check';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { bitsOf, control, encode, encodeMmdb, pointer, writeMmdb } from './support/write-mmdb.ts';

const numRuns = process.env['SLOW'] === '1' ? 5_000 : 100;
const directory = mkdtempSync(join(tmpdir(), 'indelible-geo-hostile-'));
const path = join(directory, 'hostile.mmdb');
afterAll(() => rmSync(directory, { recursive: true }));

const IPS = ['193.0.6.139', '8.8.8.8', '223.1.1.1', '2a00::1', '2001:67c:2e8::1'];
const sound = encodeMmdb({
  type: 'GeoLite2-City',
  networks: [
    [bitsOf('193.0.0.0/8'), { city: { names: { en: 'Amsterdam' } }, country: { iso_code: 'NL' }, autonomous_system_number: 3333 }],
    [bitsOf('8.8.8.0/24'), { country_code: 'US', asn: 'AS15169', extra: [true, 1.5, 7n, new Uint8Array(40)] }],
    ['001', { country: 'GB' }],
  ],
});

/** An answer that is fit for a record, or an error that says what is wrong; and soon. */
function expectBounded(bytes: Uint8Array): void {
  writeFileSync(path, bytes);
  const startMs = performance.now();
  try {
    const locate = openGeo({ country: path, asn: path, city: path });
    for (const ip of IPS) {
      const { country = 'XX', asn = 1, organisation = 'x', city = 'x' } = locate(ip) ?? {};
      expect(country).toMatch(/^[A-Z]{2}$/);
      expect(Number.isInteger(asn)).toBe(true);
      for (const name of [organisation, city]) expect(name.length > 0 && name.length <= 200 && !/[\p{Cc}\p{Cs}]/u.test(name)).toBe(true);
    }
  } catch (error) {
    if (!(error instanceof GeoError)) throw error;
    expect(error.code).toMatch(/^ERR_GEO_FILE_/);
  }
  expect(performance.now() - startMs).toBeLessThan(1_000);
}

describe('a damaged MMDB', () => {
  it('is an error or gives less, cut off anywhere', () => {
    for (let length = 0; length < sound.length; length += process.env['SLOW'] === '1' ? 1 : 7) expectBounded(sound.subarray(0, length));
  });

  it('is an error or gives less, with any bytes changed', () => {
    fc.assert(fc.property(fc.array(fc.record({ at: fc.nat(sound.length - 1), to: fc.nat(255) }), { minLength: 1, maxLength: 20 }), (changes) => {
      const bytes = Uint8Array.from(sound);
      for (const { at, to } of changes) bytes[at] = to;
      expectBounded(bytes);
    }), { numRuns });
  });

  it('is an error or gives less, with any data in it', () => {
    const noise = fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.array(fc.constantFrom(0x20, 0x28, 0x38, 0xe1, 0xff, 0, 4, 1, 0x42), { maxLength: 300 }).map((bytes) => Uint8Array.from(bytes)));
    fc.assert(fc.property(noise, (data) => {
      expectBounded(encodeMmdb({ networks: [['', { country_code: 'NL' }]], data }));
    }), { numRuns });
  });

  it('is an error or gives less, with any metadata', () => {
    const head = sound.subarray(0, sound.lastIndexOf('MaxMind.com') + 11);
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (metadata) => expectBounded(Buffer.concat([head, metadata]))), { numRuns });
  });

  it('is an error or gives less, where it is a real one', () => {
    const real = readFileSync(createRequire(import.meta.url).resolve('@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country-ipv4.mmdb'));
    for (let at = 1_000; at < real.length; at += 300_000) real[at] = 0xff;
    expectBounded(real);
  });
});

describe('an MMDB made to harm', () => {
  const locate = (data: Uint8Array): unknown => {
    const startMs = performance.now();
    const place = openGeo({ city: writeMmdb(path, { networks: [['', '']], data }), country: false })('193.0.6.139');
    expect(performance.now() - startMs).toBeLessThan(500);
    return place;
  };
  const key = encode('city');

  it('cannot run in a circle', () => {
    expect(locate(pointer(0))).toBeUndefined();
    expect(locate(Buffer.concat([control(7, 1), key, pointer(0)]))).toBeUndefined();
    expect(locate(Buffer.concat([control(11, 1), pointer(0)]))).toBeUndefined();
  });

  it('cannot unfold', () => {
    // Each list holds the one before it twenty times: 20^12 values in 500 bytes.
    const lists: Buffer[] = [encode('x')];
    let at = 0;
    for (let level = 0; level < 12; level++) {
      const start = lists.reduce((sum, part) => sum + part.length, 0);
      lists.push(Buffer.concat([control(11, 20), ...Array.from({ length: 20 }, () => pointer(at))]));
      at = start;
    }
    const before = Buffer.concat(lists);
    const jump = Buffer.concat([control(7, 1), key, pointer(at + 6)]);
    expect(locate(Buffer.concat([jump, Buffer.alloc(Math.max(0, 6 - jump.length)), before]))).toBeUndefined();
  });

  it('cannot claim more than it has', () => {
    for (const type of [2, 4, 7, 11]) expect(locate(Buffer.from(type <= 7 ? [type * 32 + 31, 255, 255, 255] : [31, type - 7, 255, 255, 255]))).toBeUndefined();
    expect(locate(Buffer.concat([control(7, 1), key, control(2, 200)]))).toBeUndefined();
  });

  it('cannot go down without end', () => {
    expect(locate(Buffer.concat(Array.from({ length: 5_000 }, () => control(11, 1))))).toBeUndefined();
  });

  it('cannot name a member of every object', () => {
    expect(locate(encode({ ['__proto__']: { country_code: 'NL' }, constructor: 'x', city: { names: { en: 'A' } } }))).toMatchObject({ city: 'A' });
    expect(({} as Record<string, unknown>)['country_code']).toBeUndefined();
  });
});
