import { isIPv4, isIPv6 } from 'node:net';

/** An address as numbers of 32 bits: one for IPv4, four for IPv6. */
export type AddressWords = readonly number[];

/**
 * The numbers of an address that is public, as everybody on the internet sees it; `undefined` for any other text.
 *
 * IPv4 inside IPv6 (mapped, or behind NAT64) counts as that IPv4 address. Private, shared, loopback, link-local, documentation,
 * benchmarking, multicast and reserved addresses belong nowhere, and tunnelled ones (Teredo, 6to4) do not where they seem to.
 *
 * @see RFC 6890 and the IANA special-purpose address registries
 */
export function publicAddress(text: string): AddressWords | undefined {
  if (isIPv4(text)) return publicV4(wordOf(text));
  if (!isIPv6(text) || text.includes('%')) return undefined;
  const words = wordsOf(text);
  const [w0 = 0, w1 = 0, w2 = 0, w3 = 0] = words;
  if (w0 === 0 && w1 === 0 && w2 === 0xffff) return publicV4(w3);
  if (w0 === 0x0064ff9b && w1 === 0 && w2 === 0) return publicV4(w3);
  const isUnicast = w0 >= 0x20000000 && w0 <= 0x3fffffff;
  return isUnicast && !RESERVED_V6.some(([first, last]) => w0 >= first && w0 <= last) ? words : undefined;
}

function publicV4(word: number): AddressWords | undefined {
  for (const [first, last] of RESERVED_V4) if (word >= first && word <= last) return undefined;
  return [word];
}

const DOT = 0x2e;
const ZERO = 0x30;

/** First and last number of the ranges that are not the internet's. */
const RESERVED_V4: readonly (readonly [number, number])[] = [
  ['0.0.0.0', '0.255.255.255'], // this network, RFC 791
  ['10.0.0.0', '10.255.255.255'], // private, RFC 1918
  ['100.64.0.0', '100.127.255.255'], // shared by carriers, RFC 6598
  ['127.0.0.0', '127.255.255.255'], // loopback, RFC 1122
  ['169.254.0.0', '169.254.255.255'], // link-local, RFC 3927
  ['172.16.0.0', '172.31.255.255'], // private, RFC 1918
  ['192.0.0.0', '192.0.0.255'], // protocol assignments, RFC 6890
  ['192.0.2.0', '192.0.2.255'], // documentation, RFC 5737
  ['192.88.99.0', '192.88.99.255'], // 6to4 relays, RFC 7526
  ['192.168.0.0', '192.168.255.255'], // private, RFC 1918
  ['198.18.0.0', '198.19.255.255'], // benchmarking, RFC 2544
  ['198.51.100.0', '198.51.100.255'], // documentation, RFC 5737
  ['203.0.113.0', '203.0.113.255'], // documentation, RFC 5737
  ['224.0.0.0', '255.255.255.255'], // multicast and reserved, RFC 1112
].map(([first = '', last = '']) => [wordOf(first), wordOf(last)]);

/** By the first 32 bits, within 2000::/3. */
const RESERVED_V6: readonly (readonly [number, number])[] = [
  [0x20010000, 0x200101ff], // protocol assignments, Teredo, ORCHID: 2001::/23, RFC 2928
  [0x20010db8, 0x20010db8], // documentation, RFC 3849
  [0x20020000, 0x2002ffff], // 6to4, RFC 3056
  [0x3fff0000, 0x3fff0fff], // documentation, RFC 9637
];

/** Of a text that is known to be IPv4. By hand, three times as fast as splitting: an application that starts looks up every login of its record. */
function wordOf(text: string): number {
  let word = 0;
  let part = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === DOT) {
      word = word * 256 + part;
      part = 0;
    } else part = part * 10 + code - ZERO;
  }
  return word * 256 + part;
}

/** Of a text that is known to be IPv6. */
function wordsOf(text: string): number[] {
  const [head = '', tail] = text.split('::');
  const before = groupsOf(head);
  const after = tail === undefined ? [] : groupsOf(tail);
  const groups = [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
  return [0, 2, 4, 6].map((at) => (groups[at] ?? 0) * 0x10000 + (groups[at + 1] ?? 0));
}

function groupsOf(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number(`0x${group}`)];
    const word = wordOf(group);
    return [Math.floor(word / 0x10000), word % 0x10000];
  });
}
