import { equalBytes, leafHash } from '@indelible/tlog';
import type { Disk } from '../disk/disk.ts';
import { CONTROL_PREFIX } from '../record/seal-line.ts';
import { formatSegmentName, parseSegmentName } from '../record/segment-name.ts';
import type { Place } from './cache.ts';

const LF = 0x0a;
const WINDOW_BYTES = 1 << 18;
/** How far behind the noted place an entry can be in one file: 64 entries of the largest size, and as much again of foreign bytes. */
const MAX_SCAN_BYTES = 8 << 20;
/** In so many files behind the noted place an entry is looked for: between two segments somebody may have put others. */
const MAX_FILES = 256;
const PREFIX = new TextEncoder().encode(CONTROL_PREFIX);

/** Where entries are and what they hash to, as far as somebody noted it. */
export interface EntryPlaces {
  placeBefore(index: number): (Place & { index: number }) | undefined;
  leafHash(index: number): Uint8Array;
}

/**
 * Reads the bytes of one entry, starting at the nearest noted place. The leaf hash decides which line it is, so that foreign
 * bytes and wrong notes cannot pass for it. Returns undefined where no such line is found: then the cache is wrong.
 */
export async function readSealedEntry(disk: Disk, places: EntryPlaces, index: number): Promise<Uint8Array | undefined> {
  const place = places.placeBefore(index);
  const wanted = places.leafHash(index);
  if (place === undefined || wanted.length === 0) return undefined;
  let skip = index - place.index; // at least so many entries lie before it
  let { segment, offset } = place;
  for (let files = 0; files < MAX_FILES; files++) {
    const name = formatSegmentName(segment);
    let scanned = 0;
    for await (const line of readLines(disk, name, offset)) {
      scanned += line.length + 1;
      if (!startsWith(line, PREFIX)) {
        if (skip > 0) skip--;
        else if (equalBytes(leafHash(line), wanted)) return line.slice();
      }
      if (scanned > MAX_SCAN_BYTES) break; // nothing but foreign bytes up to the end of this segment
    }
    const following = await nextFile(disk, segment);
    if (following === undefined) return undefined;
    segment = following;
    offset = 0;
  }
  return undefined;
}

/** The next number that a regular file has; anything else of such a name is no segment. */
async function nextFile(disk: Disk, segment: number): Promise<number | undefined> {
  const numbers = (await disk.list()).map(parseSegmentName).filter((number) => number !== undefined);
  for (const number of numbers.sort((a, b) => a - b)) {
    if (number > segment && (await disk.size(formatSegmentName(number))) !== undefined) return number;
  }
  return undefined;
}

async function* readLines(disk: Disk, name: string, from: number): AsyncGenerator<Uint8Array> {
  let at = from;
  for (;;) {
    const window = await disk.read(name, at, WINDOW_BYTES);
    let start = 0;
    for (let end = window.indexOf(LF, start); end !== -1; end = window.indexOf(LF, start)) {
      yield window.subarray(start, end);
      start = end + 1;
    }
    if (start === 0) return; // the end, or a line longer than any entry
    at += start;
  }
}

function startsWith(line: Uint8Array, prefix: Uint8Array): boolean {
  return prefix.every((byte, at) => line[at] === byte);
}
