import { createHash } from 'node:crypto';
import { TreeRange, equalBytes, formatBase64, parseBase64, parseVerifierKey } from '@indelible/tlog';
import type { Cache, CacheState } from '../cache/cache.ts';
import type { Disk } from '../disk/disk.ts';
import { LogError } from '../error.ts';
import { LOG_FILE, decodeLogFile, type LogFile } from '../record/log-file.ts';
import { isSealNote, parseSealLine, parseSealNote, type ParsedSeal } from '../record/seal-line.ts';
import { tailHolds } from './check-tail.ts';
import { readControlLines } from './control-lines.ts';
import { findAnchor, type Anchor } from './find-anchor.ts';
import { replaySeal } from './replay.ts';
import { findKeyChange, refuseRetiredKey } from './key-change.ts';
import { listSegmentNumbers, lowestFree, openSegment, type Segment } from './segments.ts';

const MAX_LOG_FILE_BYTES = 1 << 20;

/** The end of what a segment is known to keep whatever happens. */
export interface SyncedUpTo {
  readonly segment: number;
  readonly length: number;
}

/** What a recovery is given. */
export interface RecoverOptions {
  readonly disk: Disk;
  readonly cache: Cache | ((file: LogFile) => Cache);
  /** The signer's verifier key: the only key this writer trusts. */
  readonly vkey: string;
  /** The newest seal that was noted beside the key. */
  readonly pin?: string;
  /** After a failed sync: what stands behind this place cannot be trusted, even where it can be read. */
  readonly syncedUpTo?: SyncedUpTo;
  /** This is a start, not a recovery under way: a key that has handed over is refused, before anything looks like a roll-back. */
  readonly atStart?: boolean;
  /** Called as a full rebuild of the cache goes on. */
  readonly onProgress?: (entries: number, total: number) => void;
}

/** Where a record ends, and what stands behind that. */
export interface RecordEnd {
  readonly file: LogFile;
  readonly logDigest: string;
  readonly cache: Cache;
  readonly segment: Segment;
  /** The newest seal, if there is one. */
  readonly seal: string | undefined;
  readonly edge: TreeRange;
  /** One past the last seal of the last segment, or past its header. */
  readonly length: number;
  /** Size of the last segment file when it was read. */
  readonly fileSize: number;
  /** SHA-256 of what stands between, base64. */
  readonly deadDigest: string;
  /** The record ends with a change to this writer's key that no segment has followed yet. */
  readonly keyChanged: boolean;
  /** The number for the segment behind this one: the lowest that no file has. */
  readonly nextNumber: number;
  /** How many entries had to be read again: a few thousand at most, or all of them without a cache. */
  readonly replayed: number;
}

/**
 * Finds the end of a record: the last seal, and nothing behind it.
 *
 * Costs O(log n) and the last two batches with a cache that fits; without one the whole record is read and the cache made anew.
 * Reads only; what it finds may not be durable yet, so a writer MUST sync the last segment before it builds on it. Where a sync
 * has failed and the process was killed before it could act on that, this cannot be seen: a later sync may lie (fsync(2)).
 *
 * @throws LogError `ERR_LOG_RECORD_DAMAGED` where a valid seal covers more than can be read, `ERR_LOG_ROLLED_BACK` where the pin
 * is ahead of the record, `ERR_LOG_KEY_MISMATCH`, `ERR_LOG_NOT_FOUND`, `ERR_LOG_FILE_INVALID`.
 */
