import { parseVerifierKey } from '@indelible/tlog';
import { NodeDisk } from '../disk/node-disk.ts';
import type { Disk } from '../disk/disk.ts';
import { formatSegmentName } from '../record/segment-name.ts';
import { isSealNote, parseSealLine } from '../record/seal-line.ts';
import type { CloseReason } from '../record/segment-header.ts';
import { readControlLinesBackwards } from '../recover/control-lines.ts';
import { readLogFile } from '../recover/recover.ts';
import { listSegmentNumbers, openSegment, type Segment } from '../recover/segments.ts';

/** A file that is named like a segment, as an operator sees it. */
export interface SegmentDescription {
  readonly name: string;
  readonly bytes: number;
  /** Index of its first entry; undefined where the file is no segment of this log. */
  readonly first?: number;
  /** Bytes that are not on the record: behind the end that the next segment states, or behind the last seal. */
  readonly leftBehind: number;
  /** Why it was closed; undefined for the last one. */
  readonly reason?: CloseReason;
}

/**
 * Lists the segment files of a log, in order. Another process may be writing: in the last segment, `leftBehind` then counts
 * what is in flight. Costs a header each, and the tail of the last.
 *
 * @throws LogError as `openReader` does.
 */
export async function describeSegments(directory: string): Promise<SegmentDescription[]> {
  const disk = new NodeDisk(directory);
  const { file, digest } = await readLogFile(disk);
  const found: { number: number; segment: Segment | undefined }[] = [];
  for (const number of await listSegmentNumbers(disk)) {
    const segment = await openSegment(disk, number, digest);
    found.push({ number, segment: segment?.header.origin === file.origin ? segment : undefined });
  }
  const descriptions: SegmentDescription[] = [];
  for (const { number, segment } of found) {
    const name = formatSegmentName(number);
    const bytes = (await disk.size(name)) ?? 0;
    if (segment === undefined) {
      descriptions.push({ name, bytes, leftBehind: bytes });
      continue;
    }
    const prev = found.find((other) => other.segment?.header.prev?.segment === number)?.segment?.header.prev;
    const end = prev?.length ?? (await sealedLength(disk, segment, bytes));
    descriptions.push({ name, bytes, first: segment.header.size, leftBehind: Math.max(0, bytes - end), ...(prev === undefined ? {} : { reason: prev.reason }) });
  }
  return descriptions;
}

/** One past the last seal, or past the header. */
async function sealedLength(disk: Disk, segment: Segment, bytes: number): Promise<number> {
  const key = parseVerifierKey(segment.header.key);
  for await (const line of readControlLinesBackwards(disk, segment.name, segment.bodyStart, bytes)) {
    const seal = parseSealLine(line.bytes, key);
    if (seal !== undefined && seal.offset + seal.length <= line.start && (await isSealNote(seal.note, key))) return line.end;
  }
  return segment.bodyStart;
}
