import { decodeUtf8Strict, encodeUtf8, parseVerifierKey } from '@indelible/tlog';
import { LogError } from '../error.ts';
import { checkOrigin } from './origin.ts';

/** Name of the file that says what a log is; written once. */
export const LOG_FILE = 'log.json';

/** The log that this one follows, where that could not go on. */
export interface After {
  readonly origin: string;
  /** The note of the last seal of the old log that could be verified, or an empty string if none could. */
  readonly seal: string;
  readonly reason: string;
  readonly findings: readonly string[];
}

/** Contents of log.json (docs/spec/record.md §2). */
export interface LogFile {
  readonly origin: string;
  /** The genesis key, a C2SP verifier key whose name is the origin. */
  readonly key: string;
  /** RFC 3339 UTC, milliseconds. */
  readonly created: string;
  readonly after?: After;
}

/** The bytes of log.json. */
export function encodeLogFile(file: LogFile): Uint8Array {
  const after =
    file.after === undefined
      ? {}
      : { after: { origin: file.after.origin, seal: file.after.seal, reason: file.after.reason, findings: file.after.findings } };
  return encodeUtf8(`${JSON.stringify({ indelible: 'log', v: 1, origin: file.origin, key: file.key, created: file.created, ...after })}\n`);
}

/**
 * Reads log.json.
 *
 * @throws LogError `ERR_LOG_FILE_INVALID` unless it is, to the byte, what `encodeLogFile` writes.
 */
export function decodeLogFile(bytes: Uint8Array): LogFile {
  try {
    const value = JSON.parse(decodeUtf8Strict(bytes)) as { v: number; indelible: string } & LogFile;
    if (value.indelible !== 'log') throw new Error('it is not the description of a log');
    if (value.v !== 1) throw new Error(`it has format version ${String(value.v)}; this release reads version 1`);
    if (parseVerifierKey(value.key).name !== value.origin) throw new Error('the name of its key is not its origin');
    checkOrigin(value.origin);
    const again = encodeLogFile(value);
    if (again.length !== bytes.length || again.some((byte, at) => byte !== bytes[at])) throw new Error('it is not in its exact form');
    return value;
  } catch (cause) {
    throw new LogError('ERR_LOG_FILE_INVALID', `${LOG_FILE} cannot be used: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}
