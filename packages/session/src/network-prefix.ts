import { isIPv6 } from 'node:net';

/** Above every IPv4 network, which is 24 bits; an IPv6 network is 48 bits more. Together they stay far below 2^53. */
const IPV6_BASE = 2 ** 48;
const DOTTED = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/;
const MAPPED_GROUPS = 6;
const DOT = 46;
const ZERO = 48;

/**
 * The network of an address as text: its /24 for IPv4, its /48 for IPv6. Undefined for what is no address.
 *
 * That is about what one household, office or mobile carrier's gateway keeps while single addresses change: two addresses of one
 * network are no news, two networks may be. IPv4 within IPv6 (RFC 4291 §2.5.5.2) counts as IPv4.
 */
export function networkPrefix(ip: string): string | undefined {
  const key = networkKey(ip);
  return key === undefined ? undefined : formatNetwork(key);
}

/** The same as a number below 2^49, which costs eight bytes to keep. */
export function networkKey(ip: string): number | undefined {
  return ip.includes(':') ? ipv6Key(ip) : ipv4Key(ip);
}

/** A network as text, from its number. */
export function formatNetwork(key: number): string {
  if (key < IPV6_BASE) return `${Math.floor(key / 65_536)}.${Math.floor(key / 256) % 256}.${key % 256}.0/24`;
  const bits = key - IPV6_BASE;
  const groups = [Math.floor(bits / 2 ** 32), Math.floor(bits / 65_536) % 65_536, bits % 65_536];
  while (groups.at(-1) === 0) groups.pop(); // RFC 5952 §4.2: the longest run of zeros is the one at the end
  return `${groups.map((group) => group.toString(16)).join(':')}::/48`;
}

function ipv4Key(ip: string): number | undefined {
  const number = ipv4Number(ip);
  return number < 0 ? undefined : Math.floor(number / 256);
}

/** An IPv4 address as a number, or -1 for what is none. Strict: a leading zero would be octal to some and decimal to others. */
export function ipv4Number(ip: string): number {
  let number = 0;
  let part = -1;
  let dots = 0;
  for (let i = 0; i < ip.length; i++) {
    const code = ip.charCodeAt(i);
    if (code === DOT) {
      if (part < 0 || ++dots > 3) return -1;
      number = number * 256 + part;
      part = -1;
    } else {
      if (code < ZERO || code > ZERO + 9 || part === 0) return -1;
      part = part < 0 ? code - ZERO : part * 10 + code - ZERO;
      if (part > 255) return -1;
    }
  }
  return dots === 3 && part >= 0 ? number * 256 + part : -1;
}

function ipv6Key(ip: string): number | undefined {
  if (!isIPv6(ip)) return undefined;
  const bare = ip.split('%')[0]!;
  const [head = '', tail] = bare.split('::');
  const left = groupsOf(head);
  const right = tail === undefined ? [] : groupsOf(tail);
  const groups = [...left, ...Array.from({ length: 8 - left.length - right.length }, () => 0), ...right];
  const zeros = groups.slice(0, MAPPED_GROUPS - 1).every((group) => group === 0);
  if (zeros && groups[MAPPED_GROUPS - 1] === 0xffff) {
    return groups[6]! * 256 + Math.floor(groups[7]! / 256); // the first 24 of the 32 bits
  }
  return IPV6_BASE + groups[0]! * 2 ** 32 + groups[1]! * 65_536 + groups[2]!;
}

/** The groups of one side of `::`; a dotted end is two of them. The text was checked by `isIPv6`. */
function groupsOf(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    const dotted = DOTTED.exec(group);
    if (dotted === null) return [Number(`0x${group}`)];
    const [a, b, c, d] = [Number(dotted[1]), Number(dotted[2]), Number(dotted[3]), Number(dotted[4])];
    return [a * 256 + b, c * 256 + d];
  });
}
