import { spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createLog, createSigningKey, fileStore, openLog, openReader, parseSigningKey } from '@indelible/log';
import { DirectoryCacheFiles, MemoryCacheFiles } from '../dist/cache/cache-files.js';
import { MemoryDisk } from '../dist/disk/memory-disk.js';
import { NodeDisk } from '../dist/disk/node-disk.js';
import { testEvent, testNumber, testSigner } from './support/events.ts';
import { memoryFiles } from './support/memory-record.ts';
import { directoryFiles, readRecord } from './support/record-oracle.ts';
import { appendNumbers, reopen } from './support/reopen.ts';
import { expectSoundDirectory } from './support/sound.ts';
import { makeTailRecord, type TailRecord } from './support/tail-record.ts';
import { temporaryDirectory } from './support/temporary.ts';

const root = temporaryDirectory('tail');
const signer = testSigner();
let record: TailRecord;
let logJson: Buffer;

beforeAll(async () => {
  const directory = join(root, 'original');
  mkdirSync(directory);
  record = await makeTailRecord(directory, signer);
  logJson = readFileSync(join(directory, 'log.json'));
});

/** A damage to the last two batches: what the segment becomes, and where it begins to differ. */
interface Damage {
  readonly name: string;
  readonly at: number;
  readonly bytes: Buffer;
}

const SLOW = process.env['SLOW'] === '1';
/** On a real disk each case costs some syncs and a chattr: one cut in so many, all of them with SLOW=1. */
const REAL_STRIDE = SLOW ? 1 : 9;

/** Every truncation, and at every place a flipped bit (SLOW=1: NUL, LF and 0xff too), and zeros from there to the end. */
function* damages({ bytes, from }: TailRecord): Generator<Damage> {
  for (let at = from; at < bytes.length; at++) {
    yield { name: `cut at ${at}`, at, bytes: bytes.subarray(0, at) };
    for (const value of [bytes[at]! ^ 1, ...(SLOW ? [0x00, 0x0a, 0xff] : [])]) {
      if (value === bytes[at]) continue;
      const changed = Buffer.from(bytes);
      changed[at] = value;
      yield { name: `byte ${at} is ${value}`, at, bytes: changed };
    }
    yield { name: `zeros from ${at}`, at, bytes: Buffer.concat([bytes.subarray(0, at), Buffer.alloc(bytes.length - at)]) };
  }
}

/** Size under the last seal that ends at or before a place. */
const sealedAt = (at: number): number => Math.max(0, ...record.seals.filter(({ end }) => end <= at).map(({ size }) => size));

