import { networkPrefix } from '@indelible/session';
import fc from 'fast-check';
import { expect, it } from 'vitest';

it.each([
  ['198.51.100.7', '198.51.100.0/24'],
  ['0.0.0.0', '0.0.0.0/24'],
  ['255.255.255.255', '255.255.255.0/24'],
  ['::ffff:198.51.100.7', '198.51.100.0/24'],
  ['::ffff:c633:6407', '198.51.100.0/24'],
  ['0:0:0:0:0:ffff:198.51.100.7', '198.51.100.0/24'],
  ['2001:db8:1:2::3', '2001:db8:1::/48'],
  ['2001:db8::1', '2001:db8::/48'],
  ['2001:db8:0:ffff::1', '2001:db8::/48'],
  ['2001:0:5::', '2001:0:5::/48'],
  ['fe80::1%eth0', 'fe80::/48'],
  ['::1', '::/48'],
  ['ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'ffff:ffff:ffff::/48'],
])('%s is in %s', (ip, network) => {
  expect(networkPrefix(ip)).toBe(network);
});

it.each(['', 'unknown', '1.2.3', '1.2.3.4.5', '256.1.1.1', '1.2.3.4 ', ':', ':::', '2001:db8', 'g::1', '1.2.3.4:80', '[::1]'])('%j is no address', (text) => {
  expect(networkPrefix(text)).toBeUndefined();
});

it('two addresses share a network exactly when their first bits are the same', () => {
  fc.assert(
    fc.property(fc.ipV4(), fc.ipV4(), (a, b) => {
      const first = (ip: string): string => ip.split('.').slice(0, 3).join('.');
      expect(networkPrefix(a) === networkPrefix(b)).toBe(first(a) === first(b));
    }),
  );
});

it('is never at a loss for an address', () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (ip) => {
      expect(networkPrefix(ip)).toMatch(/^(?:\d+\.\d+\.\d+\.0\/24|[0-9a-f:]*::\/48)$/);
    }),
  );
});
