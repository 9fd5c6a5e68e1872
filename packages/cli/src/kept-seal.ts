import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { CliError } from './error.ts';

const TAIL_BYTES = 65_536;

/** A seal that was kept, and where. */
export interface KeptNote {
  readonly note: string;
  /** The file it came from; undefined where the text itself was given. */
  readonly file?: string;
}

/**
 * Reads a seal that somebody kept: the text of the note, a file that holds it (`indelible seal`, a checkpoint, a pin), or a file
 * with one JSON string a line (`sealTo`), of which the last counts. Its worth is for the verifier to judge.
 *
 * @throws CliError `ERR_CLI_INPUT_INVALID` for a file of anything else; system errors where it cannot be read.
 */
export function readKeptSeal(given: string): KeptNote {
  if (given.includes('\n')) return { note: given };
  const { text, isWhole } = readTail(given);
  if (!text.trimStart().startsWith('"') && isWhole) return { note: text, file: given };
  for (const line of text.trimEnd().split('\n').toReversed()) {
    const note = parseJsonString(line);
    if (note !== undefined) return { note, file: given };
  }
  throw new CliError('ERR_CLI_INPUT_INVALID', `${given} holds no seal: give the text that \`indelible seal\` prints, or a file that sealTo writes`);
}

function readTail(path: string): { text: string; isWhole: boolean } {
  const fd = openSync(path, 'r');
  try {
    const { size } = fstatSync(fd);
    const bytes = Buffer.alloc(Math.min(size, TAIL_BYTES));
    const count = readSync(fd, bytes, 0, bytes.length, size - bytes.length);
    return { text: bytes.toString('utf8', 0, count), isWhole: size <= TAIL_BYTES };
  } finally {
    closeSync(fd);
  }
}

function parseJsonString(line: string): string | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined; // cut off: the line before it counts
  }
}