export async function recover(options: RecoverOptions): Promise<RecordEnd> {
  const { disk, vkey } = options;
  const { file, digest: logDigest } = await readLogFile(disk);
  if (parseVerifierKey(vkey).name !== file.origin) {
    throw new LogError('ERR_LOG_KEY_MISMATCH', `the signing key is for the log ${parseVerifierKey(vkey).name}, this is the log ${file.origin}: use the key that \`indelible init\` wrote for it`);
  }
  const numbers = await listSegmentNumbers(disk);
  const { segment, keyChanged } = await findLastSegment(disk, numbers, logDigest, file, vkey);
  await assertJoined(disk, segment, logDigest);
  const key = parseVerifierKey(segment.header.key);
  const readable = (await disk.size(segment.name)) ?? 0;
  const limit = options.syncedUpTo?.segment === segment.number ? Math.min(readable, options.syncedUpTo.length) : readable;

  // 1. The last seal that stands right behind what it covers: an anchor that nobody without the key can have put there.
  const cache = typeof options.cache === 'function' ? options.cache(file) : options.cache;
  const known = cache.durablePlace();
  const anchor = await findAnchor(disk, segment, limit, key, known?.segment === segment.number ? known.offset : undefined);

  // 2. The tree up to there, from the cache and what the record holds behind it. The anchor's signed root decides.
  const target = anchor?.seal.treeSize ?? segment.header.size;
  const chain = { disk, logDigest, last: segment };
  const { edge: atAnchor, replayed } = await rebuildTree(chain, cache, anchor, target, options.onProgress);

  // 3. Behind the anchor: a seal may stand apart from its entries where foreign bytes came between them.
  let edge = atAnchor;
  let seal = anchor?.seal.note ?? segment.header.seal;
  let length = anchor?.line.end ?? segment.bodyStart;
  for await (const line of readControlLines(disk, segment.name, length, limit)) {
    const parsed = parseSealLine(line.bytes, key);
    if (parsed === undefined || !(await isSealNote(parsed.note, key))) continue; // foreign
    if (parsed.treeSize <= edge.end) continue; // a copy of an older seal, put there by somebody
    const grown = await replaySeal(disk, segment, parsed, line, length, edge, cache);
    if (grown === undefined) throw damaged(segment, parsed, edge.end);
    edge = grown;
    seal = parsed.note;
    length = line.end;
  }

  if (options.atStart === true) await refuseRetiredKey(disk, { segment, file, keyChanged, length });
  if (!isPinned(options.pin, file, cache, edge)) {
    if (replayed === target) {
      throw new LogError('ERR_LOG_RECORD_DAMAGED', `the record has another root than the pin beside the signing key, at the pin's size. ${WAY_ON}`, { fatal: true });
    }
    // Either the record was rewritten, or only the cache lies about the older root: ask the record itself.
    cache.clear();
    return recover({ ...options, cache });
  }
  return {
    file,
    logDigest,
    cache,
    segment,
    seal,
    edge,
    length,
    fileSize: readable,
    deadDigest: await digestOf(disk, segment.name, length, readable),
    keyChanged,
    nextNumber: lowestFree(numbers, segment.number + 1),
    replayed,
  };
}

/** Reads and checks log.json; returns it with its digest. */
export async function readLogFile(disk: Disk): Promise<{ file: LogFile; digest: string }> {
  const size = await disk.size(LOG_FILE);
  if (size === undefined) {
    throw new LogError('ERR_LOG_NOT_FOUND', `there is no log here: ${LOG_FILE} is missing. Run \`indelible init DIR\` first, or check the path`);
  }
  if (size > MAX_LOG_FILE_BYTES) throw new LogError('ERR_LOG_FILE_INVALID', `${LOG_FILE} has ${size} bytes, which no log.json has`);
  const bytes = await disk.read(LOG_FILE, 0, size);
  return { file: decodeLogFile(bytes), digest: formatBase64(new Uint8Array(createHash('sha256').update(bytes).digest())) };
}

async function findLastSegment(
  disk: Disk,
  numbers: readonly number[],
  logDigest: string,
  file: LogFile,
  vkey: string,
): Promise<{ segment: Segment; keyChanged: boolean }> {
  for (const number of [...numbers].reverse()) {
    const segment = await openSegment(disk, number, logDigest);
    if (segment === undefined) continue;
    if (segment.header.key === vkey) return { segment, keyChanged: false };
    // Not ours: either somebody planted it, or the key was changed to ours and the successor was never made.
    if (await findKeyChange(disk, segment, file.origin, vkey)) return { segment, keyChanged: true };
  }
  const why = vkey === file.key ? 'no segment is signed by it: 000000.ndjson is missing or damaged' : `its genesis key is ${file.key}`;
  throw new LogError('ERR_LOG_KEY_MISMATCH', `no segment of the log ${file.origin} is signed by the key ${vkey}; ${why}. Use the key in force, or \`indelible verify\` to see what happened`);
}

