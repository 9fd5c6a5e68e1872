import type { TreeRange } from '@indelible/tlog';
import { formatBase64 } from '@indelible/tlog';
import type { AppendFile, Disk } from '../disk/disk.ts';
import { LogError, systemCode } from '../error.ts';
import { LOG_FILE, type LogFile } from '../record/log-file.ts';
import { formatSegmentName } from '../record/segment-name.ts';
import { openSegmentHeader, signSegmentHeader, type CloseReason, type PreviousSegment, type SegmentHeader } from '../record/segment-header.ts';
import type { RecordEnd } from '../recover/recover.ts';
import { listSegmentNumbers, lowestFree, openSegment } from '../recover/segments.ts';
import { signChecked } from '../signer/sign-checked.ts';
import type { Signer } from '../signer/signer.ts';

/** A segment that is being written. */
export interface OpenSegment {
  readonly number: number;
  readonly file: AppendFile;
  readonly bodyStart: number;
  /** Where the next byte goes; what the file's size must be. */
  length: number;
  /** Up to where a sync has succeeded. */
  syncedLength: number;
  /** The number that the next segment will have; a file of that name before we make it is another writer's. */
  readonly successorNumber: number;
  readonly successorName: string;
}

/** What a recovery left behind in the segment before. */
export interface LeftBehind {
  readonly segment: number;
  readonly validLength: number;
  readonly deadBytes: number;
  readonly deadDigest: string;
  readonly reason: CloseReason;
}

/** A reason that is a failure. */
export type FailureReason = Extract<CloseReason, 'torn' | 'foreign' | 'io_error'>;

interface WriteOptions {
  readonly disk: Disk;
  readonly nowMs: () => number;
}

/**
 * Opens the end of a record for writing: the last segment where it ends with a seal, else a new one behind it.
 * What was found is synced first, because it may have been readable without being durable.
 *
 * @param failure - Why what stands behind the last seal is left there, and whether the segment must be left even where nothing does.
 */
export async function openForWriting(
  options: WriteOptions,
  end: RecordEnd,
  signer: Signer,
  failure: { readonly reason: FailureReason; readonly leave: boolean },
): Promise<{ open: OpenSegment; recovery?: LeftBehind }> {
  const { disk } = options;
  const { segment, length, fileSize } = end;
  const file = await disk.append(segment.name);
  try {
    await file.sync();
    await disk.syncDirectory(); // a crash may have come between the segment's header and its name
  } catch (error) {
    await file.close();
    // Where its sync has failed before, its valid length is what was synced then.
    if (failure.reason !== 'io_error') throw new SegmentSpoiled(segment.number, length, error);
  }
  const dead = fileSize - length;
  if (dead === 0 && !failure.leave && !end.keyChanged) {
    return { open: openSegmentAt(segment.number, file, segment.bodyStart, length, end.nextNumber) };
  }
  await file.close().catch(() => undefined);
  const why: CloseReason = end.keyChanged ? 'key_changed' : failure.reason;
  const previous = { segment: segment.number, name: segment.name, length, dead, digest: end.deadDigest, reason: why };
  const open = await openNextSegment(disk, {
    file: end.file,
    logDigest: end.logDigest,
    signer,
    edge: end.edge,
    seal: end.seal,
    previous,
    number: end.nextNumber,
    nowMs: options.nowMs(),
  });
  if (dead === 0) return { open };
  return { open, recovery: { segment: segment.number, validLength: length, deadBytes: dead, deadDigest: end.deadDigest, reason: why } };
}

/** What the header of a new segment says. */
export interface NextSegment {
  readonly file: LogFile;
  readonly logDigest: string;
  readonly signer: Signer;
  readonly edge: TreeRange;
  readonly seal: string | undefined;
  readonly previous?: PreviousSegment & { readonly name: string };
  /** Its number; no file may have that name. */
  readonly number: number;
  readonly nowMs: number;
}

/** A new segment is begun only where so much can be written. */
const MIN_ROOM_BYTES: number = 64 * 1024;

/** A segment could not be made durable: it may be there, and nothing may be written to it. */
export class SegmentSpoiled extends Error {
  readonly segment: number;
  /** Up to where its bytes count nevertheless. */
  readonly length: number;

  constructor(segment: number, length: number, cause: unknown) {
    super(`segment ${segment} was not made durable`, { cause });
    this.segment = segment;
    this.length = length;
  }
}

