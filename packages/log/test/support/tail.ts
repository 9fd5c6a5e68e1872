import { execFileSync } from 'node:child_process';
import { hash } from 'node:crypto';
import { appendFileSync, cpSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { encodeEvent } from '@indelible/event';
import { LogError, createLog, fileStore, openLog, type Acknowledgement, type Log, type LogErrorCode, type Signer } from '@indelible/log';
import { verifyLog } from '@indelible/verify';
import { parseVerifierKey } from '@indelible/tlog';
import { Cache } from '../../dist/cache/cache.js';
import { MemoryCacheFiles, type CacheFiles } from '../../dist/cache/cache-files.js';
import { encodeBatch } from '../../dist/commit/batch.js';
import { Committer } from '../../dist/commit/committer.js';
import type { LeftBehind } from '../../dist/commit/next-segment.js';
import { MemoryDisk } from '../../dist/disk/memory-disk.js';
import { createRecord } from '../../dist/record/create-record.js';
import { encodeSealLine, formatSealNote, formatSealText } from '../../dist/record/seal-line.js';
import { signSegmentHeader, type SegmentHeader } from '../../dist/record/segment-header.js';
import { testEvent, testId, testNumber, testSigner } from './events.ts';
import { seededRandom } from './random.ts';
import type { OracleResult } from './record-oracle.ts';
import { expectSoundDirectory } from './sound.ts';

export const SEGMENT_0 = '000000.ndjson';
const BEGIN_MS = Date.UTC(2025, 0, 1);

/** Where a seal line is in the segment, and what it says. */
export interface PlacedSeal {
  readonly size: number;
  /** Where the entries under it begin; right behind the seal before. */
  readonly entries: number;
  readonly start: number;
  readonly end: number;
  readonly note: string;
}

/** A small log of one segment in three batches: two entries, three, three. Everything in it was acknowledged. */
export interface TailLog {
  readonly signer: Signer;
  readonly logFile: Uint8Array;
  readonly bytes: Uint8Array;
  readonly lines: readonly string[];
  readonly seals: readonly [PlacedSeal, PlacedSeal, PlacedSeal];
}

/** The entry with this number, short. */
export function tailLine(n: number): string {
  return encodeEvent({ id: testId(n), timestamp: BEGIN_MS + n, event: 'logout', userId: `u${n}` }, { nowMs: BEGIN_MS + n, defaults: { app: 't', instance: 't' } });
}

/** Makes the log. */
export async function makeTailLog(signer: Signer = testSigner('t.example/l')): Promise<TailLog> {
  const disk = new MemoryDisk();
  await createRecord(disk, signer, { nowMs: BEGIN_MS });
  const notes: string[] = [];
  const committer = await openCommitter(disk, { signer, onSeal: (note) => notes.push(note) });
  const [lines, seals]: [string[], PlacedSeal[]] = [[], []];
  for (const count of [2, 3, 3]) {
    const entries = disk.get(SEGMENT_0)!.length;
    const batch = Array.from({ length: count }, (_, i) => tailLine(lines.length + i));
    lines.push(...batch);
    await committer.append(encodeBatch(batch));
    const end = disk.get(SEGMENT_0)!.length;
    seals.push({ size: lines.length, entries, start: entries + Buffer.byteLength(`${batch.join('\n')}\n`), end, note: notes.at(-1)! });
  }
  await committer.close();
  return { signer, logFile: disk.get('log.json')!, bytes: disk.get(SEGMENT_0)!, lines, seals: seals as unknown as TailLog['seals'] };
}

/** A disk with the log, its segment replaced by `bytes`. */
export function diskOf(log: TailLog, bytes: Uint8Array = log.bytes): MemoryDisk {
  const disk = new MemoryDisk();
  disk.put('log.json', log.logFile);
  disk.put(SEGMENT_0, bytes);
  return disk;
}

/** What a committer is opened with; the rest does not matter at the tail. */
export interface OpenCommitter {
  readonly signer: Signer;
  readonly pin?: string | undefined;
  readonly cacheFiles?: CacheFiles;
  readonly onSeal?: (note: string) => void;
  readonly onRecovered?: (left: LeftBehind) => void;
}

/** Opens the writer on a disk in memory. */
function openCommitter(disk: MemoryDisk, options: OpenCommitter): Promise<Committer> {
  const cacheFiles = options.cacheFiles ?? new MemoryCacheFiles();
  return Committer.open({
    disk,
    cache: (file) => new Cache(cacheFiles, file.origin),
    signer: options.signer,
    segmentBytes: 1e9,
    onSeal: (note) => options.onSeal?.(note),
    onRecovered: (left) => options.onRecovered?.(left),
    ...(options.pin === undefined ? {} : { pin: options.pin }),
    nowMs: () => BEGIN_MS,
  });
}

/** The cache that a writer left which closed the intact log properly: each call gives a copy of its own. */
export async function cacheOf(log: TailLog): Promise<() => CacheFiles> {
  const cacheFiles = new CopiedCacheFiles();
  await (await openCommitter(diskOf(log), { signer: log.signer, cacheFiles })).close();
  return () => cacheFiles.copy();
}

class CopiedCacheFiles extends MemoryCacheFiles {
  readonly #writes: [name: string, position: number, bytes: Uint8Array][] = [];

  override write(name: string, position: number, bytes: Uint8Array): void {
    this.#writes.push([name, position, bytes.slice()]);
    super.write(name, position, bytes);
  }

  copy(): CacheFiles {
    const copy = new MemoryCacheFiles();
    for (const write of this.#writes) copy.write(...write);
    copy.writeState(this.readState()!);
    return copy;
  }
}

/** How an opening ended. */
export type Opening = { readonly refused: LogErrorCode } | { readonly committer: Committer; readonly left: LeftBehind | undefined };

/** Opens the writer; only a typed, fatal refusal that wrote nothing is an answer besides success. */
export async function tryOpen(disk: MemoryDisk, options: OpenCommitter): Promise<Opening> {
  let left: LeftBehind | undefined;
  const before = await contents(disk);
  try {
    const committer = await openCommitter(disk, { ...options, onRecovered: (found) => (left = found) });
    return { committer, left };
  } catch (error) {
    if (!(error instanceof LogError)) throw new Error(`an untyped error: ${String(error)}`, { cause: error });
    if ((await contents(disk)) !== before) throw new Error('refused, but something was written', { cause: error });
    return { refused: error.code };
  }
}

const contents = async (disk: MemoryDisk): Promise<string> => JSON.stringify((await disk.list()).map((name) => [name, sha256(disk.get(name)!)]));

/** The details of each `log_recovered`. */
export function recoveries(entries: readonly string[]): unknown[] {
  const parsed = entries.map((entry) => JSON.parse(entry) as { event: string; details: unknown });
  return parsed.filter(({ event }) => event === 'log_recovered').map(({ details }) => details);
}

/** SHA-256 in base64, as headers and `log_recovered` have it. */
export function sha256(bytes: Uint8Array): string {
  return hash('sha256', bytes, 'base64');
}

/** Writes a disk into a directory, for a reader of directories. */
export async function materialise(disk: MemoryDisk, directory: string): Promise<string> {
  mkdirSync(directory, { recursive: true });
  for (const name of await disk.list()) writeFileSync(join(directory, name), disk.get(name)!);
  return directory;
}

export function concat(...parts: readonly (Uint8Array | string)[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part))));
}

