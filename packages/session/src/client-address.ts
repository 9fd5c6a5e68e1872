import { isIPv4, isIPv6, SocketAddress } from 'node:net';
import { readForwarded, readForwardedFor } from './forwarded-header.ts';
import { trustedHops, trustsAddress, type TrustProxy } from './trust-proxy.ts';

/** The parts of a request that say where it came from; `request.headers` of Node or the `Headers` of the web. */
export interface AddressedRequest {
  /** The other end of the connection, `request.socket.remoteAddress`; unknown on a Unix socket and in a serverless function. */
  readonly socketAddress?: string | undefined;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>> | Headers;
}

/** The answer of {@link clientAddress}. */
export interface ClientAddress {
  /** The farthest address on the way that is vouched for, in its shortest form; never what a stranger merely claims. */
  readonly ip: string | undefined;
  /** The other end of the connection, where it is known. */
  readonly socketAddress?: string;
  /** Whether `ip` was read from a header, because `trust` vouches for who wrote it. */
  readonly trusted: boolean;
}

/** Longest text that can be an address: 45 characters of IPv6, a zone, brackets and a port. */
const MAX_NODE_CHARACTERS = 128;

/** What stands before an IPv4 address in an IPv6 one (RFC 4291, section 2.5.5.2). */
const MAPPED = '::ffff:';

/** More proxies than this in a row are not a deployment but an attack on whoever reads the header. */
const MAX_STEPS = 64;

/**
 * The address of the client, read from the connection and, as far as `trust` goes, from `X-Forwarded-For` or `Forwarded`.
 *
 * Reads from the proxy next to us outwards and stops at the first address that is not trusted to name the one before it. What
 * is no address (`unknown`, `_hidden`, garbage) ends the search: `ip` is then the last one known. `X-Forwarded-For` is used
 * where it is there, else `Forwarded`; `trust` may name one of the two, and MUST where the proxies write `Forwarded` and pass on
 * what a client sent as the other. IPv4 in IPv6 becomes IPv4, ports and zones go. Linear in what is read; never more than 45 characters.
 *
 * @throws SessionError `ERR_SESSION_TRUST_INVALID` for a policy that is none.
 * @see RFC 7239, sections 4 to 6 and 8.1
 */
export function clientAddress(request: AddressedRequest, trust: TrustProxy): ClientAddress {
  const socketAddress = parseAddress(request.socketAddress);
  const at = socketAddress === undefined ? {} : { socketAddress };
  const hops = trustedHops(trust);
  let ip = socketAddress;
  let trusted = false;
  if (hops === 0 || !trustsAddress(trust, ip, 0)) return { ip, ...at, trusted };
  let step = 0;
  for (const node of readNodes(request.headers, headerOf(trust))) {
    step++;
    const address = parseNode(node);
    if (address !== undefined) {
      ip = address;
      trusted = true;
    } else if (hops === undefined) {
      break;
    }
    if (step >= (hops ?? MAX_STEPS) || !trustsAddress(trust, ip, step)) break;
  }
  return { ip, ...at, trusted };
}

/**
 * An address in the one form that the record uses: IPv4, or the shortest lower-case IPv6, without zone.
 *
 * `undefined` for what is not an address, of whatever type.
 *
 * @see RFC 5952
 */
export function parseAddress(text: string | undefined): string | undefined {
  if (typeof text !== 'string' || text.length > MAX_NODE_CHARACTERS) return undefined;
  if (isIPv4(text)) return text;
  // What a socket that listens on both families gives for every IPv4 client; the general way costs 20 times as much.
  if (text.startsWith(MAPPED) && isIPv4(text.slice(MAPPED.length))) return text.slice(MAPPED.length);
  if (!isIPv6(text)) return undefined;
  const zone = text.indexOf('%');
  const address = new SocketAddress({ family: 'ipv6', address: zone < 0 ? text : text.slice(0, zone) }).address;
  const mapped = address.startsWith(MAPPED) ? address.slice(MAPPED.length) : '';
  return isIPv4(mapped) ? mapped : address;
}

function headerOf(trust: TrustProxy): 'x-forwarded-for' | 'forwarded' | undefined {
  return typeof trust === 'object' && 'header' in trust ? trust.header : undefined;
}

function readNodes(headers: AddressedRequest['headers'], only: 'x-forwarded-for' | 'forwarded' | undefined): Iterable<string> {
  const forwardedFor = only === 'forwarded' ? [] : linesOf(headers, 'x-forwarded-for');
  if (forwardedFor.length > 0) return readForwardedFor(forwardedFor);
  return only === 'x-forwarded-for' ? [] : readForwarded(linesOf(headers, 'forwarded'));
}

/** The lines of a header in their order. Node and the web give lower-case names; what an event of a cloud function holds may not be. */
function linesOf(headers: AddressedRequest['headers'], name: string): readonly string[] {
  if (headers instanceof Headers) return lines(headers.get(name));
  if (Object.hasOwn(headers, name)) return lines(headers[name]);
  return Object.keys(headers).filter((key) => key.toLowerCase() === name).flatMap((key) => lines(headers[key]));
}

function lines(value: unknown): readonly string[] {
  const all: readonly unknown[] = Array.isArray(value) ? value : [value];
  return all.filter((line) => typeof line === 'string');
}

/** The address of a node: bare, or IPv4 with a port, or IPv6 in brackets with or without one. */
function parseNode(node: string): string | undefined {
  if (node.length > MAX_NODE_CHARACTERS) return undefined;
  if (node.startsWith('[')) {
    const close = node.indexOf(']');
    const inner = node.slice(1, Math.max(close, 1));
    return isIPv6(inner) && isPort(node.slice(close + 1)) ? parseAddress(inner) : undefined;
  }
  const colon = node.indexOf(':');
  if (colon >= 0 && isIPv4(node.slice(0, colon))) return isPort(node.slice(colon)) ? node.slice(0, colon) : undefined;
  return parseAddress(node);
}

/** Nothing, or a colon and the digits or the obfuscated name of a port (RFC 7239, section 6.2). */
function isPort(text: string): boolean {
  return text === '' || /^:(?:[0-9]{1,5}|_[\w.-]+)$/.test(text);
}
