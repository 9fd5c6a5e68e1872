import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { equalBytes, formatBase64 } from '@indelible/tlog';
import { throwIfAborted, unreadable } from '../error.ts';
import { entryRange } from '../finding.ts';
import type { ChainSegment } from './chain.ts';
import { findNextSeal } from './judge-seal.ts';
import { openKeyChange } from './key-change.ts';
import type { RangeFeed } from './range-feed.ts';
import type { Reading } from './reading.ts';
import { checkRoots } from './root-checker.ts';
import type { RangeResult } from './scan-range.ts';
import { closeFile, openSegmentFile, readBytes, type OpenFile } from './segment-file.ts';
import type { SegmentHeader } from './segment-header.ts';
import { segmentName } from './segment-name.ts';

/** How a reading is watched and stopped. */
export interface ReadControl {
  readonly signal?: AbortSignal | undefined;
  /** Called with the number of bytes that were read since the last call. */
  readonly onBytes: (bytes: number) => void;
}

const DIGEST_BLOCK_BYTES = 1_048_576;

/** How much of a segment is on the record: up to the length that its successor states, or all that is there. */
export function validEnd({ fileSize, next, gapFollows }: ChainSegment): number {
  return next?.prev === undefined || gapFollows ? fileSize : Math.min(next.prev.length, fileSize);
}

/**
 * Reads one segment and checks that the next one begins where it ends.
 *
 * @throws VerifyError where the file cannot be read, or what the signal aborts with.
 * @see docs/spec/record.md §6.4–6.7
 */
export async function readSegment(segment: ChainSegment, feed: RangeFeed, reading: Reading, control: ReadControl): Promise<void> {
  const file = openSegmentFile(segment.path);
  if (file === undefined) throw unreadable(segment.path, new Error('it is not there any more'));
  try {
    const end = validEnd(segment);
    const { at, broken } = await readSeals(segment, file, feed, end, reading, control);
    reading.segments++;
    reading.bytes += segment.fileSize;
    if (broken) reading.uncheckedBytes += end - at;
    else reportRest(segment, at, end, reading);
    control.onBytes(segment.fileSize - at);
    if (segment.next !== undefined) await join(segment, segment.next, file, broken, reading);
    else if (broken) reading.unchecked.push({ from: reading.size, to: undefined });
  } finally {
    closeFile(file);
  }
}

async function readSeals(
  segment: ChainSegment,
  file: OpenFile,
  feed: RangeFeed,
  end: number,
  reading: Reading,
  { signal, onBytes }: ReadControl,
): Promise<{ at: number; broken: boolean }> {
  let at = segment.header.byteLength;
  while (at < end) {
    throwIfAborted(signal);
    const from = at;
    const accepted = acceptRange(await feed.take(at, reading.size), feed, reading);
    if (accepted !== undefined) {
      at = accepted;
    } else {
      const judgement = await findNextSeal(segment, file, at, end, reading, signal);
      if (judgement.kind !== 'accepted') return { at, broken: judgement.kind === 'broken' };
      at = judgement.end;
    }
    onBytes(at - from);
    // Hashing on this thread leaves no room for anything else but between two ranges.
    await setImmediate();
  }
  return { at, broken: false };
}

/** Accepts the seals of the range that hold and returns where the last of them ends; undefined where the first does not hold. */
function acceptRange(range: RangeResult, feed: RangeFeed, reading: Reading): number | undefined {
  const checked = checkRoots(reading.tree, range);
  if (checked.holding === 0) return undefined;
  if (checked.holding === range.seals.length) {
    reading.accept(range, checked);
    return range.to;
  }
  const end = range.seals[checked.holding - 1]!.end;
  const shorter = feed.scan(range.from, range.begin, end, end);
  const again = checkRoots(reading.tree, shorter);
  if (again.holding !== checked.holding) throw new Error('internal: the same bytes gave another root');
  reading.accept(shorter, again);
  return end;
}

function reportRest(segment: ChainSegment, at: number, end: number, reading: Reading): void {
  const rest = end - at;
  if (rest === 0) return;
  const where = { segment: segment.header.segment, file: segment.name, offset: at };
  if (segment.next === undefined || segment.gapFollows) {
    reading.unsealedBytes += rest;
    reading.findings.add('unsealed_bytes', { ...where, index: reading.size }, `${rest} bytes stand behind the last seal`);
  } else {
    reading.foreignBytes += rest;
    reading.findings.add('foreign_bytes', { ...where, index: reading.size }, `${rest} bytes behind the last seal of the segment are foreign`);
  }
}

