import { GeoError, openGeo } from '@indelible/geo';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { bitsOf, encodeMmdb, writeMmdb } from './support/write-mmdb.ts';

const directory = mkdtempSync(join(tmpdir(), 'indelible-geo-'));
const file = (name: string): string => join(directory, name);
afterAll(() => rmSync(directory, { recursive: true }));

const countries = createRequire(import.meta.url).resolve('@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb');

describe('openGeo with the default data', () => {
  const locate = openGeo();

  it.each([
    ['193.0.6.139', 'NL'], // the registry of Europe
    ['133.11.0.1', 'JP'], // the University of Tokyo
    ['200.160.2.3', 'BR'], // the registry of Brazil
    ['::ffff:193.0.6.139', 'NL'],
    ['::FFFF:c100:068b', 'NL'],
    ['64:ff9b::193.0.6.139', 'NL'],
    ['2001:67c:2e8:22::c100:68b', 'NL'],
    ['2001:067C:02E8:0022:0000:0000:C100:068B', 'NL'],
  ])('%s is in %s, and the data are named', (ip, country) => {
    expect(locate(ip)).toEqual({ country, source: expect.stringMatching(/^geo-whois-asn-country 20\d\d-\d\d-\d\d$/) as string });
  });

  it.each([
    '0.0.0.0', '10.1.2.3', '100.64.0.1', '127.0.0.1', '169.254.1.1', '172.16.0.1', '172.31.255.255', '192.0.0.8', '192.0.2.1', '192.168.1.1', '198.18.0.1', '198.51.100.7',
    '203.0.113.9', '224.0.0.1', '240.0.0.1', '255.255.255.255', '::', '::1', '::ffff:10.0.0.1', '::193.0.6.139', '64:ff9b::10.0.0.1', '64:ff9b:1::1', '100::1', '2001::1', '2001:db8::1',
    '2002:c100:68b::1', '3fff::1', 'fc00::1', 'fd12:3456::1', 'fe80::1', 'fe80::1%eth0', 'ff02::1', '4000::1',
  ])('%s belongs nowhere', (ip) => {
    expect(locate(ip)).toBeUndefined();
  });

  it.each([['172.15.255.255'], ['172.32.0.1'], ['192.0.1.1'], ['198.17.255.255'], ['198.20.0.1'], ['223.255.254.1']])('%s, beside what belongs nowhere, is somewhere', (ip) => {
    expect(locate(ip)?.country).toMatch(/^[A-Z]{2}$/);
  });

  it('takes any text for an address that is not there', () => {
    for (const ip of ['', 'localhost', '193.0.6', '193.0.6.139 ', '193.0.6.139:80', '[2001:67c:2e8::1]', '1'.repeat(100_000), 'unknown', 7, null, undefined, {}]) {
      expect(locate(ip as string)).toBeUndefined();
    }
  });

  it('answers in microseconds', () => {
    const ips = Array.from({ length: 20_000 }, (_, n) => `${(n % 220) + 1}.${(n * 7) % 256}.${(n * 13) % 256}.9`);
    const startMs = performance.now();
    for (const ip of ips) locate(ip);
    // About 2; the limit leaves room for a machine that does other things.
    expect(((performance.now() - startMs) * 1_000) / ips.length).toBeLessThan(50);
  });
});

describe('openGeo with data of one’s own', () => {
  const asn = writeMmdb(file('asn.mmdb'), {
    type: 'GeoLite2-ASN',
    buildSeconds: 1_790_000_000,
    networks: [
      [bitsOf('193.0.0.0/16'), { autonomous_system_number: 3333, autonomous_system_organization: 'RIPE NCC' }],
      [bitsOf('133.0.0.0/8'), { autonomous_system_number: 2501, autonomous_system_organization: `\tThe\nUniversity\u2028${'o'.repeat(200)} ` }],
      [bitsOf('8.8.8.0/24'), { asn: 'AS15169', as_name: 'Google LLC', country: 'us' }],
      [bitsOf('9.9.9.0/24'), { autonomous_system_number: 0, autonomous_system_organization: 'nobody' }],
    ],
  });
  const city = writeMmdb(file('places.mmdb'), {
    type: 'A city database, by hand',
    networks: [
      [bitsOf('193.0.0.0/16'), { city: { names: { de: 'Amsterdam-de', en: 'Amsterdam' } }, country: { iso_code: 'NL', names: { en: 'Netherlands' } }, location: { latitude: 52.37 } }],
      [bitsOf('133.0.0.0/8'), { city: 'Tokyo', country_code: 'jp' }],
      [bitsOf('8.8.0.0/16'), { city: '', country: { iso_code: 'USA' } }],
    ],
  });

  it('says what each data set says, and which these are', () => {
    const locate = openGeo({ country: countries, asn, city });
    expect(locate('193.0.6.139')).toEqual({
      country: 'NL', asn: 3333, organisation: 'RIPE NCC', city: 'Amsterdam',
      source: expect.stringMatching(/^geo-whois-asn-country 20\d\d-\d\d-\d\d; places 2026-05-28; GeoLite2-ASN 2026-09-21$/) as string,
    });
    expect(locate('8.8.8.8')).toMatchObject({ country: 'US', asn: 15169, organisation: 'Google LLC' });
    expect(locate('8.8.8.8')).not.toHaveProperty('city');
  });

  it('names no data that added nothing', () => {
    expect(openGeo({ asn, city })('193.0.6.139')).toMatchObject({ country: 'NL', source: 'places 2026-05-28; GeoLite2-ASN 2026-09-21' });
    expect(openGeo({ country: false, asn })('9.9.9.9')).toBeUndefined();
    expect(openGeo({ country: false, asn })('193.0.6.139')).toEqual({ asn: 3333, organisation: 'RIPE NCC', source: 'GeoLite2-ASN 2026-09-21' });
  });

  it('makes names fit for a record', () => {
    const organisation = openGeo({ country: false, asn })('133.11.0.1')?.organisation;
    expect(organisation).toMatch(/^The University o+$/);
    expect(organisation).toHaveLength(100);
  });

  it('gives nothing where a data set has another subject', () => {
    expect(openGeo({ country: false, asn: countries })('193.0.6.139')).toBeUndefined();
    expect(openGeo({ country: asn })('193.0.6.139')).toBeUndefined();
    expect(openGeo({ country: false })('193.0.6.139')).toBeUndefined();
  });

  it.each([24, 28, 32] as const)('reads trees of %i bits, of IPv4 and of IPv6', (recordBits) => {
    for (const ipVersion of [4, 6] as const) {
      const networks = [['1.2.0.0/16', 'AA'], ['1.2.3.0/24', 'BB'], ['130.0.0.0/7', 'CC'], ['203.0.112.255/32', 'DD']].map(
        ([network = '', country_code = '']) => [bitsOf(network, ipVersion), { country_code }] as const);
      const locate = openGeo({ country: writeMmdb(file(`tree-${recordBits}-${ipVersion}.mmdb`), { recordBits, ipVersion, networks }) });
      expect(['1.2.0.1', '1.2.3.4', '1.2.4.0', '131.255.0.1', '132.0.0.1', '203.0.112.255', '203.0.112.254', '2a00::1'].map((ip) => locate(ip)?.country))
        .toEqual(['AA', 'BB', 'AA', 'CC', undefined, 'DD', undefined, undefined]);
    }
  });

  it('reads a database whose one record is for everybody', () => {
    const locate = openGeo({ country: writeMmdb(file('all.mmdb'), { networks: [['', { country_code: 'AQ' }]] }) });
    expect([locate('1.2.3.4')?.country, locate('2a00::1')?.country]).toEqual(['AQ', 'AQ']);
  });
});