describe('the last two batches', () => {
  test('every damage: what the seals before it cover stays, or the record is refused; with a pin nothing is lost in silence', { timeout: 300_000 }, async () => {
    const count = { opened: 0, refused: 0, refusedByPin: 0 };
    for (const { name, at, bytes } of damages(record)) {
      for (const pin of [undefined, record.pin]) {
        const disk = new MemoryDisk();
        disk.put('log.json', logJson);
        disk.put('000000.ndjson', bytes);
        const cacheFiles = new MemoryCacheFiles();
        const opened = await reopen(disk, cacheFiles, signer, pin);
        if ('refused' in opened) {
          expect(opened.refused.message, name).toMatch(/indelible verify/);
          expect(Buffer.from(disk.get('000000.ndjson')!).equals(bytes), name).toBe(true); // nothing was written
          expect(await disk.list()).toHaveLength(2);
          count[pin === undefined ? 'refused' : 'refusedByPin']++;
          continue;
        }
        const { size, committer } = opened;
        expect(size, name).toBe(sealedAt(at));
        expect(pin === undefined, `${name}: opened behind its pin`).toBe(true);
        count.opened++;
        const [index] = await appendNumbers(committer, [100]);
        expect(index, name).toBe(size);
        await committer.close();
        const again = readRecord(await memoryFiles(disk), signer.vkey);
        expect(again.errors, name).toEqual([]);
        expect(again.entries.slice(0, size), name).toEqual(record.entries.slice(0, size));
        expect(again.entries, name).toHaveLength(size + 1);
      }
    }
    process.stdout.write(`tail: ${JSON.stringify(count)}\n`);
    expect(count.opened).toBeGreaterThan(500);
    expect(count.refused).toBeGreaterThan(500);
    expect(count.refusedByPin).toBeGreaterThan(count.opened);
  });

  const isRoot = process.getuid?.() === 0;
  const canSet = isRoot && hasChattr();
  const how = canSet ? 'append-only files in an append-only directory' : `plain files (append-only skipped: ${isRoot ? 'chattr +a does not work here' : 'needs root'})`;
  test(`every truncation (one in ${REAL_STRIDE}), on ${how}, with the cache of the whole record beside it`, { timeout: 120_000 }, async () => {
    const made: { at: number; directory: string }[] = [];
    for (let at = record.from; at < record.bytes.length; at += REAL_STRIDE) made.push({ at, directory: makeCase(at) });
    const paths = made.flatMap(({ directory }) => [join(directory, '000000.ndjson'), join(directory, 'log.json'), directory]);
    try {
      for (let i = 0; canSet && i < paths.length; i += 500) expect(spawnSync('chattr', ['+a', ...paths.slice(i, i + 500)]).status).toBe(0);
      if (canSet) expect(() => truncateSync(join(made[0]!.directory, '000000.ndjson'), 0)).toThrow(/EPERM/);
      for (const { at, directory } of made) await openTruncated(directory, at);
    } finally {
      if (canSet) spawnSync('chattr', ['-R', '-a', root]);
    }
  });
  afterAll(() => {
    if (canSet) spawnSync('chattr', ['-R', '-a', root]);
  });

  let cases = 0;
  function makeCase(at: number): string {
    const directory = join(root, `case-${cases++}`);
    mkdirSync(directory);
    cpSync(join(record.directory, 'cache'), join(directory, 'cache'), { recursive: true });
    writeFileSync(join(directory, 'log.json'), logJson);
    writeFileSync(join(directory, '000000.ndjson'), record.bytes.subarray(0, at));
    return directory;
  }

  async function openTruncated(directory: string, at: number): Promise<void> {
    const opened = await reopen(new NodeDisk(directory), new DirectoryCacheFiles(join(directory, 'cache')), signer);
    if ('refused' in opened) throw opened.refused;
    expect(opened.size).toBe(sealedAt(at));
    if (at % 50 === 0) expect(await appendNumbers(opened.committer, [100, 101])).toEqual([opened.size, opened.size + 1]);
    await opened.committer.close();
    const again = readRecord(directoryFiles(directory), signer.vkey);
    expect(again.errors, `cut at ${at}`).toEqual([]);
    expect(again.entries.slice(0, opened.size)).toEqual(record.entries.slice(0, opened.size));
  }
});

function hasChattr(): boolean {
  const probe = mkdtempSync(join(root, 'probe-'));
  const set = spawnSync('chattr', ['+a', probe]).status === 0;
  if (set) spawnSync('chattr', ['-a', probe]);
  return set;
}

/** A copy of the record in a directory of its own. */
function copyOfRecord(): string {
  const directory = mkdtempSync(join(root, 'copy-'));
  cpSync(record.directory, directory, { recursive: true });
  return directory;
}

/** Opens the log with its pin, appends, closes; everything that was there is there, and the verifier agrees. */
async function goesOn(directory: string, before = record.entries.length): Promise<void> {
  const log = await openLog({ store: fileStore(directory), signer, pin: join(root, 'none.pin'), heartbeatMs: 0, app: 'tail', instance: 'tail', onError: () => undefined });
  const { index } = await log.append(testEvent(200));
  expect(index).toBeGreaterThanOrEqual(before);
  expect((await log.append(testEvent(4))).index).toBe(record.entries.findIndex((entry) => testNumber(entry) === 4));
  await log.receipt(index);
  await log.close();
  rmSync(join(root, 'none.pin'), { force: true });
  const { entries } = await expectSoundDirectory(directory, signer.vkey);
  expect(entries.slice(0, before)).toEqual(record.entries.slice(0, before));
}

