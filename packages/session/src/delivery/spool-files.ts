import { open, readdir, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from './send-batch.ts';
import { looksLikeLine, type SpoolCodec, type SpoolHeader, type SpoolLine } from './spool-line.ts';

/** A file of the spool. */
export interface SpoolFile {
  readonly number: number;
  readonly name: string;
  readonly path: string;
  /** How many of its bytes were durable when they were acknowledged; the reader goes no further. */
  end: number;
  /** Nothing is written to it any more. */
  closed: boolean;
  /** The number of its first event, as its header says. */
  first: number | undefined;
  /** It holds bytes that are no line of the spool: it is kept, under another name. */
  damaged: boolean;
  /** How far it was read, and the last number up to there. */
  read: number;
  last: number;
  /** How many of its lines were read, do not count in `last`, and wait to be delivered. */
  strays: number;
}

/** A piece of a file that is no line of the spool. */
export interface Damage {
  readonly offset: number;
  readonly bytes: number;
  /** `torn`: the end of a file that a write did not finish. `changed`: it was a line once. `foreign`: it never was. */
  readonly kind: 'torn' | 'changed' | 'foreign';
}

/** What was read. */
export interface Pieces {
  readonly pieces: readonly (SpoolLine | SpoolHeader | Damage)[];
  /** Where to read on. */
  readonly offset: number;
}

/** Small enough that checking the lines in it does not hold up the application for long. */
const CHUNK_BYTES = 1 << 19;
/** The header and the longest line that there can be. */
const HEAD_BYTES = 1 << 17;

/** Makes the record of a file of this number. */
export function spoolFile(directory: string, number: number): SpoolFile {
  const name = `${String(number).padStart(6, '0')}.ndjson`;
  return { number, name, path: join(directory, name), end: 0, closed: false, first: undefined, damaged: false, read: 0, last: 0, strays: 0 };
}

/** The files that an earlier process left, in order. */
export async function listSpoolFiles(directory: string, codec: SpoolCodec): Promise<SpoolFile[]> {
  const numbers = (await readdir(directory)).filter((name) => /^[0-9]{6,15}\.ndjson$/.test(name)).map((name) => Number(name.slice(0, -'.ndjson'.length)));
  const files: SpoolFile[] = [];
  for (const number of numbers.sort((a, b) => a - b)) {
    const file = spoolFile(directory, number);
    file.end = (await stat(file.path)).size;
    file.closed = true;
    const head = (await readPieces(file, 0, codec, HEAD_BYTES)).pieces.find((piece) => !('kind' in piece));
    if (head !== undefined) file.first = 'first' in head ? head.first : 'seq' in head ? head.seq : undefined;
    files.push(file);
  }
  return files;
}

/** Reads lines from an offset on, about half a megabyte of them. At the end of the file there are none. */
export async function readPieces(file: SpoolFile, offset: number, codec: SpoolCodec, chunkBytes: number = CHUNK_BYTES): Promise<Pieces> {
  const bytes = await readChunk(file, offset, chunkBytes);
  const pieces: (SpoolLine | SpoolHeader | Damage)[] = [];
  let at = 0;
  while (at < bytes.length) {
    const newline = bytes.indexOf(10, at);
    const atEnd = offset + bytes.length >= file.end;
    if (newline < 0 && !atEnd && at > 0) break; // the rest of the line is in the next chunk
    const end = newline < 0 ? bytes.length : newline;
    const line = bytes.toString('utf8', at, end);
    const piece = codec.parseLine(line) ?? (offset + at === 0 ? codec.parseHeader(line) : undefined);
    if (piece !== undefined) pieces.push(piece);
    else pieces.push({ offset: offset + at, bytes: end - at, kind: newline < 0 && atEnd ? 'torn' : looksLikeLine(line) ? 'changed' : 'foreign' }, ...salvage(line, codec));
    at = newline < 0 ? end : end + 1;
  }
  return { pieces, offset: offset + at };
}

/** The lines within a damaged one: behind text that had no newline at its end, or around a newline that is none any more. */
function salvage(line: string, codec: SpoolCodec): SpoolLine[] {
  const starts = [...line.matchAll(/\{"seq":[1-9]/g)].map(({ index }) => index).slice(0, 1_000);
  const found: SpoolLine[] = [];
  for (const [i, start] of starts.entries()) {
    const part = line.slice(start, starts[i + 1]);
    const whole = codec.parseLine(part) ?? codec.parseLine(part.slice(0, part.lastIndexOf('}') + 1));
    if (whole !== undefined) found.push(whole);
  }
  return found;
}

async function readChunk(file: SpoolFile, offset: number, chunkBytes: number): Promise<Buffer> {
  const length = Math.min(chunkBytes, file.end - offset);
  if (length <= 0) return Buffer.alloc(0);
  const handle = await openIfThere(file.path);
  if (handle === undefined) return Buffer.alloc(0);
  try {
    const bytes = Buffer.allocUnsafe(length);
    let filled = 0;
    while (filled < length) {
      const { bytesRead } = await handle.read(bytes, filled, length - filled, offset + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return bytes.subarray(0, filled);
  } finally {
    await handle.close();
  }
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