describe('openGeo with what cannot be used', () => {
  const sound = encodeMmdb({ networks: [[bitsOf('193.0.0.0/8'), { country_code: 'NL' }]] });
  const write = (name: string, bytes: Uint8Array): string => {
    writeFileSync(file(name), bytes);
    return file(name);
  };
  const made = (name: string, metadata: Record<string, string | number | bigint>): string => writeMmdb(file(name), { networks: [], metadata });

  it.each([
    ['no file', () => file('none.mmdb'), 'ERR_GEO_FILE_UNREADABLE'],
    ['a directory', () => directory, 'ERR_GEO_FILE_UNREADABLE'],
    ['a device', () => '/dev/zero', 'ERR_GEO_FILE_UNREADABLE'],
    ['an empty file', () => write('empty.mmdb', new Uint8Array()), 'ERR_GEO_FILE_DAMAGED'],
    ['another file', () => write('other.mmdb', Buffer.from('{"country":"NL"}')), 'ERR_GEO_FILE_DAMAGED'],
    ['half a file', () => write('half.mmdb', sound.subarray(0, sound.length / 2)), 'ERR_GEO_FILE_DAMAGED'],
    ['metadata alone', () => write('end.mmdb', sound.subarray(sound.lastIndexOf('MaxMind.com') - 3)), 'ERR_GEO_FILE_DAMAGED'],
    ['no metadata behind the mark', () => write('mark.mmdb', sound.subarray(0, sound.lastIndexOf('MaxMind.com') + 11)), 'ERR_GEO_FILE_DAMAGED'],
    ['a tree larger than the file', () => made('tree.mmdb', { node_count: 4_294_967_295 }), 'ERR_GEO_FILE_DAMAGED'],
    ['a tree smaller than it is', () => write('shifted.mmdb', encodeMmdb({ networks: [[bitsOf('193.0.0.0/8'), { country_code: 'NL' }]], metadata: { node_count: 2 } })), 'ERR_GEO_FILE_DAMAGED'],
    ['a number that is a text', () => made('text.mmdb', { node_count: '1' }), 'ERR_GEO_FILE_DAMAGED'],
    ['no date', () => made('date.mmdb', { build_epoch: 2n ** 63n }), 'ERR_GEO_FILE_DAMAGED'],
    ['a later format', () => made('major.mmdb', { binary_format_major_version: 3 }), 'ERR_GEO_FILE_UNSUPPORTED'],
    ['records of 20 bits', () => made('bits.mmdb', { record_size: 20 }), 'ERR_GEO_FILE_UNSUPPORTED'],
    ['IP version 5', () => made('version.mmdb', { ip_version: 5 }), 'ERR_GEO_FILE_UNSUPPORTED'],
    ['an empty path', () => '', 'ERR_GEO_OPTION_INVALID'],
    ['a number', () => 7 as unknown as string, 'ERR_GEO_OPTION_INVALID'],
  ])('%s is refused, in each role', (_, path, code) => {
    for (const role of ['country', 'asn', 'city']) {
      const open = (): unknown => openGeo({ country: false, [role]: path() });
      expect(open).toThrow(GeoError);
      expect(open).toThrow(expect.objectContaining({ code }) as Error);
    }
  });

  it('takes false for a country alone', () => {
    expect(() => openGeo({ asn: false as unknown as string })).toThrow(expect.objectContaining({ code: 'ERR_GEO_OPTION_INVALID' }) as Error);
  });
});
