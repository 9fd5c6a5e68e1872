import { HASH_SIZE, decodeUtf8Strict, edgeLevels, encodeUtf8, parseBase64, parseVerifierKey, type VerifierKey } from '@indelible/tlog';
import { isSignature } from './seal-line.ts';
import { isTime } from './time.ts';

/** Why a segment was closed. */
export type CloseReason = 'full' | 'torn' | 'foreign' | 'io_error' | 'key_changed';

/** How the segment before ended. */
export interface PreviousSegment {
  readonly segment: number;
  /** Valid bytes; what stands behind them is dead. */
  readonly length: number;
  readonly dead: number;
  /** SHA-256 of the dead bytes, base64. */
  readonly digest: string;
  readonly reason: CloseReason;
}

/** A segment header whose signature by its own `key` holds; whether that key may sign is another question. */
export interface SegmentHeader {
  readonly origin: string;
  readonly segment: number;
  /** SHA-256 of log.json, base64. */
  readonly log: string;
  readonly key: VerifierKey;
  readonly time: string;
  readonly size: number;
  readonly edge: readonly Uint8Array[];
  readonly prev?: PreviousSegment;
  /** Note of the last seal before this segment; absent where `size` is 0. */
  readonly seal?: string;
  /** Bytes of the header line with its LF: where the segment's body begins. */
  readonly byteLength: number;
}

type HeaderJson = {
  readonly origin: string;
  readonly segment: number;
  readonly log: string;
  readonly key: string;
  readonly time: string;
  readonly size: number;
  readonly edge: readonly string[];
  readonly prev?: PreviousSegment;
  readonly seal?: string;
  readonly sig: string;
};

const HEADER_PREFIX = '{"indelible":"segment","v":1,';
const SIGNED_PREFIX = 'indelible/segment/v1\n';
const REASONS: ReadonlySet<string> = new Set<CloseReason>(['full', 'torn', 'foreign', 'io_error', 'key_changed']);
const DIGEST_BYTES = 32;
const SIGNATURE_BYTES = 64;

/**
 * Returns the header in `line` (without its LF), or undefined where it is incomplete, misspelt, or not signed by the key it names.
 *
 * @see docs/spec/record.md §4
 */
export function openSegmentHeader(line: Uint8Array): SegmentHeader | undefined {
  try {
    const text = decodeUtf8Strict(line);
    if (!text.startsWith(HEADER_PREFIX)) return undefined;
    const json = JSON.parse(text) as HeaderJson;
    const unsigned = formatUnsigned(json);
    if (`${unsigned},"sig":${JSON.stringify(json.sig)}}` !== text) return undefined;
    const key = parseVerifierKey(json.key);
    if (!isWellFormed(json) || key.name !== json.origin) return undefined;
    parseBase64(json.log, DIGEST_BYTES);
    const edge = json.edge.map((hash) => parseBase64(hash, HASH_SIZE));
    if (edge.length !== edgeLevels(json.size).length) return undefined;
    if (!isSignature(key, encodeUtf8(SIGNED_PREFIX + unsigned), parseBase64(json.sig, SIGNATURE_BYTES))) return undefined;
    const { origin, segment, log, time, size, prev, seal } = json;
    return {
      ...{ origin, segment, log, key, time, size, edge, byteLength: line.length + 1 },
      ...(prev === undefined ? {} : { prev }),
      ...(seal === undefined ? {} : { seal }),
    };
  } catch {
    // The strict parsers throw on whatever is not in form: then it is no header.
    return undefined;
  }
}

/** The header as a writer would spell it, up to the signature. */
function formatUnsigned({ origin, segment, log, key, time, size, edge, prev, seal }: HeaderJson): string {
  const previous =
    prev === undefined ? {} : { prev: { segment: prev.segment, length: prev.length, dead: prev.dead, digest: prev.digest, reason: prev.reason } };
  const sealed = seal === undefined ? {} : { seal };
  return JSON.stringify({ indelible: 'segment', v: 1, origin, segment, log, key, time, size, edge, ...previous, ...sealed }).slice(0, -1);
}

function isWellFormed({ origin, segment, time, size, prev, seal }: HeaderJson): boolean {
  if (typeof origin !== 'string' || !isCount(segment) || !isTime(time) || !isCount(size)) return false;
  // Segment 0 has no predecessor, all others have one; a seal precedes exactly the segments that do not begin an empty tree.
  if ((segment === 0) !== (prev === undefined) || (segment === 0 && size !== 0)) return false;
  if ((size === 0) !== (seal === undefined) || (seal !== undefined && typeof seal !== 'string')) return false;
  return prev === undefined || isPreviousSegment(prev, segment);
}

function isPreviousSegment({ segment, length, dead, digest, reason }: PreviousSegment, successor: number): boolean {
  if (![segment, length, dead].every(isCount) || segment >= successor || !REASONS.has(reason)) return false;
  parseBase64(digest, DIGEST_BYTES);
  return true;
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