/** Counts outcomes by name, so that a silent change shows. */
export class Tally {
  readonly counts: Record<string, number> = {};
  add = (name: string): void => void (this.counts[name] = (this.counts[name] ?? 0) + 1);
}

/** A log in a directory, closed. */
export interface DirectoryLog {
  readonly directory: string;
  readonly signer: Signer;
  readonly acks: Acknowledgement[];
  open(signer?: Signer): Promise<Log>;
  /** Appends events that were not appended before; keeps their acknowledgements. */
  append(log: Log, count?: number): Promise<void>;
  /** Everything acknowledged is at its index, and both readers find nothing wrong. */
  check(): Promise<OracleResult>;
}

let original: { readonly record: string; readonly signer: Signer; readonly acks: readonly Acknowledgement[] } | undefined;

/** Makes such a log: a copy of one that is made once. */
export async function makeDirectoryLog(root: string, protect?: (directory: string) => void): Promise<DirectoryLog> {
  const folder = mkdtempSync(join(root, 'log-'));
  const directory = join(folder, 'record');
  const signer = original?.signer ?? testSigner();
  const acks: Acknowledgement[] = [...(original?.acks ?? [])];
  const place: DirectoryLog = {
    directory,
    signer,
    acks,
    open: (by = signer) => openLog({ store: fileStore(directory), signer: by, pin: join(folder, 'pin'), heartbeatMs: 0, app: 't', instance: 't', onError: () => undefined }),
    append: async (log, count = 3) => {
      const events = Array.from({ length: count }, (_, i) => testEvent(acks.length + i));
      acks.push(...(await log.appendAll(events)));
    },
    check: async () => {
      const record = await expectSoundDirectory(directory, signer.vkey);
      expect((await verifyLog(directory, { key: signer.vkey, cores: 1, pin: readFileSync(join(folder, 'pin'), 'utf8') })).verdict).toBe('sound');
      for (const [n, { index }] of acks.entries()) expect(testNumber(record.entries[index]!), `event ${n} at ${index}`).toBe(n);
      expect(record.entries.map(testNumber).filter((n) => n !== undefined)).toHaveLength(acks.length); // no duplicate
      return record;
    },
  };
  if (original === undefined) {
    await createLog(directory, { signer });
    const log = await place.open();
    for (let batch = 0; batch < 3; batch++) await place.append(log);
    await log.close();
    original = { record: mkdtempSync(join(root, 'original-')), signer, acks: [...acks] };
    cpSync(folder, original.record, { recursive: true });
  } else {
    cpSync(original.record, folder, { recursive: true });
  }
  protect?.(directory);
  return place;
}