/** Checks that `next` begins where the record has arrived, and otherwise goes on from what its signature vouches for. */
async function join(segment: ChainSegment, next: SegmentHeader, file: OpenFile, broken: boolean, reading: Reading): Promise<void> {
  const { findings, size } = reading;
  const where = { segment: next.segment, file: segmentName(next.segment), offset: 0, index: size };
  if (segment.gapFollows) {
    const missing = `segment ${next.prev?.segment} is missing or has lost its header`;
    findings.add('segment_missing', where, `${missing}; segment ${next.segment}, which follows it, begins with entry ${next.size}`);
    return reading.resume(next.size, next.edge, next.seal);
  }
  const { prev } = next;
  if (prev === undefined) throw new Error('internal: a successor without a predecessor');
  let joined = !broken;
  if (segment.fileSize < prev.length) {
    joined = false;
    const meaning = `${segment.name} has ${segment.fileSize} bytes; its successor says ${prev.length}`;
    findings.add('segment_short', { segment: segment.header.segment, file: segment.name, offset: segment.fileSize, index: size }, meaning);
  } else {
    await checkDeadBytes(segment, next, file, reading);
  }
  if (joined) joined = checkTree(next, reading);
  if (joined) checkKey(segment, next, reading);
  if (!joined) reading.resume(next.size, next.edge, next.seal);
  if (prev.reason !== 'full' && prev.reason !== 'key_changed') {
    findings.add('recovery', { ...where, index: next.size }, `segment ${prev.segment} was closed as "${prev.reason}" with ${prev.dead} bytes left behind`);
  }
}

function checkTree(next: SegmentHeader, { findings, size, tree, note }: Reading): boolean {
  const where = { segment: next.segment, file: segmentName(next.segment), offset: 0, index: Math.min(size, next.size) };
  if (next.size > size) {
    findings.add('entries_missing', where, `segment ${next.segment} begins with entry ${next.size}; ${entryRange(size, next.size)} missing, or the seal over them is`);
    return false;
  }
  const edge = tree.edge();
  const sameEdge = next.size === size && edge.every((hash, i) => equalBytes(hash, next.edge[i]!));
  if (sameEdge && next.seal === note) return true;
  const what = next.size !== size ? `size ${next.size} instead of ${size}` : sameEdge ? 'another seal' : 'another tree';
  findings.add('join_mismatch', where, `segment ${next.segment} says that it follows ${what}`);
  return false;
}

function checkKey(segment: ChainSegment, next: SegmentHeader, { findings, keyChange, size }: Reading): void {
  const { key } = segment.header;
  const to = keyChange === undefined ? undefined : openKeyChange(keyChange, key.name, key);
  const where = { segment: next.segment, file: segmentName(next.segment), offset: 0, index: size - 1 };
  if (to?.text === next.key.text) findings.add('key_changed', where, `from ${key.text} to ${to.text}`);
  else if (to !== undefined) findings.add('key_change_invalid', where, `entry ${size - 1} hands over to ${to.text}, but segment ${next.segment} is signed by ${next.key.text}`);
  else if (next.key.text !== key.text) findings.add('key_change_invalid', where, `the last entry of segment ${segment.header.segment} does not hand over to ${next.key.text}`);
}

async function checkDeadBytes(segment: ChainSegment, next: SegmentHeader, file: OpenFile, reading: Reading): Promise<void> {
  const { length, dead, digest } = next.prev!;
  const present = segment.fileSize - length;
  reading.deadBytes += present;
  const where = { segment: segment.header.segment, file: segment.name, offset: length };
  if (present < dead) {
    reading.findings.add('dead_bytes_changed', where, `${dead} bytes stood behind the valid end, ${present} are left`);
    return;
  }
  const hash = createHash('sha256');
  for (let at = length; at < length + dead; at += DIGEST_BLOCK_BYTES) {
    hash.update(readBytes(file, at, Math.min(at + DIGEST_BLOCK_BYTES, length + dead)));
    await setImmediate();
  }
  if (formatBase64(hash.digest()) !== digest) {
    reading.findings.add('dead_bytes_changed', where, `the ${dead} bytes behind the valid end are not those that stood there`);
  } else if (present > dead) {
    reading.findings.add('dead_bytes_changed', { ...where, offset: length + dead }, `${present - dead} bytes were added behind the valid end`);
  }
}