/** The segment before must be there, as long as it is said to be: with a cache nothing else of it would be looked at. */
async function assertJoined(disk: Disk, segment: Segment, logDigest: string): Promise<void> {
  const { prev } = segment.header;
  if (prev === undefined) return;
  const before = await openSegment(disk, prev.segment, logDigest);
  if (before === undefined) throw missing(prev.segment, segment);
  const size = (await disk.size(before.name)) ?? 0;
  if (size < prev.length) {
    throw new LogError('ERR_LOG_RECORD_DAMAGED', `segment ${before.name} has ${size} bytes, ${segment.name} says that ${prev.length} of it are valid. ${WAY_ON}`, { fatal: true });
  }
}

function missing(number: number, successor: Segment): LogError {
  return new LogError('ERR_LOG_RECORD_DAMAGED', `segment ${number} is missing or its header is damaged; segment ${successor.name} follows it. ${WAY_ON}`, { fatal: true });
}

interface Chain {
  readonly disk: Disk;
  readonly logDigest: string;
  readonly last: Segment;
}

async function rebuildTree(
  chain: Chain,
  cache: Cache,
  anchor: Anchor | undefined,
  target: number,
  onProgress: RecoverOptions['onProgress'],
): Promise<{ edge: TreeRange; replayed: number }> {
  const rootHash = anchor?.seal.rootHash ?? headerRoot(chain.last);
  const cached = loadCache(cache, target);
  if (cached !== undefined) {
    const edge = await replay(chain, cache, anchor, cached.edge, cached.state).catch(() => undefined);
    const fits = edge !== undefined && edge.end === target && equalBytes(edge.root(), rootHash);
    if (fits && (anchor === undefined || (await tailHolds(chain.disk, chain.last, anchor.line.end, target, cache)))) return { edge, replayed: target - cached.state.size };
  }
  // The cache is missing, older than the record allows, or wrong. It is derived: make it anew from the first entry.
  cache.clear();
  const begin = { size: 0, segment: -1, offset: 0 };
  const edge = await replay(chain, cache, anchor, new TreeRange(0, { collectTileNodes: true }), begin, onProgress && ((entries) => onProgress(entries, target)));
  if (edge.end !== target || !equalBytes(edge.root(), rootHash)) {
    throw new LogError('ERR_LOG_RECORD_DAMAGED', `the record's entries have another root at size ${target} than its seal says. ${WAY_ON}`, { fatal: true, index: edge.end });
  }
  if (anchor !== undefined && !(await tailHolds(chain.disk, chain.last, anchor.line.end, target, cache))) {
    throw new LogError('ERR_LOG_RECORD_DAMAGED', `a seal among the last ones in ${chain.last.name} is damaged. ${WAY_ON}`, { fatal: true });
  }
  return { edge, replayed: target };
}

function loadCache(cache: Cache, target: number): { state: CacheState; edge: TreeRange } | undefined {
  try {
    const loaded = cache.load();
    return loaded !== undefined && loaded.state.size <= target ? loaded : undefined;
  } catch {
    return undefined; // unreadable: as good as deleted
  }
}