/** The segment that is being written: the last regular file with a header. */
function lastSegment(directory: string): string {
  const entries = readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isFile() && /^[0-9]{6}\.ndjson$/.test(entry.name));
  return entries.map(({ name }) => join(directory, name)).sort().findLast((path) => readFileSync(path, 'latin1').startsWith('{"indelible":"segment"'))!;
}
const controlLine = (line: string): boolean => line.startsWith('{"indelible":"seal"');

/** Bytes of somebody else's, made for the segment as it is. */
const FOREIGN: Readonly<Record<string, (segment: Buffer, place: DirectoryLog) => Promise<Uint8Array> | Uint8Array>> = {
  'one zero byte': () => Buffer.alloc(1),
  'a page of zeros': () => Buffer.alloc(4_096),
  'a megabyte of zeros': () => Buffer.alloc(1 << 20),
  'CR LF': () => Buffer.from('\r\n'),
  'half a character': () => Buffer.of(0xe2, 0x80),
  'text without a line end': () => Buffer.from('not ours'),
  'lines of text': () => Buffer.from('not ours\nnor this\n\n'),
  'a line that looks like an entry': () => Buffer.from(`${tailLine(999)}\n`),
  'an entry and a seal forged with another key': async (segment, { signer }) => {
    const key = parseVerifierKey(testSigner(parseVerifierKey(signer.vkey).name).vkey);
    const entry = Buffer.from(`${tailLine(998)}\n`);
    const text = formatSealText(key.name, 1_000, new Uint8Array(32));
    const note = formatSealNote(text, key, await testSigner(key.name).sign(Buffer.from(text)));
    return concat(entry, encodeSealLine({ offset: segment.length, length: entry.length, first: 9, note }));
  },
  'a copy of the oldest seal': (segment) => Buffer.from(`${segment.toString().split('\n').find(controlLine) ?? 'no seal yet'}\n`),
  'a copy of the last batch with its seal': (segment) => {
    const lines = segment.toString().split('\n').slice(0, -1);
    const before = lines.slice(0, -1).findLastIndex((line) => line.startsWith('{"indelible":'));
    return Buffer.from(`${lines.slice(before + 1).join('\n')}\n`);
  },
};

