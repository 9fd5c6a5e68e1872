import { checkTrustProxy, clientAddress, parseAddress, SessionError, type TrustProxy } from '@indelible/session';
import { describe, expect, it } from 'vitest';

const PROXIES = ['10.0.0.0/8', '2001:db8:ffff::/48'];
const forwardedFor = (value: string | string[]): Record<string, string | string[]> => ({ 'x-forwarded-for': value });
const forwarded = (value: string | string[]): Record<string, string | string[]> => ({ forwarded: value });
const ip = (socketAddress: string | undefined, headers: Record<string, string | string[] | undefined>, trust: TrustProxy): string | undefined =>
  clientAddress({ socketAddress, headers }, trust).ip;

describe('clientAddress without a policy', () => {
  it('believes no header', () => {
    const headers = { ...forwardedFor('198.51.100.7'), ...forwarded('for=198.51.100.8'), 'x-real-ip': '198.51.100.9' };
    expect(clientAddress({ socketAddress: '203.0.113.5', headers }, false)).toEqual({ ip: '203.0.113.5', socketAddress: '203.0.113.5', trusted: false });
    expect(clientAddress({ socketAddress: '203.0.113.5', headers }, 0).trusted).toBe(false);
    expect(clientAddress({ headers }, false)).toEqual({ ip: undefined, trusted: false });
  });

  it('believes no header of a stranger, with a policy that names others', () => {
    expect(clientAddress({ socketAddress: '203.0.113.5', headers: forwardedFor('198.51.100.7') }, PROXIES))
      .toEqual({ ip: '203.0.113.5', socketAddress: '203.0.113.5', trusted: false });
    expect(ip(undefined, forwardedFor('198.51.100.7'), PROXIES)).toBeUndefined();
  });
});

describe('clientAddress by addresses of proxies', () => {
  it.each([
    ['one proxy', '198.51.100.7', '198.51.100.7'],
    ['two proxies', '198.51.100.7, 10.0.0.2', '198.51.100.7'],
    ['what the client wrote before its own address', '1.2.3.4, 198.51.100.7, 10.0.0.2', '198.51.100.7'],
    ['a client that calls itself a proxy', '10.9.9.9, 198.51.100.7', '198.51.100.7'],
    ['proxies only', '10.0.0.3, 10.0.0.2', '10.0.0.3'],
    ['no blanks, empty elements and tabs', ',,198.51.100.7,,\t10.0.0.2 ,', '198.51.100.7'],
    ['an IPv4 port', '198.51.100.7:51034', '198.51.100.7'],
    ['bare IPv6', '2001:DB8:0:0::7', '2001:db8::7'],
    ['IPv6 in brackets', '[2001:db8::7]', '2001:db8::7'],
    ['IPv6 with port', '[2001:db8::7]:443', '2001:db8::7'],
    ['an IPv6 proxy', '198.51.100.7, 2001:db8:ffff::1', '198.51.100.7'],
    ['IPv4 in IPv6', '::ffff:198.51.100.7', '198.51.100.7'],
    ['IPv4 in IPv6, in hexadecimal, a proxy', '198.51.100.7, ::ffff:0a00:0002', '198.51.100.7'],
    ['a zone', 'fe80::1%eth0', 'fe80::1'],
    ['unknown next to us', '198.51.100.7, unknown', '10.0.0.1'],
    ['garbage behind a proxy', '198.51.100.7, <script>, 10.0.0.2', '10.0.0.2'],
    ['leading zeros', '010.000.000.002', '10.0.0.1'],
    ['numbers of other kinds', '0x7f000001', '10.0.0.1'],
    ['a port too long', '198.51.100.7:123456', '10.0.0.1'],
    ['brackets left open', '[2001:db8::7', '10.0.0.1'],
    ['IPv4 in brackets', '[198.51.100.7]', '10.0.0.1'],
    ['a name', 'client.example', '10.0.0.1'],
    ['nothing', '', '10.0.0.1'],
  ])('X-Forwarded-For: %s', (_, value, expected) => {
    expect(ip('10.0.0.1', forwardedFor(value), PROXIES)).toBe(expected);
    expect(ip('::ffff:10.0.0.1', forwardedFor(value), PROXIES)).toBe(expected);
  });

  it.each([
    ['one proxy', 'for=198.51.100.7', '198.51.100.7'],
    ['parameters in any order and case', 'proto=https;FOR=198.51.100.7;by=10.0.0.1', '198.51.100.7'],
    ['two proxies', 'for=1.2.3.4, for=198.51.100.7;proto=http, for=10.0.0.2', '198.51.100.7'],
    ['quoted IPv6 and port', 'for="[2001:db8:cafe::17]:4711"', '2001:db8:cafe::17'],
    ['an obfuscated port', 'for="198.51.100.7:_port"', '198.51.100.7'],
    ['quoted with an escape', String.raw`for="198.51.100.\7"`, '198.51.100.7'],
    ['a comma in quotes', 'for=198.51.100.7;host="a, for=6.6.6.6"', '198.51.100.7'],
    ['an escaped quote in quotes', String.raw`for=198.51.100.7;host="a\", for=6.6.6.6, \""`, '198.51.100.7'],
    ['a quote that the client left open', 'for="1.2.3.4, for=198.51.100.7', '198.51.100.7'],
    ['a quote that the client left open, two proxies', 'for="6.6.6.6, for=198.51.100.7, for=10.0.0.2', '198.51.100.7'],
    ['unknown', 'for=1.2.3.4, for=unknown', '10.0.0.1'],
    ['obfuscated', 'for=1.2.3.4, for=_hidden', '10.0.0.1'],
    ['obfuscated behind a proxy', 'for=1.2.3.4, for=_SEVKISEK, for=10.0.0.2', '10.0.0.2'],
    ['no for', 'for=1.2.3.4, proto=https', '10.0.0.1'],
    ['for given twice', 'for=198.51.100.7;for=1.2.3.4', '10.0.0.1'],
    ['not a pair', '198.51.100.7', '10.0.0.1'],
    ['an empty value', 'for=""', '10.0.0.1'],
    ['garbage behind the value', 'for=198.51.100.7 x', '10.0.0.1'],
  ])('Forwarded: %s', (_, value, expected) => {
    expect(ip('10.0.0.1', forwarded(value), PROXIES)).toBe(expected);
  });

  it('reads repeated headers as one, in their order', () => {
    expect(ip('10.0.0.1', forwardedFor(['1.2.3.4, 198.51.100.7', '10.0.0.2']), PROXIES)).toBe('198.51.100.7');
    expect(ip('10.0.0.1', forwarded(['for=1.2.3.4', 'for=198.51.100.7', 'for=10.0.0.2']), PROXIES)).toBe('198.51.100.7');
    expect(ip('10.0.0.1', { 'X-Forwarded-For': '198.51.100.7' }, PROXIES)).toBe('198.51.100.7');
    expect(ip('10.0.0.1', { 'x-forwarded-for': undefined }, PROXIES)).toBe('10.0.0.1');
  });

  it('reads the headers of the web', () => {
    const headers = new Headers({ 'X-Forwarded-For': '1.2.3.4' });
    headers.append('x-forwarded-for', '198.51.100.7');
    expect(clientAddress({ socketAddress: '10.0.0.1', headers }, PROXIES)).toEqual({ ip: '198.51.100.7', socketAddress: '10.0.0.1', trusted: true });
  });

  it('runs no inherited header', () => {
    const headers = Object.create({ 'x-forwarded-for': '1.2.3.4' }) as Record<string, string>;
    expect(ip('10.0.0.1', headers, PROXIES)).toBe('10.0.0.1');
  });
});

