import type { Disk } from '../disk/disk.ts';
import { formatSegmentName, parseSegmentName } from '../record/segment-name.ts';
import { MAX_HEADER_BYTES, openSegmentHeader, type SegmentHeader } from '../record/segment-header.ts';

/** A segment with a header whose signature holds. */
export interface Segment {
  readonly number: number;
  readonly name: string;
  readonly header: SegmentHeader;
  /** One past the LF of the header. */
  readonly bodyStart: number;
}

/** Numbers of the files that are named like segments, lowest first. */
export async function listSegmentNumbers(disk: Disk): Promise<number[]> {
  const numbers: number[] = [];
  for (const name of await disk.list()) {
    const number = parseSegmentName(name);
    if (number !== undefined) numbers.push(number);
  }
  return numbers.sort((a, b) => a - b);
}

/** The lowest number, from `from` up, that no file has. Numbers of files that are no segments are skipped (docs/spec/record.md §6). */
export function lowestFree(numbers: readonly number[], from: number): number {
  const taken = new Set(numbers);
  let number = from;
  while (taken.has(number)) number++;
  return number;
}

/**
 * Reads the header of a segment file. Returns undefined where the file is no segment of this log: header cut off, not in exact
 * form, not signed by the key that it names, of another log. Whether its key may sign is the caller's question.
 */
export async function openSegment(disk: Disk, number: number, logDigest: string): Promise<Segment | undefined> {
  const name = formatSegmentName(number);
  if ((await disk.size(name)) === undefined) return undefined;
  const head = await disk.read(name, 0, MAX_HEADER_BYTES);
  const end = head.indexOf(0x0a);
  if (end === -1) return undefined;
  const header = await openSegmentHeader(head.subarray(0, end));
  if (header === undefined || header.segment !== number || header.log !== logDigest) return undefined;
  return { number, name, header, bodyStart: end + 1 };
}
