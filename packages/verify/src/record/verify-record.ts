import { lstatSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { VerifierKey } from '@indelible/tlog';
import { throwIfAborted, unreadable } from '../error.ts';
import { FindingList } from '../finding.ts';
import { checkKeptSeal, type KeptSeal } from '../kept-seal.ts';
import { concludeReport, type Coverage, type ProvenSince, type Report } from '../report.ts';
import { Chain, readHeader, type ChainFinding, type ChainSegment } from './chain.ts';
import { readControlLines } from './control-lines.ts';
import { MAX_STEPS } from './entry-times.ts';
import { openKeyChange } from './key-change.ts';
import { parseLogFile, type LogFile } from './log-file.ts';
import { RangePool } from './range-pool.ts';
import { readSegment } from './read-segment.ts';
import { Reading } from './reading.ts';
import { Schedule } from './schedule.ts';
import { isNoteSignedBy, parseSealLine } from './seal-line.ts';
import { closeFile, openRegularFile, openSegmentFile, readBytes } from './segment-file.ts';
import { parseSegmentName } from './segment-name.ts';

/** How to verify a record directory. */
export interface RecordOptions {
  /** The key from a source that the caller trusts. */
  readonly key: VerifierKey | undefined;
  readonly kept: readonly KeptSeal[];
  readonly cores: number | undefined;
  readonly onProgress: ((done: number, totalBytes: number) => void) | undefined;
  readonly signal: AbortSignal | undefined;
  /** Bytes that one core hashes at a time. */
  readonly rangeBytes?: number;
  /** Records below this size are not worth a second thread. */
  readonly parallelFromBytes?: number;
  /** Threads to use instead of starting some; they stay open. */
  readonly pool?: RangePool;
}

const LOG_FILE = 'log.json';
/** A log.json with a long list of findings in `after` fits well. */
const MAX_LOG_FILE_BYTES = 1_048_576;
const RANGE_BYTES = 16_777_216;
const PARALLEL_FROM_BYTES = 16_777_216;
/** Of a file without a valid header; no segment is that large. */
const MAX_SUSPECT_BYTES = 1_073_741_824;
/** Ranges per core that may be finished and wait for their turn. */
const AHEAD_PER_CORE = 3;

/**
 * Verifies the record in a directory. Nothing but log.json and the segments is read: a cache proves nothing.
 *
 * Cost: two hashes an entry, one signature a seal, on all cores; memory independent of the size of the log.
 *
 * @throws VerifyError where the directory or a file in it cannot be read.
 * @see docs/spec/record.md §6
 */
export async function verifyRecord(directory: string, options: RecordOptions): Promise<Report> {
  const findings = new FindingList();
  const { numbers, totalBytes } = await listSegments(directory);
  const logFile = readLogFile(directory, findings);
  const marks = [...new Set(options.kept.map(({ checkpoint }) => checkpoint.treeSize))].sort((a, b) => a - b);
  const chain = new Chain(directory, logFile === 'unknown' ? [] : numbers, logFile === 'unknown' ? undefined : logFile);
  const reading = new Reading(findings, marks);
  if (logFile !== 'unknown') {
    await readChain(chain, reading, logFile, totalBytes, options);
    await findLostSeals(directory, chain, reading, options.signal);
    if (reading.entries === 0 && !findings.hasErrors) findings.add('nothing_sealed', {}, 'the record holds no sealed entry');
  }
  return concludeReport(conclude(chain, reading, options));
}

async function listSegments(directory: string): Promise<{ numbers: number[]; totalBytes: number }> {
  try {
    const numbers: number[] = [];
    let totalBytes = 0;
    for (const name of await readdir(directory)) {
      const number = parseSegmentName(name);
      if (number === undefined) continue;
      numbers.push(number);
      totalBytes += sizeOf(join(directory, name));
      if (numbers.length % 1_024 === 0) await setImmediate();
    }
    return { numbers: numbers.sort((a, b) => a - b), totalBytes };
  } catch (cause) {
    throw unreadable(directory, cause);
  }
}

/** 0 for what is no regular file, which is reported where the chain comes by. */
function sizeOf(path: string): number {
  const file = lstatSync(path, { throwIfNoEntry: false });
  return file?.isFile() === true ? file.size : 0;
}

function readLogFile(directory: string, findings: FindingList): LogFile | 'unknown' | undefined {
  const where = { file: LOG_FILE, index: 0 };
  const file = openRegularFile(join(directory, LOG_FILE));
  if (file === undefined) {
    findings.add('log_file_invalid', where, 'log.json is missing');
    return undefined;
  }
  try {
    if (file.size > MAX_LOG_FILE_BYTES) {
      findings.add('log_file_invalid', where, `log.json has ${file.size} bytes, more than ${MAX_LOG_FILE_BYTES}`);
      return undefined;
    }
    const parsed = parseLogFile(readBytes(file, 0, file.size));
    if (typeof parsed === 'string') {
      findings.add('log_file_invalid', where, `log.json is invalid: ${parsed}`);
      return undefined;
    }
    if ('origin' in parsed) return parsed;
    findings.add('version_unknown', where, `log.json has format version ${String(JSON.stringify(parsed.version)).slice(0, 40)}; this release knows version 1`);
    return 'unknown';
  } finally {
    closeFile(file);
  }
}

async function readChain(chain: Chain, reading: Reading, logFile: LogFile | undefined, totalBytes: number, options: RecordOptions): Promise<void> {
  const { signal, onProgress, cores = availableParallelism(), rangeBytes = RANGE_BYTES, parallelFromBytes = PARALLEL_FROM_BYTES } = options;
  const own = options.pool === undefined && cores > 1 && totalBytes >= parallelFromBytes ? new RangePool(cores) : undefined;
  const pool = options.pool ?? own;
  try {
    const ahead = pool === undefined ? undefined : { execute: pool.scan.bind(pool), limit: cores * AHEAD_PER_CORE };
    const schedule = new Schedule(chain, rangeBytes, reading.marks, ahead);
    let done = 0;
    const onBytes = (bytes: number): void => {
      done += bytes;
      onProgress?.(Math.min(done, totalBytes), totalBytes);
    };
    for await (const { segment, feed } of schedule.segments()) {
      throwIfAborted(signal);
      report(segment.found, reading);
      if (reading.segments === 0) beginRecord(segment, logFile, reading);
      await readSegment(segment, feed, reading, { signal, onBytes });
    }
    const last = chain.keys.at(-1);
    if (last !== undefined && reading.keyChange !== undefined) chain.successorKey = openKeyChange(reading.keyChange, last.name, last);
    report(chain.found, reading);
    reading.findings.omit(chain.omitted);
    onProgress?.(totalBytes, totalBytes);
  } finally {
    await own?.close();
  }
}

function report(found: readonly ChainFinding[], reading: Reading): void {
  for (const [code, where, meaning] of found) reading.findings.add(code, where, meaning);
}

function beginRecord({ header, name, afterGap }: ChainSegment, logFile: LogFile | undefined, reading: Reading): void {
  if (logFile !== undefined && header.log !== logFile.digest) {
    reading.findings.add('log_file_changed', { segment: header.segment, file: LOG_FILE, index: 0 }, `the header of ${name} commits to another log.json`);
  }
  // Segment 0 is lost: what its successor vouches for is where to go on.
  if (afterGap) reading.resume(header.size, header.edge, header.seal);
}

/**
 * Looks into the files behind the last segment that have no valid header: a seal of this log in them, of a larger tree than the one
 * that was read, shows that a header was damaged and not that a start failed.
 */
async function findLostSeals(directory: string, chain: Chain, reading: Reading, signal: AbortSignal | undefined): Promise<void> {
  const origin = chain.origin;
  if (origin === undefined) return;
  for (const name of chain.suspects) {
    const path = join(directory, name);
    const regular = openSegmentFile(path);
    // A link is no segment, but seals behind it show that one was moved away.
    const file = regular ?? openRegularFile(path);
    if (file === undefined) continue;
    try {
      // A header that was being written when the chain came by, and is whole now, belongs to a log that grows.
      if (regular !== undefined && readHeader(file) !== undefined) continue;
      for await (const line of readControlLines(file, 0, Math.min(file.size, MAX_SUSPECT_BYTES), signal)) {
        const seal = parseSealLine(line.bytes, origin);
        if (seal === undefined || seal.treeSize <= reading.size || !chain.knownKeys.some((key) => isNoteSignedBy(seal.note, key))) continue;
        const what = regular === undefined ? 'is not a regular file, but leads to' : 'has no valid header, but';
        const meaning = `${name} ${what} a seal for tree size ${seal.treeSize}; the record ends with ${reading.size} ${reading.size === 1 ? 'entry' : 'entries'}`;
        reading.findings.add(regular === undefined ? 'segment_missing' : 'segment_damaged', { file: name, offset: line.start, index: reading.size }, meaning);
        break;
      }
    } finally {
      closeFile(file);
    }
  }
}

function conclude(chain: Chain, reading: Reading, { key, kept }: RecordOptions): Parameters<typeof concludeReport>[0] {
  const { findings, stats } = reading;
  const genesis = chain.keys[0];
  const proven = key !== undefined && chain.keys.some((known) => known.text === key.text);
  if (key === undefined) {
    if (genesis !== undefined) findings.add('key_not_proven', {}, `the key ${genesis.text} was taken from the log itself`);
  } else if (key.text === chain.successorKey?.text) {
    findings.add('key_not_proven', {}, 'the log hands over to the key that was given, but nothing in it is signed by that key: the segments under it may be missing');
  } else if (genesis !== undefined && !proven) {
    findings.add('key_mismatch', { index: 0 }, `the log is signed by ${genesis.text}, the key given is ${key.text}`);
  }
  const since = genesis === undefined ? [] : keptSeals(genesis.name, chain, reading, key, kept);
  for (const { index, backMs } of stats.steps) findings.add('clock_step', { index }, `entry ${index} is ${backMs} ms older than the one before it`);
  if (stats.clockSteps > MAX_STEPS) findings.add('clock_step', {}, `${stats.clockSteps - MAX_STEPS} more steps back were counted`);
  const unchecked = reading.unchecked.map(({ from, to }) =>
    to === undefined ? `Entries from ${from} on: an error before them.` : `Entries ${from} to ${to - 1}: an error before them.`,
  );
  return {
    ...{ kind: 'record' as const, rootHolds: true, origin: genesis?.name ?? null, key: { text: (key ?? genesis)?.text ?? null, proven } },
    ...{ note: reading.note, size: reading.size, coverage: cover(chain, reading, since), findings, since },
    notChecked: [...unchecked.slice(0, 100), 'cache/: it is derived and proves nothing.'],
  };
}

function keptSeals(origin: string, chain: Chain, reading: Reading, key: VerifierKey | undefined, kept: readonly KeptSeal[]): ProvenSince[] {
  const keys = key === undefined ? chain.knownKeys : [...chain.knownKeys, key];
  const log = { origin, keys, size: reading.size, rootAt: (size: number): Uint8Array | undefined => reading.rootAt(size) };
  return kept
    .filter((seal) => checkKeptSeal(seal, log, reading.findings))
    .map(({ place, checkpoint }) => ({ place, treeSize: checkpoint.treeSize }));
}

function cover(chain: Chain, reading: Reading, since: readonly ProvenSince[]): Coverage {
  const { stats, entries, bytes, segments, seals, foreignBytes, unsealedBytes, deadBytes, uncheckedBytes } = reading;
  const keyChanges = Math.max(0, chain.keys.length - 1);
  return {
    ...{ entries, bytes, segments, seals },
    // A header, a seal and a kept seal are one signature each; a change of key is signed by both keys.
    signaturesChecked: segments + seals + since.length + 2 * keyChanges,
    firstTime: stats.firstMs === undefined ? null : new Date(stats.firstMs).toISOString(),
    lastTime: stats.lastMs === undefined ? null : new Date(stats.lastMs).toISOString(),
    ...{ longestSilenceMs: stats.longestSilenceMs, heartbeats: stats.heartbeats, clockSteps: stats.clockSteps, recoveries: stats.recoveries },
    ...{ foreignBytes, unsealedBytes, deadBytes, uncheckedBytes },
  };
}
