import { readdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { KEY_TYPE_ED25519, parseVerifierKey, type VerifierKey } from '@indelible/tlog';
import { VerifyError, systemCode, throwIfAborted, unreadable } from './error.ts';
import { parseKeptSeal, type KeptSeal } from './kept-seal.ts';
import { parseSegmentName } from './record/segment-name.ts';
import { verifyRecord } from './record/verify-record.ts';
import type { Report } from './report.ts';
import { directoryTiles, httpTiles } from './tiles/tile-source.ts';
import { verifyTiles } from './tiles/verify-tiles.ts';

/** How to verify a log. */
export interface VerifyOptions {
  /** The log's key, a C2SP vkey, from a source that the caller trusts. Without it nothing is called sound. */
  readonly key?: string;
  /** A seal kept elsewhere (the text of its note): the log must continue it. */
  readonly since?: string;
  /** Where that seal was kept, for the report. */
  readonly sinceAt?: string;
  /** The writer's pin (the text of its note): the log must continue it too. */
  readonly pin?: string;
  /** Threads to hash with; all cores by default. The result does not depend on it. */
  readonly cores?: number;
  /** Called now and then with the bytes done and the bytes that there are. */
  readonly onProgress?: (done: number, totalBytes: number) => void;
  readonly signal?: AbortSignal;
}

/**
 * Verifies a log and reports what is proven. Every entry is hashed again and every signature verified; nothing that can be derived
 * is trusted.
 *
 * Bad evidence is a finding in the report. An error is thrown only where it cannot be told: a caller's mistake, or a source that
 * cannot be read.
 *
 * @param source - A record directory (with log.json or segments), a directory of C2SP tiles (with `checkpoint`), or the http(s)
 * URL of tiles, without user name, query and fragment. A directory that holds both is a record.
 * @throws VerifyError
 * @see docs/spec/record.md, C2SP tlog-tiles v0.1.0
 */
export async function verifyLog(source: string | URL, options: VerifyOptions = {}): Promise<Report> {
  const { cores = availableParallelism(), onProgress, signal } = options;
  if (!Number.isSafeInteger(cores) || cores < 1) {
    throw new VerifyError('ERR_VERIFY_OPTION_INVALID', `option cores is ${String(cores)}, not a positive whole number`);
  }
  throwIfAborted(signal);
  const key = options.key === undefined ? undefined : parseLogKey(options.key);
  const settings = { key, kept: keptSeals(options), cores, onProgress, signal };
  const url = httpUrl(source);
  if (url !== undefined) return verifyTiles(httpTiles(url, signal), settings);
  const directory = pathOf(source);
  const kind = await kindOf(directory);
  return kind === 'record' ? verifyRecord(directory, settings) : verifyTiles(directoryTiles(directory), settings);
}

/** Reads the key of a log that the caller gave. */
export function parseLogKey(text: string): VerifierKey {
  try {
    const key = parseVerifierKey(text);
    if (key.type === KEY_TYPE_ED25519) return key;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new VerifyError('ERR_VERIFY_KEY_INVALID', `option key is not a verifier key: ${reason}. Give the line that \`indelible init\` printed`, { cause });
  }
  throw new VerifyError('ERR_VERIFY_KEY_INVALID', 'option key is the key of a cosigner, not of a log');
}

function keptSeals({ since, sinceAt, pin }: VerifyOptions): KeptSeal[] {
  return [
    ...(since === undefined ? [] : [parseKeptSeal(since, sinceAt === undefined ? 'kept elsewhere' : `kept at ${sinceAt}`)]),
    ...(pin === undefined ? [] : [parseKeptSeal(pin, 'in the pin')]),
  ];
}

function httpUrl(source: string | URL): URL | undefined {
  const text = source instanceof URL ? source.href : source;
  if (!/^https?:\/\//i.test(text)) return undefined;
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    // Neither the text nor the cause, which holds it: there may be a password in it.
    throw new VerifyError('ERR_VERIFY_SOURCE_UNKNOWN', 'the source begins like an http(s) URL but is none: check its host and port');
  }
  const refuse = (what: string): VerifyError =>
    new VerifyError('ERR_VERIFY_SOURCE_UNKNOWN', `cannot verify ${maskUrl(url)}: a URL of tiles has no ${what}. Give the address without it, or verify a copy of the tiles`);
  if (url.username !== '' || url.password !== '') throw refuse('user name or password');
  if (url.search !== '' || text.includes('?')) throw refuse('query');
  if (url.hash !== '') throw refuse('fragment');
  return url;
}

/** A URL for messages: what may be a secret is left out. */
function maskUrl({ protocol, username, password, host, pathname, search }: URL): string {
  return `${protocol}//${username === '' && password === '' ? '' : '***@'}${host}${pathname}${search === '' ? '' : '?***'}`;
}

function pathOf(source: string | URL): string {
  if (!(source instanceof URL)) return source;
  if (source.protocol === 'file:') return fileURLToPath(source);
  throw new VerifyError('ERR_VERIFY_SOURCE_UNKNOWN', `cannot verify ${maskUrl(source)}: give a directory or an http(s) URL`);
}

async function kindOf(directory: string): Promise<'record' | 'tiles'> {
  let names: string[] = [];
  try {
    names = await readdir(directory);
  } catch (cause) {
    if (systemCode(cause) !== 'ENOENT') throw unreadable(directory, cause);
  }
  // Segments without log.json are a record that lost it. Tiles beside them must not draw the attention away from what they hold.
  if (names.some((name) => name === 'log.json' || parseSegmentName(name) !== undefined)) return 'record';
  if (names.includes('checkpoint') || names.includes('tile')) return 'tiles';
  throw new VerifyError('ERR_VERIFY_SOURCE_UNKNOWN', `${directory} is neither a record (log.json) nor a directory of tiles (checkpoint): check the path`);
}