describe('clientAddress by the number of proxies', () => {
  it.each([
    [1, '198.51.100.7'],
    [2, '1.2.3.4'],
    [3, '5.6.7.8'],
    [9, '5.6.7.8'],
  ])('%i', (hops, expected) => {
    const headers = forwardedFor('5.6.7.8, 1.2.3.4, 198.51.100.7');
    expect(ip('10.0.0.1', headers, hops)).toBe(expected);
    // On a Unix socket and in a function nobody knows the other end, and yet it is the first proxy.
    expect(clientAddress({ headers }, hops)).toEqual({ ip: expected, trusted: true });
  });

  it('counts a proxy that did not name the one before it', () => {
    expect(ip('10.0.0.1', forwardedFor('1.2.3.4, 198.51.100.7, unknown'), 2)).toBe('198.51.100.7');
    expect(ip('10.0.0.1', forwardedFor('1.2.3.4, unknown, 198.51.100.7'), 2)).toBe('198.51.100.7');
    expect(clientAddress({ socketAddress: '10.0.0.1', headers: forwardedFor('unknown') }, 1)).toMatchObject({ ip: '10.0.0.1', trusted: false });
  });
});

describe('clientAddress with both headers', () => {
  const headers = { ...forwardedFor('198.51.100.7'), ...forwarded('for=203.0.113.9') };

  it('takes the one that proxies write, unless told', () => {
    expect(ip('10.0.0.1', headers, 1)).toBe('198.51.100.7');
    expect(ip('10.0.0.1', headers, { proxies: 1, header: 'x-forwarded-for' })).toBe('198.51.100.7');
    expect(ip('10.0.0.1', headers, { proxies: PROXIES, header: 'forwarded' })).toBe('203.0.113.9');
  });

  it('never falls back on the other one, once told', () => {
    expect(ip('10.0.0.1', forwarded('for=203.0.113.9'), { proxies: 1, header: 'x-forwarded-for' })).toBe('10.0.0.1');
    expect(ip('10.0.0.1', forwardedFor('198.51.100.7'), { proxies: 1, header: 'forwarded' })).toBe('10.0.0.1');
  });
});

