import { BlockList, isIPv4, isIPv6 } from 'node:net';
import { SessionError } from './error.ts';

/**
 * Which proxies are believed when they say for whom they ask.
 *
 * - `false`: none; the client is the other end of the connection, whatever the headers say.
 * - a number: the last so many, the other end of the connection being the first. Only where nobody can go around them.
 * - a list of addresses and ranges, such as `['10.0.0.0/8', '2001:db8::1']`: those.
 * - `{ proxies, header }`: one of the above, and the only header that they write.
 */
export type TrustProxy =
  | false
  | number
  | readonly string[]
  | { readonly proxies: number | readonly string[]; readonly header: 'x-forwarded-for' | 'forwarded' };

/** One can count on one's own proxies; who needs more than this has mistaken a port for a number of hops. */
const MAX_HOPS = 32;

/** A compiled list, and its last answers: a check of a BlockList takes microseconds, and the same addresses come again. */
interface Proxies {
  readonly list: BlockList;
  readonly answers: Map<string, boolean>;
}

/** As many answers are kept; then they are all forgotten, so that visitors cannot fill the memory. */
const MAX_ANSWERS = 4_096;

// A list is checked and compiled once, not once a request.
const compiled = new WeakMap<readonly string[], Proxies>();

/**
 * Checks a policy when the application starts rather than at the first request.
 *
 * @throws SessionError `ERR_SESSION_TRUST_INVALID`, with the value that is wrong.
 */
export function checkTrustProxy(trust: TrustProxy): void {
  if (trustedHops(trust) === undefined) trustsAddress(trust, '127.0.0.1', 0);
}

/** How many proxies `trust` believes by their number, or `undefined` where it goes by their addresses. */
export function trustedHops(trust: TrustProxy): number | undefined {
  const proxies = proxiesOf(trust);
  if (typeof proxies !== 'number') return undefined;
  if (!Number.isInteger(proxies) || proxies < 0 || proxies > MAX_HOPS) {
    throw invalid(`trustProxy is ${proxies}: the number of proxies in front of the application must be a whole number from 0 to ${MAX_HOPS}`);
  }
  return proxies;
}

/** Whether `trust` believes what `address`, at this many hops from us, says about the one before it. */
export function trustsAddress(trust: TrustProxy, address: string | undefined, hop: number): boolean {
  const proxies = proxiesOf(trust);
  if (typeof proxies === 'number') return hop < proxies;
  let known = compiled.get(proxies);
  if (known === undefined) compiled.set(proxies, (known = { list: compile(proxies), answers: new Map() }));
  if (address === undefined) return false;
  let answer = known.answers.get(address);
  if (answer === undefined) {
    answer = known.list.check(address, isIPv4(address) ? 'ipv4' : 'ipv6');
    if (known.answers.size >= MAX_ANSWERS) known.answers.clear();
    known.answers.set(address, answer);
  }
  return answer;
}

function proxiesOf(trust: TrustProxy): number | readonly string[] {
  if (trust === false) return 0;
  if (typeof trust === 'number' || Array.isArray(trust)) return trust as number | readonly string[];
  const named = trust as Exclude<TrustProxy, false | number | readonly string[]> | null | undefined | boolean;
  if (typeof named === 'object' && named !== null && (named.header === 'x-forwarded-for' || named.header === 'forwarded')) {
    if (typeof named.proxies === 'number' || Array.isArray(named.proxies)) return named.proxies;
  }
  const hint = (trust as unknown) === true ? ': believing every sender would let any client choose its address; give the number of your proxies' : '';
  throw invalid(`trustProxy must be false, a number, a list of addresses and ranges, or { proxies, header }${hint}`);
}

function compile(proxies: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of proxies) {
    const [address = '', digits, ...more] = typeof range === 'string' ? range.split('/') : [];
    const mapped = /^::ffff:([0-9.]+)$/i.exec(address)?.[1] ?? '';
    const family = isIPv4(address) || isIPv4(mapped) ? 'ipv4' : 'ipv6';
    const bits = family === 'ipv4' ? 32 : 128;
    const prefix = (digits === undefined ? (mapped === '' ? bits : 128) : /^[0-9]{1,3}$/.test(digits) ? Number(digits) : NaN) - (mapped === '' ? 0 : 96);
    const known = family === 'ipv4' || (isIPv6(address) && !address.includes('%'));
    if (!known || more.length > 0 || !(prefix >= 1 && prefix <= bits)) {
      const hint = prefix === 0 ? ': a range of every address would let any client choose its own; give the number of your proxies' : '';
      throw invalid(`trustProxy names ${JSON.stringify(String(range).slice(0, 60))}, which is no address or range such as 10.0.0.0/8${hint}`);
    }
    list.addSubnet(mapped === '' ? address : mapped, prefix, family);
  }
  return list;
}

function invalid(message: string): SessionError {
  return new SessionError('ERR_SESSION_TRUST_INVALID', message);
}
