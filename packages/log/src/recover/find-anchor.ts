import type { VerifierKey } from '@indelible/tlog';
import type { Disk } from '../disk/disk.ts';
import { isSealNote, parseSealLine, type ParsedSeal } from '../record/seal-line.ts';
import { readControlLines, type ControlLine } from './control-lines.ts';
import type { Segment } from './segments.ts';

/** A seal and the line it stands on. */
export interface Anchor {
  readonly seal: ParsedSeal;
  readonly line: ControlLine;
}

/**
 * The last seal of a segment that stands right behind what it covers: the one of the largest tree among those with a valid
 * signature, and of equal ones the first. Whoever can append to the file can copy older seals behind it, with places that fit
 * (a seal's place is not signed), but none of a larger tree.
 *
 * @param from - A place that a seal ends at, where the cache knows one; what stands before it is then not looked at again. A
 * wrong one costs a look at the whole segment at worst.
 */
export async function findAnchor(disk: Disk, segment: Segment, limit: number, key: VerifierKey, from?: number): Promise<Anchor | undefined> {
  const near = from !== undefined && from > segment.bodyStart && from <= limit ? from : undefined;
  if (near !== undefined) {
    const found = await largestSeal(disk, segment, await lineStartBefore(disk, segment, near), limit, key);
    if (found !== undefined) return found;
  }
  return largestSeal(disk, segment, segment.bodyStart, limit, key);
}

async function largestSeal(disk: Disk, segment: Segment, from: number, limit: number, key: VerifierKey): Promise<Anchor | undefined> {
  let largest: Anchor | undefined;
  for await (const line of readControlLines(disk, segment.name, from, limit)) {
    const seal = parseSealLine(line.bytes, key);
    if (seal === undefined || seal.offset + seal.length !== line.start || seal.treeSize <= (largest?.seal.treeSize ?? 0)) continue;
    if (await isSealNote(seal.note, key)) largest = { seal, line };
  }
  return largest;
}

/** Where the line begins that ends at a place. */
async function lineStartBefore(disk: Disk, segment: Segment, end: number): Promise<number> {
  const begin = Math.max(segment.bodyStart, end - MAX_LINE_BYTES);
  const before = await disk.read(segment.name, begin, end - 1 - begin);
  return begin + before.lastIndexOf(0x0a) + 1;
}

const MAX_LINE_BYTES = 8_192; // longer than any seal
