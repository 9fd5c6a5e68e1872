import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { RecordReader, Seal } from '@indelible/log';
import { checkConsistency, equalBytes, parseCheckpoint, parseNote, type Checkpoint } from '@indelible/tlog';
import { CliError } from './error.ts';
import { formatEntries } from './quantity.ts';

const MAX_SEAL_BYTES = 65_536;
/** A busy writer derives the hashes of what it has sealed some milliseconds later. */
const CACHE_LAG_MS = 100;

/** A seal that an earlier run put into a file. */
export interface SealInFile {
  readonly file: string;
  readonly note: string;
  readonly checkpoint: Checkpoint;
}

/**
 * Reads the seal that is in a file which is to be replaced; undefined where there is no file, or an empty one.
 *
 * @throws CliError `ERR_CLI_INPUT_INVALID` where the file holds anything else than a seal of the log `origin`.
 */
export function readSealFile(file: string, origin: string): SealInFile | undefined {
  const stats = statSync(file, { throwIfNoEntry: false });
  if (stats === undefined) return undefined;
  if (!stats.isFile()) throw new CliError('ERR_CLI_INPUT_INVALID', `${file} is not a file: name a file with --out, or leave --out away to print the seal`);
  if (stats.size === 0) return undefined;
  const note = stats.size > MAX_SEAL_BYTES ? '' : readFileSync(file, 'utf8');
  const checkpoint = parseSeal(note);
  if (checkpoint === undefined) throw new CliError('ERR_CLI_INPUT_INVALID', `${file} holds something else than a seal, and is left as it is: name another file with --out`);
  if (checkpoint.origin !== origin) {
    throw new CliError('ERR_CLI_INPUT_INVALID', `${file} holds a seal of the log ${JSON.stringify(checkpoint.origin)}, not of ${JSON.stringify(origin)}, and is left as it is: name another file with --out`);
  }
  return { file, note, checkpoint };
}

/**
 * Checks that the newest seal continues the one in the file, whose signature is not asked for: what counts is its root. The proof
 * comes from the cache and is checked against both roots; where the cache cannot give it, every entry is hashed again.
 *
 * @throws CliError `ERR_CLI_SEAL_CONFLICT`, exit status 1.
 * @see RFC 6962 §2.1.4
 */
export async function checkContinues(kept: SealInFile, newest: Seal, reader: RecordReader, directory: string): Promise<void> {
  const { treeSize, rootHash } = kept.checkpoint;
  if (treeSize > newest.treeSize) throw conflict(kept, directory, `the log now has ${formatEntries(newest.treeSize)}, the seal kept in ${kept.file} is over ${formatEntries(treeSize)}`);
  const otherRoot = `at ${formatEntries(treeSize)} the log now has another root than the seal kept in ${kept.file}`;
  if (treeSize === newest.treeSize) {
    if (equalBytes(rootHash, newest.rootHash)) return;
    throw conflict(kept, directory, otherRoot);
  }
  if (await isProven(kept.checkpoint, newest, reader)) return;
  const { verifyLog } = await import('@indelible/verify'); // seldom needed here
  const { verdict, claim, findings } = await verifyLog(directory, { since: kept.note, sinceAt: kept.file });
  if (verdict !== 'not_sound') return;
  const isRewritten = findings.some(({ code }) => code === 'history_rewritten');
  throw conflict(kept, directory, isRewritten ? otherRoot : `the log does not show that it continues the seal kept in ${kept.file} (${claim})`);
}

async function isProven({ treeSize, rootHash }: Checkpoint, newest: Seal, reader: RecordReader): Promise<boolean> {
  for (let attempt = 0; attempt < 2; attempt++) {
    if (attempt > 0) await new Promise((done) => setTimeout(done, CACHE_LAG_MS));
    try {
      const proof = await reader.proveConsistency(treeSize, newest.treeSize);
      checkConsistency({ oldSize: treeSize, oldRoot: rootHash, newSize: newest.treeSize, newRoot: newest.rootHash, proof });
      return true;
    } catch {
      // The cache is missing, behind or wrong, or it is another history: the entries decide.
    }
  }
  return false;
}

function conflict({ file }: SealInFile, directory: string, why: string): CliError {
  return new CliError('ERR_CLI_SEAL_CONFLICT', `${why}: ${file} is left as it is; run \`indelible verify ${directory} --since ${resolve(file)}\``, { exit: 1 });
}

function parseSeal(note: string): Checkpoint | undefined {
  try {
    return parseCheckpoint(parseNote(note).text);
  } catch {
    return undefined;
  }
}
