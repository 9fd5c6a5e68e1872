import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fileStore, isAppendOnly, memoryStore, openLog, setAppendOnly } from '@indelible/log';
import { verifyLog, type Report } from '@indelible/verify';
import type { CacheFiles } from '../dist/cache/cache-files.js';
import { encodeBatch } from '../dist/commit/batch.js';
import type { MemoryDisk } from '../dist/disk/memory-disk.js';
import { testNumber } from './support/events.ts';
import { memoryFiles } from './support/memory-record.ts';
import { directoryFiles, readRecord, type OracleResult } from './support/record-oracle.ts';
import { SEGMENT_0, Tally, cacheOf, diskOf, concat, makeDirectoryLog, makeTailLog, materialise, plantHeader, recoveries, sha256, tailLine, testForeignWriter, tryOpen, type TailLog } from './support/tail.ts';
import { temporaryDirectory } from './support/temporary.ts';

// Recovery only adds: no byte that was written is changed or taken away, whatever stands at the tail. Shown first by comparison, on
// a disk in memory, for every place of the last two batches; then with the attribute (chattr +a) that makes the kernel insist.

const SLOW = process.env['SLOW'] === '1';
/** The specification's own reader looks at every case; the verifier, which starts slower, at one in so many. */
const VERIFY_EVERY = SLOW ? 1 : 23;

const root = temporaryDirectory('tail-append-only');
let made = 0;