describe('bytes behind the last seal', () => {
  test.each([1, 15, 4_095, 4_096, 4_097, 1 << 20, (1 << 20) + 65_537])('%d zeros', async (count) => {
    const directory = copyOfRecord();
    appendFileSync(join(directory, '000000.ndjson'), Buffer.alloc(count));
    await goesOn(directory);
  });

  const seal = (): string => record.bytes.subarray(record.bytes.lastIndexOf('\n{"indelible":"seal"') + 1).toString();
  const oldSeal = (): string => {
    const { end } = record.seals.at(-2)!;
    return record.bytes.subarray(record.bytes.lastIndexOf('\n', end - 2) + 1, end).toString();
  };
  const foreign: [string, () => string | Uint8Array][] = [
    ['a line of text', () => 'somebody was here\n'],
    ['text without a line end', () => 'somebody was here'],
    ['an empty line', () => '\n'],
    ['CRLF', () => '\r\n'],
    ['what looks like an entry', () => `${record.entries[2]!}\n`],
    ['half an entry', () => record.entries[2]!.slice(0, 50)],
    ['the last seal again', () => seal()],
    ['an older seal again', () => oldSeal()],
    ['a seal over more entries', () => seal().replace(/\\n(\d+)\\n/, (_all, size: string) => `\\n${Number(size) + 1}\\n`)],
    ['a seal without a signature', () => seal().replace(/\\u2014.*|\u2014.*/, '\\n"}\n')],
    ['a seal with another offset', () => seal().replace(/"offset":\d+/, '"offset":1')],
    ['half a seal', () => seal().slice(0, 200)],
    ['a seal without its line end', () => seal().trimEnd()],
    ['its own header again', () => record.bytes.subarray(0, record.bytes.indexOf(0x0a) + 1)],
    ['the whole segment again', () => record.bytes],
    ['the last batch again', () => record.bytes.subarray(record.seals.at(-2)!.end)],
    ['a control line of a later version', () => '{"indelible":"prune","before":3}\n'],
    ['control lines without end', () => '{"indelible":'.repeat(50_000)],
    ['many lines that begin like control lines', () => '{"indelible":"seal",\n'.repeat(50_000)],
    ['bytes of all values', () => Buffer.from(Array.from({ length: 256 }, (_, i) => i))],
    ['two million characters without a line end', () => 'x'.repeat(2_000_000)],
  ];

  test.each(foreign)('%s, while the log is closed', async (_name, make) => {
    const directory = copyOfRecord();
    appendFileSync(join(directory, '000000.ndjson'), make());
    await goesOn(directory);
  });

  test.each(foreign)('%s, while the log is open', async (_name, make) => {
    const directory = copyOfRecord();
    const opened = await reopen(new NodeDisk(directory), new DirectoryCacheFiles(join(directory, 'cache')), signer, record.pin);
    if ('refused' in opened) throw opened.refused;
    const { committer } = opened;
    const [before] = await appendNumbers(committer, [200]);
    appendFileSync(join(directory, '000000.ndjson'), make());
    const [index] = await appendNumbers(committer, [201]);
    expect(index).toBe(before! + 1);
    expect(await appendNumbers(committer, [200, 201])).toEqual([before, index]);
    await committer.close();
    const { segments } = await expectSoundDirectory(directory, signer.vkey);
    expect(segments.map(({ reason }) => reason)).toEqual([undefined, 'foreign']);
  });
});