describe('clientAddress with hostile headers', () => {
  it.each([
    ['commas', ','.repeat(100_000)],
    ['blanks', ' '.repeat(100_000)],
    ['quotes', '"'.repeat(100_000)],
    ['backslashes and quotes', '\\"'.repeat(50_000)],
    ['backslashes', `${'\\'.repeat(100_000)}"`],
    ['semicolons', ';'.repeat(100_000)],
    ['one long address', '1'.repeat(100_000)],
    ['many proxies', '10.0.0.2,'.repeat(11_000)],
    ['many elements', 'for=10.0.0.2,'.repeat(8_000)],
    ['a long element', `for="${'a'.repeat(100_000)}"`],
    ['blanks between quotes', `for=1.2.3.4${' ;'.repeat(50_000)}`],
  ])('100 kB of %s take no time', (_, value) => {
    for (const headers of [forwardedFor(value), forwarded(value)]) {
      const startMs = performance.now();
      const found = clientAddress({ socketAddress: '10.0.0.1', headers }, PROXIES);
      expect(performance.now() - startMs).toBeLessThan(100);
      expect(found.ip).toMatch(/^10\.0\.0\.[12]$/);
    }
  });

  it('finds the client behind what it sent', () => {
    expect(ip('10.0.0.1', forwardedFor(`${'x'.repeat(100_000)}, 198.51.100.7`), PROXIES)).toBe('198.51.100.7');
    expect(ip('10.0.0.1', forwarded(`${'"\\'.repeat(50_000)}, for=198.51.100.7`), PROXIES)).toBe('198.51.100.7');
  });

  it('gives no text that is not an address, not even as the other end', () => {
    for (const socketAddress of ['x'.repeat(1_000), 'fe80::1%'.padEnd(300, 'a'), '', 'localhost', '/run/app.sock']) {
      expect(clientAddress({ socketAddress, headers: {} }, false)).toEqual({ ip: undefined, trusted: false });
    }
    expect(clientAddress({ socketAddress: 7 as unknown as string, headers: { 'x-forwarded-for': 7 as unknown as string } }, 1).ip).toBeUndefined();
  });
});

describe('a policy', () => {
  it.each([
    [true], [null], [undefined], ['10.0.0.0/8'], [{ proxies: true, header: 'forwarded' }], [{ proxies: 1 }], [{ proxies: 1, header: 'x-real-ip' }],
    [-1], [1.5], [Number.NaN], [33], [['10.0.0.0/33']], [['10.0.0.0/']], [['10.0.0.0/8/8']], [['10.0.0.0/ 8']], [['::/129']], [['0.0.0.0/0']], [['::/0']],
    [['proxy.example']], [['']], [[7]], [['fe80::1%eth0']], [['::ffff:10.0.0.0/95']],
  ])('%j is refused, at the start and at each request', (trust) => {
    for (const use of [() => checkTrustProxy(trust as TrustProxy), () => clientAddress({ headers: {} }, trust as TrustProxy)]) {
      expect(use).toThrow(SessionError);
      expect(use).toThrow(expect.objectContaining({ code: 'ERR_SESSION_TRUST_INVALID' }) as Error);
    }
  });

  it.each([[false], [0], [2], [[]], [['127.0.0.1', '::1', '10.0.0.0/8', 'fd00::/8', '::ffff:10.0.0.0/104']], [{ proxies: 1, header: 'forwarded' }]])('%j is taken', (trust) => {
    expect(() => checkTrustProxy(trust as TrustProxy)).not.toThrow();
  });

  it('takes IPv4 in IPv6 as IPv4', () => {
    expect(ip('10.0.0.1', forwardedFor('198.51.100.7'), ['::ffff:10.0.0.0/104'])).toBe('198.51.100.7');
    expect(ip('10.0.0.1', forwardedFor('198.51.100.7'), ['::ffff:10.0.0.1'])).toBe('198.51.100.7');
    expect(ip('11.0.0.1', forwardedFor('198.51.100.7'), ['::ffff:10.0.0.0/104'])).toBe('11.0.0.1');
  });
});

describe('parseAddress', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'], ['2001:DB8::0001', '2001:db8::1'], ['::ffff:192.0.2.1', '192.0.2.1'], ['0:0:0:0:0:ffff:c000:0201', '192.0.2.1'],
    ['::1', '::1'], ['fe80::1%eth0', 'fe80::1'], ['192.0.2.1 ', undefined], ['192.0.2', undefined], ['[::1]', undefined], [undefined, undefined],
  ])('%s is %s', (text, expected) => {
    expect(parseAddress(text)).toBe(expected);
  });
});