/** Reads the record from a place up to the anchor. */
async function replay(
  chain: Chain,
  cache: Cache,
  anchor: Anchor | undefined,
  from: TreeRange,
  place: CacheState,
  onProgress?: (entries: number) => void,
): Promise<TreeRange> {
  let edge = from;
  for (const { segment, end } of await segmentsSince(chain, place.segment)) {
    const isLast = segment.number === chain.last.number;
    let covered = segment.number === place.segment ? place.offset : segment.bodyStart;
    const stop = isLast ? (anchor?.line.end ?? segment.bodyStart) : end;
    const key = parseVerifierKey(segment.header.key);
    if (segment.number !== place.segment && segment.header.size !== edge.end) {
      throw new LogError('ERR_LOG_RECORD_DAMAGED', `segment ${segment.name} begins at entry ${segment.header.size}, the one before it ends at ${edge.end}. ${WAY_ON}`, { fatal: true, index: edge.end });
    }
    for await (const line of readControlLines(chain.disk, segment.name, covered, stop)) {
      const seal = parseSealLine(line.bytes, key);
      if (seal === undefined || seal.treeSize <= edge.end) continue;
      const grown = await replaySeal(chain.disk, segment, seal, line, covered, edge, cache);
      if (grown === undefined) {
        if (await isSealNote(seal.note, key)) throw damaged(segment, seal, edge.end);
        continue; // foreign: the next real seal shows whether anything is missing
      }
      edge = grown;
      covered = line.end;
      onProgress?.(edge.end);
    }
  }
  return edge;
}

/** The segments from `number` (or the first, for -1) to the last, each with the length that its successor gives it. */
async function segmentsSince(chain: Chain, number: number): Promise<{ segment: Segment; end: number }[]> {
  const segments: { segment: Segment; end: number }[] = [{ segment: chain.last, end: Number.MAX_SAFE_INTEGER }];
  for (;;) {
    const { segment } = segments[0]!;
    const previous = segment.header.prev;
    if (segment.number === number || (number === -1 && previous === undefined)) return segments;
    if (previous === undefined || previous.segment < number) throw new Error(`internal: the cache names segment ${number}, which is not on the chain`);
    const before = await openSegment(chain.disk, previous.segment, chain.logDigest);
    if (before === undefined) throw missing(previous.segment, segment);
    segments.unshift({ segment: before, end: previous.length });
  }
}

/** Whether the record is a continuation of the pin. */
function isPinned(pin: string | undefined, file: LogFile, cache: Cache, edge: TreeRange): boolean {
  if (pin === undefined) return true;
  const pinned = parseSealNote(pin, file.origin);
  if (pinned === undefined) {
    throw new LogError('ERR_LOG_ROLLED_BACK', `the pin beside the signing key is not a seal of the log ${file.origin}. If this key was used for another log, give this log its own; else restore the pin`, { fatal: true });
  }
  if (pinned.treeSize > edge.end) {
    throw new LogError('ERR_LOG_ROLLED_BACK', `the record holds ${edge.end} entries, but the pin beside the signing key is a seal over ${pinned.treeSize}: the record was rolled back or damaged. ${WAY_ON}`, { fatal: true, index: edge.end });
  }
  if (pinned.treeSize === 0) return true;
  const root = pinned.treeSize === edge.end ? edge.root() : cache.rootAt(pinned.treeSize);
  return root !== undefined && equalBytes(root, pinned.rootHash);
}

const WAY_ON =
  'Nothing was written. `indelible verify` shows where; restore the record from a copy, or go on in a new log with `indelible init NEW --after OLD --reason TEXT`';

function damaged(segment: Segment, seal: ParsedSeal, size: number): LogError {
  return new LogError(
    'ERR_LOG_RECORD_DAMAGED',
    `a valid seal in ${segment.name} covers entries ${seal.first} to ${seal.treeSize - 1}, but they cannot be read as it says (the record is whole up to ${size}). ${WAY_ON}`,
    { fatal: true, index: size },
  );
}

function headerRoot(segment: Segment): Uint8Array {
  return TreeRange.fromEdge(
    segment.header.size,
    segment.header.edge.map((hash) => parseBase64(hash, 32)),
  ).root();
}

async function digestOf(disk: Disk, name: string, from: number, to: number): Promise<string> {
  const hash = createHash('sha256');
  for (let at = from; at < to; ) {
    const bytes = await disk.read(name, at, Math.min(1 << 20, to - at));
    if (bytes.length === 0) break;
    hash.update(bytes);
    at += bytes.length;
  }
  return formatBase64(new Uint8Array(hash.digest()));
}