/** Plants a segment's header, signed, where the next segment would be. */
export async function plantHeader(directory: string, number: number, signer: Signer, change: Partial<SegmentHeader>): Promise<void> {
  const log = sha256(readFileSync(join(directory, 'log.json')));
  const header: SegmentHeader = {
    ...{ origin: parseVerifierKey(signer.vkey).name, segment: number, log, key: signer.vkey },
    ...{ time: new Date(BEGIN_MS).toISOString(), size: 0, edge: [] },
    prev: { segment: number - 1, length: 10, dead: 0, digest: sha256(new Uint8Array(0)), reason: 'torn' },
    ...change,
  };
  writeFileSync(nextPath(directory, number), await signSegmentHeader(header, (message) => signer.sign(message)));
}

const nextPath = (directory: string, number: number): string => join(directory, `${String(number).padStart(6, '0')}.ndjson`);

/** Things under the name of the next segment. */
const PLANTED: Readonly<Record<string, (directory: string, number: number, place: DirectoryLog) => Promise<void> | void>> = {
  'an empty file': (directory, number) => writeFileSync(nextPath(directory, number), ''),
  garbage: (directory, number) => writeFileSync(nextPath(directory, number), Buffer.alloc(3_000, 0xa5)),
  'a copy of segment 0': (directory, number) => writeFileSync(nextPath(directory, number), readFileSync(join(directory, SEGMENT_0)).subarray(0, 300)),
  'a header signed by another key': (directory, number, { signer }) => plantHeader(directory, number, testSigner(parseVerifierKey(signer.vkey).name), {}),
  'a header of another log, by a key of the same name': (directory, number, { signer }) => plantHeader(directory, number, testSigner(parseVerifierKey(signer.vkey).name), { log: sha256(Buffer.from('another')) }),
  'a directory': (directory, number) => mkdirSync(nextPath(directory, number)),
  'a FIFO': (directory, number) => void execFileSync('mkfifo', [nextPath(directory, number)]),
  'a symbolic link to segment 0': (directory, number) => symlinkSync(SEGMENT_0, nextPath(directory, number)),
  'a symbolic link to nothing': (directory, number) => symlinkSync('nowhere', nextPath(directory, number)),
};

const nextNumber = (directory: string): number => 1 + Math.max(...readdirSync(directory).filter((name) => name.endsWith('.ndjson')).map((name) => Number(name.slice(0, 6))));

/** Appends, and once more: the second stands behind the `log_recovered` that the first may have led to. */
const settle = async (place: DirectoryLog, log: Log): Promise<void> => place.append(log).then(() => place.append(log, 1));

