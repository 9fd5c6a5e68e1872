import { clientAddress, parseAddress } from '@indelible/session';
import fc from 'fast-check';
import { isIP } from 'node:net';
import { describe, expect, it } from 'vitest';

const numRuns = process.env['SLOW'] === '1' ? 10_000 : 100;
const address = fc.oneof(fc.ipV4(), fc.ipV6());
const outsider = address.filter((text) => parseAddress(text)?.startsWith('10.') === false);
const proxy = fc.ipV4().map((text) => text.replace(/^\d+/, '10'));
const hostile = fc.oneof(fc.string({ unit: 'binary', maxLength: 200 }), fc.string({ unit: fc.constantFrom('"', ',', ';', '=', '\\', '[', ']', ':', '.', 'f', 'o', '1', '%', '_', ' ', '\t'), maxLength: 200 }), address);
const PROXIES = ['10.0.0.0/8'];

/** As a proxy writes it: IPv6 in quotes and brackets. */
function element(text: string): string {
  return text.includes(':') ? `for="[${text}]"` : `for=${text}`;
}

describe('clientAddress', () => {
  it('gives an address in its one form or nothing, whatever comes', () => {
    fc.assert(fc.property(hostile, fc.array(hostile), fc.array(hostile), fc.constantFrom(false as const, 1, 3, PROXIES), (socketAddress, one, two, trust) => {
      const { ip } = clientAddress({ socketAddress, headers: { 'x-forwarded-for': one, forwarded: two } }, trust);
      if (ip === undefined) return;
      expect(isIP(ip)).not.toBe(0);
      expect(ip.length).toBeLessThanOrEqual(45);
      expect(parseAddress(ip)).toBe(ip);
    }), { numRuns });
  });

  it('finds who reached our proxies, whatever it wrote before', () => {
    fc.assert(fc.property(hostile, outsider, fc.array(proxy, { maxLength: 5 }), (lies, client, proxies) => {
      const expected = { ip: parseAddress(client), socketAddress: '10.0.0.1', trusted: true };
      const list = `${lies},${[client, ...proxies].join(', ')}`;
      expect(clientAddress({ socketAddress: '10.0.0.1', headers: { 'x-forwarded-for': list } }, PROXIES)).toEqual(expected);
      expect(clientAddress({ socketAddress: '10.0.0.1', headers: { 'x-forwarded-for': list } }, proxies.length + 1)).toEqual(expected);
      const elements = `${lies},${[client, ...proxies].map(element).join(', ')}`;
      expect(clientAddress({ socketAddress: '10.0.0.1', headers: { forwarded: elements } }, PROXIES)).toEqual(expected);
      expect(clientAddress({ socketAddress: '10.0.0.1', headers: { forwarded: elements } }, proxies.length + 1)).toEqual(expected);
    }), { numRuns });
  });

  it('lets no header move an address that no policy vouches for', () => {
    fc.assert(fc.property(outsider, hostile, hostile, (socketAddress, one, two) => {
      const headers = { 'x-forwarded-for': one, forwarded: two };
      for (const trust of [false as const, 0, PROXIES]) {
        expect(clientAddress({ socketAddress, headers }, trust)).toEqual({ ip: parseAddress(socketAddress), socketAddress: parseAddress(socketAddress), trusted: false });
      }
    }), { numRuns });
  });
});
