import { decodeUtf8Strict, ed25519Verify, encodeUtf8, formatBase64, parseBase64, parseVerifierKey } from '@indelible/tlog';

/** A segment header is one line of at most this many bytes: 53 edge hashes, two keys and a note fit well. */
export const MAX_HEADER_BYTES = 65_536;

const DOMAIN = 'indelible/segment/v1\n';
const SIG_FIELD = ',"sig":"';

/** Why the segment before was closed. */
export type CloseReason = 'full' | 'torn' | 'foreign' | 'io_error' | 'key_changed';

/** How the segment before ended, as its successor states it. */
export interface PreviousSegment {
  readonly segment: number;
  /** How many bytes of it are valid. */
  readonly length: number;
  /** How many bytes stood behind them. */
  readonly dead: number;
  /** SHA-256 of those, base64. */
  readonly digest: string;
  readonly reason: CloseReason;
}

/** A segment header, without its signature (docs/spec/record.md §4). */
export interface SegmentHeader {
  readonly origin: string;
  readonly segment: number;
  /** SHA-256 of log.json, base64. */
  readonly log: string;
  /** The verifier key that signs this segment. */
  readonly key: string;
  readonly time: string;
  /** Tree size at the start of the segment. */
  readonly size: number;
  /** Right edge of the tree at that size, base64, largest subtree first. */
  readonly edge: readonly string[];
  readonly prev?: PreviousSegment;
  /** The note of the last seal before this segment. */
  readonly seal?: string;
}

function formatUnsigned(header: SegmentHeader): string {
  const { origin, segment, log, key, time, size, edge, prev, seal } = header;
  const joins =
    prev === undefined
      ? {}
      : { prev: { segment: prev.segment, length: prev.length, dead: prev.dead, digest: prev.digest, reason: prev.reason } };
  const text = JSON.stringify({
    indelible: 'segment',
    v: 1,
    origin,
    segment,
    log,
    key,
    time,
    size,
    edge,
    ...joins,
    ...(seal === undefined ? {} : { seal }),
  });
  return text.slice(0, -1);
}

/** The signed header line, with its LF. */
export async function signSegmentHeader(header: SegmentHeader, sign: (message: Uint8Array) => Promise<Uint8Array>): Promise<Uint8Array> {
  const text = formatUnsigned(header);
  const signature = await sign(encodeUtf8(DOMAIN + text));
  return encodeUtf8(`${text}${SIG_FIELD}${formatBase64(signature)}"}\n`);
}

/**
 * Reads a header line (without its LF) and checks its signature by the key it names; whether that key may sign is the
 * caller's question. Returns undefined for anything else: such a file is no segment.
 */
export async function openSegmentHeader(line: Uint8Array): Promise<SegmentHeader | undefined> {
  try {
    const text = decodeUtf8Strict(line);
    if (!text.startsWith('{"indelible":"segment","v":1,')) return undefined;
    const value = JSON.parse(text) as SegmentHeader & { sig: string };
    if (`${formatUnsigned(value)}${SIG_FIELD}${value.sig}"}` !== text) return undefined;
    const key = parseVerifierKey(value.key);
    if (key.name !== value.origin || !Number.isSafeInteger(value.size) || !Number.isSafeInteger(value.segment)) return undefined;
    const signed = encodeUtf8(DOMAIN + formatUnsigned(value));
    return (await ed25519Verify(key.publicKey, signed, parseBase64(value.sig, 64))) ? value : undefined;
  } catch {
    return undefined;
  }
}