/** What has to hold whoever writes into the directory too. `protect` is called when the log has been made. */
export function testForeignWriter(root: string, lives: number, protect?: (directory: string) => void): void {
  test.each(Object.keys(FOREIGN))('while it is down: %s', async (name) => {
    const place = await makeDirectoryLog(root, protect);
    const path = lastSegment(place.directory);
    const before = readFileSync(path);
    const foreign = await FOREIGN[name]!(before, place);
    appendFileSync(path, foreign);
    // Before anybody writes: a forged seal speaks against the log, all else is behind its end.
    const report = await verifyLog(place.directory, { key: place.signer.vkey, cores: 1 });
    expect(report.verdict).toBe(name.includes('forged') ? 'not_sound' : 'sound');
    expect(report.coverage.unsealedBytes).toBe(foreign.length);

    const log = await place.open();
    await place.append(log);
    expect(await log.append(testEvent(4))).toEqual(place.acks[4]);
    await log.close();
    expect(Buffer.compare(readFileSync(path), concat(before, foreign))).toBe(0);
    const { entries, segments } = await place.check();
    expect(segments.map(({ reason }) => reason)).toEqual([undefined, 'torn']);
    expect(recoveries(entries)).toEqual([{ segment: 0, validLength: before.length, deadBytes: foreign.length, deadDigest: sha256(foreign), reason: 'torn' }]);
  });

  test('while it runs: each of them, between two appends', async () => {
    const place = await makeDirectoryLog(root, protect);
    const log = await place.open();
    for (const make of Object.values(FOREIGN)) {
      const path = lastSegment(place.directory);
      appendFileSync(path, await make(readFileSync(path), place));
      await settle(place, log);
    }
    await log.close();
    const { segments } = await place.check();
    expect(segments.map(({ reason }) => reason)).toEqual([undefined, ...Object.keys(FOREIGN).map(() => 'foreign')]);
  });

  test('while it runs: each of them, after a batch was synced and before its seal', async () => {
    const place = await makeDirectoryLog(root, protect);
    let armed: keyof typeof FOREIGN | undefined;
    // Without its key in hand the writer asks this thread to sign: exactly in the window.
    const signer: Signer = {
      vkey: place.signer.vkey,
      sign: async (message) => {
        if (armed !== undefined && !Buffer.from(message).toString().startsWith('indelible/')) {
          const [path, make] = [lastSegment(place.directory), FOREIGN[armed]!];
          armed = undefined;
          appendFileSync(path, await make(readFileSync(path), place));
        }
        return place.signer.sign(message);
      },
    };
    const log = await place.open(signer);
    for (const name of Object.keys(FOREIGN)) {
      armed = name;
      await settle(place, log);
      expect(armed).toBeUndefined();
    }
    await log.close();
    const { segments } = await place.check();
    expect(segments.filter(({ reason }) => reason === 'foreign')).toHaveLength(Object.keys(FOREIGN).length);
  });

  test(`while it runs: at ${lives * 40} random moments of an append`, { timeout: 120_000 }, async () => {
    const random = seededRandom(1);
    let refused = 0;
    for (let life = 0; life < lives; life++) {
      const place = await makeDirectoryLog(root, protect);
      const log = await place.open();
      for (let i = 0; i < 40; i++) {
        const path = lastSegment(place.directory);
        const done = place.append(log, 1 + random.below(3)).then(() => true, (error: unknown) => (error instanceof LogError ? false : Promise.reject(error as Error)));
        const until = performance.now() + random.below(3_000) / 1_000;
        while (performance.now() < until); // the writer is on another thread
        appendFileSync(path, random.pick(['x', 'foreign\n', '\0', '{"indelible":"seal"\n']));
        if (await done) continue;
        refused++;
        await new Promise((resolve) => setTimeout(resolve, 1_100)); // it opens again a second after it has stopped
        await place.append(log, 3);
      }
      await log.close();
      await place.check();
    }
    expect(refused).toBeLessThan(20);
  });

  test.each(Object.keys(PLANTED))('planted while it is down: %s', async (name) => {
    const place = await makeDirectoryLog(root, protect);
    await PLANTED[name]!(place.directory, 1, place);
    const log = await place.open();
    await place.append(log);
    await log.close();
    appendFileSync(join(place.directory, SEGMENT_0), 'torn'); // now a successor has to be made, beside it
    const again = await place.open();
    await place.append(again);
    await again.close();
    const { segments, skipped } = await place.check();
    expect(segments.map(({ number }) => number)).toEqual([0, 2]);
    expect(skipped).toEqual(lstatSync(nextPath(place.directory, 1)).isFile() ? ['000001.ndjson'] : []); // the reader lists regular files
  });

  test('planted while it runs: each of them', async () => {
    const place = await makeDirectoryLog(root, protect);
    const log = await place.open();
    for (const plant of Object.values(PLANTED)) {
      await plant(place.directory, nextNumber(place.directory), place);
      await settle(place, log);
    }
    await log.close();
    const { segments } = await place.check();
    expect(segments.slice(1).map(({ reason }) => reason)).toEqual(Object.keys(PLANTED).map(() => 'foreign'));
  });
}