describe('a planted next segment', () => {
  const other = parseSigningKey(createSigningKey('test.example/log').secret);
  const plants: [string, (directory: string) => Promise<void> | void][] = [
    ['an empty file', (directory) => writeFileSync(join(directory, '000001.ndjson'), '')],
    ['garbage', (directory) => writeFileSync(join(directory, '000001.ndjson'), 'garbage\n')],
    ['a large file of zeros', (directory) => writeFileSync(join(directory, '000001.ndjson'), Buffer.alloc(1 << 20))],
    ['a copy of an old segment', (directory) => cpSync(join(directory, '000000.ndjson'), join(directory, '000001.ndjson'))],
    ['a copy of an old segment with its number changed', (directory) => {
      writeFileSync(join(directory, '000001.ndjson'), readFileSync(join(directory, '000000.ndjson'), 'utf8').replace('"segment":0', '"segment":1'));
    }],
    ['a segment signed by another key', async (directory) => {
      const elsewhere = mkdtempSync(join(root, 'elsewhere-'));
      await createLog(elsewhere, { signer: other });
      writeFileSync(join(directory, '000001.ndjson'), readFileSync(join(elsewhere, '000000.ndjson')));
    }],
    ['a good segment by another key that goes on from here', (directory) => plantByKey(directory, other)],
    ['a directory', (directory) => mkdirSync(join(directory, '000001.ndjson'))],
    ['a link that leads nowhere', (directory) => symlinkSync('/nonexistent/file', join(directory, '000001.ndjson'))],
    ['a link to the segment before', (directory) => symlinkSync('000000.ndjson', join(directory, '000001.ndjson'))],
    ['a FIFO', (directory) => {
      expect(spawnSync('mkfifo', [join(directory, '000001.ndjson')]).status).toBe(0);
    }],
    ['a file with the highest number there is', (directory) => writeFileSync(join(directory, '999999999999999.ndjson'), 'x')],
    ['many files', (directory) => {
      for (let i = 1; i <= 40; i++) writeFileSync(join(directory, `${String(i).padStart(6, '0')}.ndjson`), 'x');
    }],
    ['files of other names', (directory) => {
      for (const name of ['0.ndjson', '000001.ndjson.gz', '000001.NDJSON', 'notes.txt', '.hidden']) writeFileSync(join(directory, name), 'x');
    }],
  ];

  test.each(plants)('%s, while the log is closed', async (_name, plant) => {
    const directory = copyOfRecord();
    await plant(directory);
    await goesOn(directory);
    appendFileSync(join(directory, '000000.ndjson'), 'and a torn tail, so that a new segment is made');
    const log = await openLog({ store: fileStore(directory), signer, heartbeatMs: 0, app: 'tail', instance: 'tail' });
    const { index } = await log.append(testEvent(300));
    await log.close();
    const again = await openLog({ store: fileStore(directory), signer, heartbeatMs: 0, app: 'tail', instance: 'tail' });
    expect((await again.append(testEvent(300))).index).toBe(index);
    await again.close();
    await expectSoundDirectory(directory, signer.vkey);
  });

  test.each(plants)('%s, while the log is open', async (_name, plant) => {
    const directory = copyOfRecord();
    const log = await openLog({ store: fileStore(directory), signer, heartbeatMs: 0, app: 'tail', instance: 'tail', onError: () => undefined });
    const { index } = await log.append(testEvent(300));
    await plant(directory);
    const more = await log.append(testEvent(301));
    expect(more.index).toBeGreaterThan(index);
    await log.receipt(more.index);
    let last = -1;
    for await (const entry of (await openReader(directory)).entries()) last = entry.index;
    expect(last).toBeGreaterThanOrEqual(more.index);
    await log.close();
    await goesOn(directory);
  });

  /** What somebody could make who has all files and a key of his own. */
  async function plantByKey(directory: string, key: typeof other): Promise<void> {
    const { openNextSegment } = await import('../dist/commit/next-segment.js');
    const { recover } = await import('../dist/recover/recover.js');
    const { Cache } = await import('../dist/cache/cache.js');
    const disk = new NodeDisk(directory);
    const end = await recover({ disk, cache: (file) => new Cache(new MemoryCacheFiles(), file.origin), vkey: signer.vkey });
    const open = await openNextSegment(disk, {
      file: end.file,
      logDigest: end.logDigest,
      signer: key,
      edge: end.edge,
      seal: end.seal,
      previous: { segment: 0, name: '000000.ndjson', length: end.length, dead: 0, digest: end.deadDigest, reason: 'key_changed' },
      number: end.nextNumber,
      nowMs: Date.now(),
    });
    await open.file.close();
  }
});
