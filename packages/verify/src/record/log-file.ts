import { decodeUtf8Strict, formatBase64, parseVerifierKey, sha256, type VerifierKey } from '@indelible/tlog';
import { isTime } from './time.ts';

/** What log.json says: nothing of it is trusted by itself. */
export interface LogFile {
  readonly origin: string;
  /** The genesis key, whose name is the origin. */
  readonly key: VerifierKey;
  /** SHA-256 of the file, base64: what every segment header commits to. */
  readonly digest: string;
}

/** The log that a log follows, where that could not go on. */
interface After {
  readonly origin: string;
  readonly seal: string;
  readonly reason: string;
  readonly findings: readonly string[];
}

/** A log.json of another format version: nothing else in it may be interpreted. */
export interface UnknownVersion {
  readonly version: unknown;
}

/**
 * Returns the content of log.json, the version where that is not 1, or in words what is wrong with it.
 *
 * @see docs/spec/record.md §2
 */
export function parseLogFile(bytes: Uint8Array): LogFile | UnknownVersion | string {
  let text: string;
  let value: { readonly indelible?: unknown; readonly v?: unknown; readonly origin: string; readonly key: string; readonly created: string; readonly after?: After };
  try {
    text = decodeUtf8Strict(bytes);
    value = JSON.parse(text) as typeof value;
  } catch {
    return 'it is not JSON in UTF-8';
  }
  if (typeof value !== 'object' || value === null || value.indelible !== 'log') return 'it does not begin with {"indelible":"log"';
  if (value.v !== 1) return { version: value.v };
  const { origin, key: vkey, created, after } = value;
  if ([origin, vkey, created].some((field) => typeof field !== 'string') || !isTime(created)) return 'a field has the wrong form';
  if (after !== undefined && !isAfter(after)) return 'the field "after" has the wrong form';
  const tail = after === undefined ? {} : { after: { origin: after.origin, seal: after.seal, reason: after.reason, findings: after.findings } };
  // One spelling only: what JSON.parse forgives (white space, escapes, duplicate and unknown fields) is a change.
  if (`${JSON.stringify({ indelible: 'log', v: 1, origin, key: vkey, created, ...tail })}\n` !== text) return 'it is not in its exact spelling';
  let key: VerifierKey;
  try {
    key = parseVerifierKey(vkey);
  } catch (error) {
    return `its key is malformed: ${error instanceof Error ? error.message : String(error)}`;
  }
  if (key.name !== origin) return `its key is named ${JSON.stringify(key.name)}, its origin is ${JSON.stringify(origin)}`;
  return { origin, key, digest: formatBase64(sha256(bytes)) };
}

function isAfter(after: After): boolean {
  return (
    typeof after === 'object' &&
    after !== null &&
    [after.origin, after.seal, after.reason].every((field) => typeof field === 'string') &&
    Array.isArray(after.findings) &&
    after.findings.every((finding) => typeof finding === 'string')
  );
}
