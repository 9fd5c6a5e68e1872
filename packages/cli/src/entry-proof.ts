import { readFileSync, statSync } from 'node:fs';
import { encodeUtf8 } from '@indelible/tlog';
import { CliError, usageError } from './error.ts';

const MAX_BYTES = 1_048_576;

/** A proof of one entry, and the entry. */
export interface EntryProof {
  /** The text of a C2SP tlog-proof. */
  readonly proof: string;
  readonly entry: Uint8Array;
}

/**
 * Reads what `indelible prove` wrote: a .tlog-proof, with the entry in another file, or its JSON, which has both. Undefined where
 * `path` is no such file.
 *
 * @throws CliError `ERR_CLI_USAGE` where the entry is missing, `ERR_CLI_INPUT_INVALID` for JSON of another kind.
 */
export function readEntryProof(path: string, entryPath: string | undefined): EntryProof | undefined {
  const text = readSmallFile(path);
  if (text === undefined) return undefined;
  if (text.startsWith('c2sp.org/tlog-proof@')) {
    if (entryPath === undefined) throw usageError(`${path} proves an entry that it does not hold: give the file with its line, --entry FILE`, 'verify');
    const entry = readSmallFile(entryPath);
    if (entry === undefined) throw new CliError('ERR_CLI_INPUT_INVALID', `${entryPath} is not a file that holds one entry`);
    return { proof: text, entry: encodeUtf8(entry.replace(/\r?\n$/, '')) };
  }
  const object = parseObject(text);
  if (object === undefined) return undefined;
  const { tlogProof, entry } = object;
  if (typeof tlogProof !== 'string' || typeof entry !== 'string') {
    throw new CliError('ERR_CLI_INPUT_INVALID', `${path} is JSON without tlogProof and entry: give what \`indelible prove --json\` printed`);
  }
  return { proof: tlogProof, entry: encodeUtf8(entry) };
}

function readSmallFile(path: string): string | undefined {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats?.isFile() === true && stats.size <= MAX_BYTES ? readFileSync(path, 'utf8') : undefined;
}

function parseObject(text: string): Record<string, unknown> | undefined {
  if (!text.startsWith('{')) return undefined;
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