async function verified(disk: MemoryDisk, pin?: string): Promise<Report> {
  const directory = await materialise(disk, join(root, String(made++)));
  try {
    return await verifyLog(directory, { key: log.signer.vkey, cores: 1, ...(pin === undefined ? {} : { pin }) });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** The record has no error by either reader, and the verifier finds what is expected besides. */
async function expectSound(disk: MemoryDisk, verifier: boolean, codes?: readonly string[]): Promise<OracleResult> {
  const record = readRecord(await memoryFiles(disk), log.signer.vkey);
  expect(record.errors).toEqual([]);
  if (!verifier) return record;
  const report = await verified(disk);
  expect(report.findings.filter(({ severity }) => severity === 'error')).toEqual([]);
  expect(report.verdict).toBe('sound');
  expect(report.coverage.entries).toBe(record.entries.length);
  const found = report.findings.map(({ code }) => code).filter((code) => code !== 'clock_step');
  if (codes !== undefined) expect(found.sort()).toEqual([...codes].sort());
  return record;
}

let log: TailLog;
let cache: () => CacheFiles;
beforeAll(async () => {
  log = await makeTailLog();
  cache = await cacheOf(log);
});

describe('truncation at every byte of the last two batches', () => {
  test('without a pin the record ends at the last whole seal, and the tail stays where it is', { timeout: 120_000 }, async () => {
    const [, second, third] = log.seals;
    const tally = new Tally();
    for (let cut = second.entries; cut <= third.end; cut++) {
      const bytes = log.bytes.slice(0, cut);
      const last = log.seals.findLast(({ end }) => end <= cut)!;
      const dead = bytes.subarray(last.end);
      const disk = diskOf(log, bytes);

      const open = await openLog({ store: memoryStore({ disk }), signer: log.signer, heartbeatMs: 0, app: 't', instance: 't' });
      const recovered = dead.length > 0 ? 1 : 0;
      expect(open.size, `cut at ${cut}`).toBe(last.size + recovered + 1); // log_recovered, log_started
      // A retry of everything, lost or not, has every event at one index without a gap.
      const acks = await open.appendAll(log.lines.map((_, n) => ({ id: idOf(n), timestamp: timeOf(n), event: 'logout', userId: `u${n}` })));
      expect(acks.map(({ index }) => index)).toEqual(log.lines.map((_, n) => (n < last.size ? n : n + recovered + 1)));
      await open.close();

      const after = disk.get(SEGMENT_0)!;
      expect(Buffer.compare(after.subarray(0, cut), bytes)).toBe(0);
      if (dead.length > 0) expect(after.length).toBe(cut); // nothing is put behind a torn tail
      const { entries, segments } = await expectSound(disk, cut % VERIFY_EVERY === 0 || dead.length < 2, dead.length > 0 ? ['recovery'] : []);
      expect(entries.slice(0, last.size)).toEqual(log.lines.slice(0, last.size));
      expect(segments.map(({ reason }) => reason)).toEqual(dead.length > 0 ? [undefined, 'torn'] : [undefined]);
      expect(recoveries(entries)).toEqual(
        dead.length > 0 ? [{ segment: 0, validLength: last.end, deadBytes: dead.length, deadDigest: sha256(dead), reason: 'torn' }] : [],
      );
      tally.add(`ends at ${last.size}${dead.length > 0 ? ', torn' : ''}`);
    }
    expect(tally.counts).toEqual({ 'ends at 2': 1, 'ends at 2, torn': second.end - second.entries - 1, 'ends at 5': 1, 'ends at 5, torn': third.end - third.entries - 1, 'ends at 8': 1 });
  });

  test.each([false, true])('with the pin of an acknowledged seal every cut before its end is refused (cache: %s)', { timeout: 120_000 }, async (cached) => {
    const [, second, third] = log.seals;
    for (const pinned of SLOW ? [second, third] : [third]) {
      const tally = new Tally();
      for (let cut = second.entries; cut <= third.end; cut++) {
        const cacheFiles = cached ? { cacheFiles: cache() } : {};
        const opening = await tryOpen(diskOf(log, log.bytes.slice(0, cut)), { signer: log.signer, pin: pinned.note, ...cacheFiles });
        if ('refused' in opening) {
          expect(cut).toBeLessThan(pinned.end);
          tally.add(opening.refused);
        } else {
          expect(cut).toBeGreaterThanOrEqual(pinned.end);
          expect(opening.committer.sealedSize).toBe(log.seals.findLast(({ end }) => end <= cut)!.size);
          await opening.committer.close();
        }
      }
      expect(tally.counts).toEqual({ ERR_LOG_ROLLED_BACK: pinned.end - second.entries });
    }
  });
});

const idOf = (n: number): string => (JSON.parse(tailLine(n)) as { id: string }).id;
const timeOf = (n: number): number => Date.parse((JSON.parse(tailLine(n)) as { timestamp: string }).timestamp);

/** Damages by one byte: each gives the damaged bytes for a position. */
const DAMAGES = {
  flip: (bytes: Uint8Array, at: number) => put(bytes, at, bytes[at]! ^ 0x01),
  zero: (bytes: Uint8Array, at: number) => put(bytes, at, 0x00),
  'insert x': (bytes: Uint8Array, at: number) => concat(bytes.subarray(0, at), 'x', bytes.subarray(at)),
  'insert LF': (bytes: Uint8Array, at: number) => concat(bytes.subarray(0, at), '\n', bytes.subarray(at)),
} as const;

function put(bytes: Uint8Array, at: number, value: number): Uint8Array {
  const copy = bytes.slice();
  copy[at] = value;
  return copy;
}

/** Which part of the tail a byte belongs to. */
function partOf(at: number): string {
  const { seals } = log;
  if (at >= seals[2].end) return 'end';
  for (const [name, seal] of [['2', seals[1]], ['3', seals[2]]] as const) {
    if (at < seal.start - 1) return `entries ${name}`;
    if (at === seal.start - 1) return `LF before seal ${name}`;
    if (at < seal.end) return `seal ${name}`;
  }
  return 'none';
}

/**
 * How each place ends, without a pin, and with the pin of seal 3. A seal whose signature holds, over what cannot be read as it
 * says, is changed history: refused either way. Where no seal 3 can be made out, nobody without the pin can tell it from a write
 * that did not end: the record ends at seal 2, the rest is left behind; the pin knows better. An empty line between entries and
 * seal, or behind it, changes nothing that is covered.
 */
const OUTCOMES = {
  flip: () => ({
    ...refusedBeforeSeal3(),
    'LF before seal 3: ends at 5, rest left behind, pinned ERR_LOG_ROLLED_BACK': 1,
    // Digits of offset, length and first, which are not signed: the seal is genuine, and does not hold.
    'seal 3: refused, pinned ERR_LOG_RECORD_DAMAGED': 7,
    'seal 3: ends at 5, rest left behind, pinned ERR_LOG_ROLLED_BACK': sealBytes() - 7,
  }),
  'insert LF': () => ({
    ...refusedBeforeSeal3(),
    'LF before seal 3: ends at 8, pinned holds 8': 1,
    'seal 3: ends at 8, pinned holds 8': 1,
    'seal 3: ends at 8, rest left behind, pinned holds 8': 1,
    'seal 3: ends at 5, rest left behind, pinned ERR_LOG_ROLLED_BACK': sealBytes() - 2,
    'end: ends at 8, rest left behind, pinned holds 8': 1,
  }),
} as const;

const sealBytes = (): number => log.seals[2].end - log.seals[2].start;

function refusedBeforeSeal3(): Record<string, number> {
  const [, second, third] = log.seals;
  return {
    'entries 2: refused, pinned ERR_LOG_RECORD_DAMAGED': second.start - 1 - second.entries,
    'LF before seal 2: refused, pinned ERR_LOG_RECORD_DAMAGED': 1,
    'seal 2: refused, pinned ERR_LOG_RECORD_DAMAGED': second.end - second.start,
    'entries 3: refused, pinned ERR_LOG_RECORD_DAMAGED': third.start - 1 - third.entries,
  };
}

describe('a byte of garbage at every place of the last two batches', () => {
  test.each(SLOW ? (Object.keys(DAMAGES) as (keyof typeof DAMAGES)[]) : (['flip', 'insert LF'] as const))('%s', { timeout: 120_000 }, async (name) => {
    const [, second, third] = log.seals;
    const tally = new Tally();
    for (let at = second.entries; at < third.end + (name.startsWith('insert') ? 1 : 0); at++) {
      const bytes = DAMAGES[name](log.bytes, at);
      const place = `${name} at ${at} (${partOf(at)})`;

      // With the pin of what was acknowledged: refused, or nothing of it is missing.
      const pinned = await tryOpen(diskOf(log, bytes), { signer: log.signer, pin: third.note });
      const pinnedOutcome = 'refused' in pinned ? pinned.refused : `holds ${pinned.committer.sealedSize}`;
      if (!('refused' in pinned)) await pinned.committer.close();
      expect(pinnedOutcome, place).toMatch(/^(ERR_LOG_RECORD_DAMAGED|ERR_LOG_ROLLED_BACK|holds 8)$/);

      // A cache that was made before the damage changes nothing of that.
      const cached = await tryOpen(diskOf(log, bytes), { signer: log.signer, pin: third.note, cacheFiles: cache() });
      if (!('refused' in cached)) await cached.committer.close();
      expect('refused' in cached ? cached.refused : `holds ${cached.committer.sealedSize}`, `${place}, with a cache`).toBe(pinnedOutcome);

      // The verifier, which never takes a cache, agrees: with the pin nothing passes that the writer refuses.
      const looked = at % VERIFY_EVERY === 0 || partOf(at) !== partOf(at - 1) || partOf(at) !== partOf(at + 1);
      const verdict = looked ? (await verified(diskOf(log, bytes), third.note)).verdict : undefined;
      if (looked) expect(verdict, place).toBe(pinnedOutcome === 'holds 8' ? 'sound' : 'not_sound');

      // Without a pin.
      const disk = diskOf(log, bytes);
      const opening = await tryOpen(disk, { signer: log.signer });
      if ('refused' in opening) {
        expect(opening.refused, place).toBe('ERR_LOG_RECORD_DAMAGED');
        tally.add(`${partOf(at)}: refused, pinned ${pinnedOutcome}`);
        continue;
      }
      const { committer, left } = opening;
      const size = committer.sealedSize;
      await committer.append(encodeBatch(log.lines));
      await committer.close();
      expect(Buffer.compare(disk.get(SEGMENT_0)!.subarray(0, bytes.length), bytes), place).toBe(0);
      const { entries } = await expectSound(disk, looked);
      expect(entries, place).toEqual(log.lines); // what was lost is there again at the same index, by the retry
      tally.add(`${partOf(at)}: ends at ${size}${left === undefined ? '' : ', rest left behind'}, pinned ${pinnedOutcome}`);
    }
    if (name in OUTCOMES) expect(tally.counts).toEqual(OUTCOMES[name as keyof typeof OUTCOMES]());
  });
});

test('a hole of a gigabyte that was never written is left behind in seconds, in little memory', async () => {
  const folder = mkdtempSync(join(root, 'hole-'));
  const directory = await materialise(diskOf(log), join(folder, 'record'));
  truncateSync(join(directory, SEGMENT_0), log.bytes.length + 2 ** 30);
  const rss = process.memoryUsage().rss;
  const [begin, cpu] = [performance.now(), process.cpuUsage()];
  const open = await openLog({ store: fileStore(directory), signer: log.signer, heartbeatMs: 0 });
  const ms = performance.now() - begin;
  const { user, system } = process.cpuUsage(cpu);
  const cpuMs = (user + system) / 1_000;
  const grown = (process.memoryUsage().rss - rss) / 2 ** 20;
  process.stdout.write(`hole of 1 GiB: opened in ${Math.round(ms)} ms (${Math.round(cpuMs)} ms of CPU), ${Math.round(grown)} MiB more\n`);
  expect(open.size).toBe(10);
  await open.close();
  expect(cpuMs).toBeLessThan(8_000); // of CPU: the machine may be busy
  expect(grown).toBeLessThan(200);
  expect((await verifyLog(directory, { key: log.signer.vkey, cores: 1 })).verdict).toBe('sound');
});

test('planted while it is down: a header of another log, by the very key of this one', async () => {
  const place = await makeDirectoryLog(root);
  await plantHeader(place.directory, 1, place.signer, { log: sha256(Buffer.from('another')) });
  appendFileSync(join(place.directory, SEGMENT_0), 'torn');
  const log = await place.open();
  await place.append(log);
  await log.close();
  // Only who holds the key can do that, by mistake or not: it is no segment of this log, for the writer and for the verifier, who says so.
  const { entries } = readRecord(directoryFiles(place.directory), place.signer.vkey);
  for (const [n, { index }] of place.acks.entries()) expect(testNumber(entries[index]!)).toBe(n);
  const report = await verifyLog(place.directory, { key: place.signer.vkey, cores: 1 });
  expect(report.verdict).toBe('sound');
  expect(report.findings).toContainEqual(expect.objectContaining({ code: 'not_a_segment', meaning: expect.stringContaining('belongs to another log') as string }));
});

// ---- with the attribute

// Also after a failure; before the directory is removed, as these hooks run last to first.
afterAll(() => void spawnSync('chattr', ['-R', '-f', '-a', root]));

const why = probe();
if (why !== undefined) process.stdout.write(`append-only attribute: skipped, ${why}\n`);

function probe(): string | undefined {
  if (process.getuid?.() !== 0) return 'setting it needs root';
  const path = join(root, 'probe');
  writeFileSync(path, '');
  return setAppendOnly(path) ?? (isAppendOnly(path) === true ? undefined : 'it has no effect on this file system');
}

function protect(directory: string): void {
  for (const name of readdirSync(directory)) if (name !== 'cache') expect(setAppendOnly(join(directory, name))).toBeUndefined();
  expect(setAppendOnly(directory)).toBeUndefined();
}

describe('another program writes into the directory', () => testForeignWriter(root, 5));

describe.skipIf(why !== undefined)('another program writes into the directory, append-only attribute set', () => {
  test('the attribute is in force', () => {
    expect(() => truncateSync(join(root, 'probe'), 10)).toThrow(/EPERM/);
  });

  testForeignWriter(root, SLOW ? 5 : 1, protect);
});