/**
 * Creates a segment: exclusively, then its header, then both made durable. A crash before the header is whole leaves a file that
 * is no segment; its number is not used again.
 *
 * @throws LogError `ERR_LOG_SECOND_WRITER` where another writer of this log was faster, `ERR_LOG_SIGNER_FAILED`; SegmentSpoiled.
 */
export async function openNextSegment(disk: Disk, next: NextSegment): Promise<OpenSegment> {
  const { number, previous } = next;
  const header: SegmentHeader = {
    origin: next.file.origin,
    segment: number,
    log: next.logDigest,
    key: next.signer.vkey,
    time: new Date(next.nowMs).toISOString(),
    size: next.edge.end,
    edge: next.edge.edge().map(formatBase64),
    ...(previous === undefined ? {} : { prev: previous }),
    ...(previous === undefined || next.seal === undefined ? {} : { seal: next.seal }),
  };
  // Signed first, which may take long: between creation and header another writer cannot tell whether this is a segment.
  const line = await signSegmentHeader(header, (message) => signChecked(next.signer, message));
  if ((await openSegmentHeader(line.subarray(0, -1))) === undefined) {
    throw new LogError('ERR_LOG_SIGNER_FAILED', `the signer's signature is not by its key ${next.signer.vkey}: give the key that belongs to it`);
  }
  // A file without a header would stay for ever; on a full disk there would be one for each attempt.
  if ((disk.room?.() ?? MIN_ROOM_BYTES) < MIN_ROOM_BYTES) {
    throw new LogError('ERR_LOG_STORAGE_FULL', 'the record could not be extended: the disk is full. Make room; nothing that was acknowledged is lost');
  }
  const before = await listSegmentNumbers(disk);
  const open = openSegmentAt(number, await createSegmentFile(disk, number), line.length, line.length, lowestFree(before, number + 1));
  try {
    if (previous !== undefined) await assertFirst(disk, next, previous, before);
    assertAbsent(disk, open.successorName);
    open.file.write([line]);
    await open.file.sync();
    await disk.syncDirectory();
    if (previous !== undefined) disk.protectLike?.(open.file.name, [LOG_FILE, previous.name]);
    if (open.file.size() !== line.length) throw createdByAnother(open.file.name);
    assertAbsent(disk, open.successorName);
    return open;
  } catch (error) {
    await open.file.close();
    throw error instanceof LogError && error.fatal ? error : new SegmentSpoiled(number, 0, error);
  }
}

async function createSegmentFile(disk: Disk, number: number): Promise<AppendFile> {
  const name = formatSegmentName(number);
  try {
    return await disk.create(name);
  } catch (cause) {
    throw systemCode(cause) === 'EEXIST' ? createdByAnother(name) : cause;
  }
}

/** Nobody else has gone on behind the segment before: of two who create a file there, the second finds the first one's. */
async function assertFirst(disk: Disk, next: NextSegment, previous: PreviousSegment & { readonly name: string }, known: readonly number[]): Promise<void> {
  if (((await disk.size(previous.name)) ?? 0) !== previous.length + previous.dead) {
    throw new LogError('ERR_LOG_WRITE_FAILED', `${previous.name} grew while its successor was being made: another program writes to it`);
  }
  for (const number of await listSegmentNumbers(disk)) {
    if (number === next.number) continue;
    if (number > next.number && !known.includes(number)) throw createdByAnother(formatSegmentName(number));
    if (number <= previous.segment) continue;
    const other = await openSegment(disk, number, next.logDigest);
    if (other?.header.prev?.segment === previous.segment && other.header.key === next.signer.vkey) throw secondWriter(other.name);
  }
}

function assertAbsent(disk: Disk, name: string): void {
  if (disk.exists(name)) throw createdByAnother(name);
}

function openSegmentAt(number: number, file: AppendFile, bodyStart: number, length: number, successorNumber: number): OpenSegment {
  return { number, file, bodyStart, length, syncedLength: length, successorNumber, successorName: formatSegmentName(successorNumber) };
}

function createdByAnother(name: string): LogError {
  return new LogError('ERR_LOG_WRITE_FAILED', `${name} was created by another program a moment ago: only one process may write a log`);
}

function secondWriter(name: string): LogError {
  return new LogError('ERR_LOG_SECOND_WRITER', `${name} belongs to another writer of this log: this one stops. Only one process may write a log`, { fatal: true });
}
