import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as later } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { createLog, fileStore, openLog, openReader, type LogErrorCode } from '@indelible/log';
import { judge, makeLog, runVictim } from './kill/judge.mjs';
import { testEvent, testNumber, testSigner } from './support/events.ts';
import { expectError } from './support/expect-error.ts';
import { directoryFiles } from './support/record-oracle.ts';
import { expectSound, expectSoundDirectory } from './support/sound.ts';
import { temporaryDirectory } from './support/temporary.ts';

const root = temporaryDirectory('bad-input');
const signer = testSigner();
const isRoot = process.getuid?.() === 0;
const NOBODY = 65_534;

const mounts: string[] = [];
afterAll(() => {
  for (const path of mounts) spawnSync('umount', ['-l', path]);
});

/** A small file system of its own, or undefined where none can be had. */
function smallFileSystem(kibibytes: number): string | undefined {
  if (!isRoot || process.platform !== 'linux') return undefined;
  const path = mkdtempSync(join(root, 'small-'));
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${kibibytes}k`, 'tmpfs', path]).status !== 0) return undefined;
  mounts.push(path);
  return path;
}

const canMount = smallFileSystem(64) !== undefined;
const noMount = canMount ? '' : ` (skipped: ${isRoot ? 'tmpfs cannot be mounted here' : 'needs root'})`;

const open = (directory: string, segmentBytes?: number) =>
  openLog({ store: fileStore(directory, { lockWaitMs: 0, ...(segmentBytes === undefined ? {} : { segmentBytes }) }), signer, heartbeatMs: 0, app: 'bad', instance: 'bad', onError: () => undefined });

describe('a full disk', () => {
  test.skipIf(!canMount)(`a typed error, nothing lost, and on when there is room again${noMount}`, { timeout: 60_000 }, async () => {
    const path = smallFileSystem(1_024)!;
    const directory = join(path, 'record');
    writeFileSync(join(path, 'filler'), Buffer.alloc(500_000));
    await createLog(directory, { signer });
    const log = await open(directory);
    const acknowledged = new Map<number, number>();
    let n = 0;
    let full: { code: string; message: string } | undefined;
    while (full === undefined) {
      const numbers = Array.from({ length: 20 }, () => n++);
      const results = await Promise.allSettled(numbers.map((one) => log.append(testEvent(one, { details: { text: 'x'.repeat(1_000) } }))));
      results.forEach((result, i) => {
        if (result.status === 'fulfilled') acknowledged.set(numbers[i]!, result.value.index);
        else full = result.reason as { code: string; message: string };
      });
    }
    expect(full.code).toBe('ERR_LOG_STORAGE_FULL');
    expect(full.message).toMatch(/ENOSPC|disk is full/);
    expect(acknowledged.size).toBeGreaterThan(100);
    for (let i = 0; i < 8; i++) {
      await later(600);
      await expectError('ERR_LOG_STORAGE_FULL', () => log.append(testEvent(100_000)));
    }
    const files = readdirSync(directory).filter((name) => name.endsWith('.ndjson'));
    expect(files.length, 'files left behind while the disk was full').toBe(1);
    expectSound(directoryFiles(directory), signer.vkey);

    rmSync(join(path, 'filler'));
    await expect.poll(() => log.append(testEvent(100_000)).then(() => 'recorded', (error: { code: string }) => error.code), { timeout: 10_000, interval: 200 }).toBe('recorded');
    for (const [one, index] of acknowledged) expect((await log.append(testEvent(one, { details: { text: 'x'.repeat(1_000) } }))).index).toBe(index);
    await log.close();
    const { entries } = await expectSoundDirectory(directory, signer.vkey);
    for (const [one, index] of acknowledged) expect(testNumber(entries[index]!)).toBe(one);
  });

  test.skipIf(!canMount)(`a log that cannot be opened for want of room says so, and opens when there is some${noMount}`, async () => {
    const path = smallFileSystem(256)!;
    const directory = join(path, 'record');
    await createLog(directory, { signer });
    await (await open(directory)).close();
    writeFileSync(join(directory, '000000.ndjson'), 'a torn tail', { flag: 'a' }); // a new segment is due
    expect(() => writeFileSync(join(path, 'filler'), Buffer.alloc(400_000))).toThrow(/ENOSPC/);
    for (let i = 0; i < 3; i++) await expectError('ERR_LOG_STORAGE_FULL', () => open(directory));
    rmSync(join(path, 'filler'));
    await (await open(directory)).close();
    await expectSoundDirectory(directory, signer.vkey);
  });
});

describe('a file system that becomes read-only', () => {
  test.skipIf(!canMount)(`is a typed error, and the log goes on when it is writable again${noMount}`, { timeout: 60_000 }, async () => {
    const path = smallFileSystem(2_048)!;
    const directory = join(path, 'record');
    await createLog(directory, { signer });
    const log = await open(directory);
    const { index } = await log.append(testEvent(1));
    await log.close();
    expect(spawnSync('mount', ['-o', 'remount,ro', path]).status).toBe(0);
    const error = await expectError('ERR_LOG_DIRECTORY_UNREADABLE', () => open(directory));
    expect(error.message).toContain(directory);
    const reader = await openReader(directory);
    expect((await reader.seal())!.treeSize).toBe(log.size);
    expect(spawnSync('mount', ['-o', 'remount,rw', path]).status).toBe(0);
    const again = await open(directory);
    expect((await again.append(testEvent(1))).index).toBe(index);
    await again.close();
    await expectSoundDirectory(directory, signer.vkey);
  });
});

describe('permissions', () => {
  const readable = ((): boolean => {
    // The unprivileged child has to read this package.
    if (!isRoot) return false;
    const probe = spawnSync(process.execPath, ['-e', `require('node:fs').accessSync(${JSON.stringify(fileURLToPath(import.meta.resolve('@indelible/log')))})`], { uid: NOBODY });
    return probe.status === 0;
  })();
  const reason = readable ? '' : ` (skipped: ${isRoot ? 'an unprivileged process cannot read this checkout' : 'needs root to start a process with fewer rights'})`;

  const cases: [string, (directory: string) => void, LogErrorCode][] = [
    ['a read-only segment', (directory) => chmodSync(join(directory, '000000.ndjson'), 0o444), 'ERR_LOG_DIRECTORY_UNREADABLE'],
    ['an unreadable segment', (directory) => chmodSync(join(directory, '000000.ndjson'), 0o000), 'ERR_LOG_DIRECTORY_UNREADABLE'],
    ['an unreadable log.json', (directory) => chmodSync(join(directory, 'log.json'), 0o000), 'ERR_LOG_DIRECTORY_UNREADABLE'],
    ['an unreadable directory', (directory) => chmodSync(directory, 0o000), 'ERR_LOG_DIRECTORY_UNREADABLE'],
    ['a directory that may be listed only', (directory) => chmodSync(directory, 0o444), 'ERR_LOG_DIRECTORY_UNREADABLE'],
    ['an unwritable cache', (directory) => chmodSync(join(directory, 'cache'), 0o000), 'ERR_LOG_DIRECTORY_UNREADABLE'],
  ];
  test.skipIf(!readable).each(cases)(`%s is named, and nothing is changed${reason}`, { timeout: 60_000 }, async (_name, spoil, code) => {
    const log = await makeLog(root);
    const prepared = await runVictim(log, { batches: 3, segmentBytes: 1e6 });
    expect(prepared.closed).toBe(true);
    const before = readFileSync(join(log.directory, '000000.ndjson'));
    for (const path of [dirname(log.key), log.key, `${log.key}.pin`, log.directory, ...readdirSync(log.directory, { recursive: true, encoding: 'utf8' }).map((name) => join(log.directory, name))]) chownSync(path, NOBODY, NOBODY);
    chmodSync(root, 0o755);
    spoil(log.directory);
    const said = await runVictim(log, { batches: 1 }, { uid: NOBODY });
    expect(said.failed, said.errors).toBe(code);
    chmodSync(log.directory, 0o750);
    for (const name of ['log.json', '000000.ndjson', 'cache']) chmodSync(join(log.directory, name), name === 'cache' ? 0o750 : 0o640);
    expect(readFileSync(join(log.directory, '000000.ndjson'))).toEqual(before);
    expect((await judge(log, prepared)).findings).toEqual([]);
  });

  test.skipIf(!readable)(`a directory in which no file can be created is met when a segment is due${reason}`, { timeout: 60_000 }, async () => {
    const log = await makeLog(root);
    chownSync(dirname(log.key), NOBODY, NOBODY);
    for (const path of [log.key, log.directory, join(log.directory, 'cache'), join(log.directory, '000000.ndjson'), join(log.directory, 'log.json')]) chownSync(path, NOBODY, NOBODY);
    chmodSync(root, 0o755);
    chmodSync(log.directory, 0o555);
    const said = await runVictim(log, { batches: 20, segmentBytes: 3_000 }, { uid: NOBODY });
    expect(said.acknowledged).toBeGreaterThan(3);
    expect(said.refused.length).toBeGreaterThan(0);
    for (const { code } of said.refused) expect(['ERR_LOG_WRITE_FAILED', 'ERR_LOG_DIRECTORY_UNREADABLE']).toContain(code);
    chmodSync(log.directory, 0o750);
    expect((await judge(log, said)).findings).toEqual([]);
  });

  test.skipIf(!isRoot || process.platform !== 'linux')('an immutable segment is named', async () => {
    const directory = mkdtempSync(join(root, 'immutable-'));
    await createLog(directory, { signer });
    const segment = join(directory, '000000.ndjson');
    if (spawnSync('chattr', ['+i', segment]).status !== 0) return;
    try {
      const error = await expectError('ERR_LOG_DIRECTORY_UNREADABLE', () => open(directory));
      expect(error.message).toContain(directory);
    } finally {
      spawnSync('chattr', ['-i', segment]);
    }
    await (await open(directory)).close();
  });
});

describe('a directory that holds no log, or a spoiled one', () => {
  const made = async (): Promise<string> => {
    const directory = join(mkdtempSync(join(root, 'spoiled-')), 'record');
    await createLog(directory, { signer });
    const log = await open(directory);
    await log.append(testEvent(1));
    await log.close();
    return directory;
  };
  const cases: [string, (directory: string) => void | string, LogErrorCode][] = [
    ['a directory that is missing', (directory) => `${directory}-missing`, 'ERR_LOG_NOT_FOUND'],
    ['a file', (directory) => join(directory, 'log.json'), 'ERR_LOG_NOT_FOUND'],
    ['a directory without log.json', (directory) => rmSync(join(directory, 'log.json')), 'ERR_LOG_NOT_FOUND'],
    ['a log.json that is a directory', (directory) => { rmSync(join(directory, 'log.json')); mkdirSync(join(directory, 'log.json')); }, 'ERR_LOG_NOT_FOUND'],
    ['a log.json that leads nowhere', (directory) => { rmSync(join(directory, 'log.json')); symlinkSync('/nonexistent', join(directory, 'log.json')); }, 'ERR_LOG_NOT_FOUND'],
    ['an empty log.json', (directory) => writeFileSync(join(directory, 'log.json'), ''), 'ERR_LOG_FILE_INVALID'],
    ['a log.json of 2 MB', (directory) => writeFileSync(join(directory, 'log.json'), Buffer.alloc(2 << 20, ' ')), 'ERR_LOG_FILE_INVALID'],
    ['a log.json with white space', (directory) => writeFileSync(join(directory, 'log.json'), readFileSync(join(directory, 'log.json'), 'utf8').replace(',', ', ')), 'ERR_LOG_FILE_INVALID'],
    ['a log.json with another time', (directory) => writeFileSync(join(directory, 'log.json'), readFileSync(join(directory, 'log.json'), 'utf8').replace(/"created":"\d{4}/, '"created":"1999')), 'ERR_LOG_KEY_MISMATCH'],
    ['no segment', (directory) => rmSync(join(directory, '000000.ndjson')), 'ERR_LOG_KEY_MISMATCH'],
    ['an empty segment', (directory) => writeFileSync(join(directory, '000000.ndjson'), ''), 'ERR_LOG_KEY_MISMATCH'],
    ['a segment that is a FIFO', (directory) => { rmSync(join(directory, '000000.ndjson')); spawnSync('mkfifo', [join(directory, '000000.ndjson')]); }, 'ERR_LOG_KEY_MISMATCH'],
    ['a header without its end', (directory) => writeFileSync(join(directory, '000000.ndjson'), readFileSync(join(directory, '000000.ndjson')).subarray(0, 200)), 'ERR_LOG_KEY_MISMATCH'],
    ['CRLF line ends', (directory) => writeFileSync(join(directory, '000000.ndjson'), readFileSync(join(directory, '000000.ndjson'), 'utf8').replaceAll('\n', '\r\n')), 'ERR_LOG_KEY_MISMATCH'],
    ['a byte order mark', (directory) => writeFileSync(join(directory, '000000.ndjson'), `\ufeff${readFileSync(join(directory, '000000.ndjson'), 'utf8')}`), 'ERR_LOG_KEY_MISMATCH'],
  ];

  test.each(cases)('%s', { timeout: 20_000 }, async (_name, spoil, code) => {
    const directory = await made();
    const where = spoil(directory) ?? directory;
    const listed = (): string[] => readdirSync(directory).sort();
    const before = listed();
    const error = await expectError(code, () => open(where));
    expect(error.message.length).toBeGreaterThan(40);
    expect(listed().filter((name) => name !== 'cache')).toEqual(before.filter((name) => name !== 'cache'));
    expect(readdirSync(dirname(directory))).not.toContain('record-missing');
  });

  const caches: [string, (cache: string) => void][] = [
    ['is gone', (cache) => rmSync(cache, { recursive: true })],
    ['is empty', (cache) => { rmSync(cache, { recursive: true }); mkdirSync(cache); }],
    ['has a state that is rubbish', (cache) => writeFileSync(join(cache, 'state.json'), '\0\0{')],
    ['has the state of a larger log', (cache) => writeFileSync(join(cache, 'state.json'), '{"version":1,"origin":"test.example/log","size":1000000000000,"segment":0,"offset":5}\n')],
    ['has a state that points elsewhere', (cache) => writeFileSync(join(cache, 'state.json'), readFileSync(join(cache, 'state.json'), 'utf8').replace(/"offset":\d+/, '"offset":3'))],
    ['has a state of another segment', (cache) => writeFileSync(join(cache, 'state.json'), readFileSync(join(cache, 'state.json'), 'utf8').replace(/"segment":\d+/, '"segment":77'))],
    ['has changed hashes', (cache) => writeFileSync(join(cache, 'tiles-0'), Buffer.alloc(96, 1))],
    ['has no ids', (cache) => writeFileSync(join(cache, 'ids'), '')],
    ['belongs to another log', (cache) => { rmSync(cache, { recursive: true }); cpSync(otherCache, cache, { recursive: true }); }],
  ];
  let otherCache = '';

  test.each(caches)('a cache that %s changes nothing', async (_name, spoil) => {
    const other = join(mkdtempSync(join(root, 'other-')), 'record');
    await createLog(other, { signer });
    const filled = await open(other);
    await filled.appendAll(Array.from({ length: 300 }, (_, n) => testEvent(1_000 + n)));
    await filled.close();
    otherCache = join(other, 'cache');
    const directory = await made();
    spoil(join(directory, 'cache'));
    const log = await open(directory);
    expect((await log.append(testEvent(1))).index).toBe(1);
    const { index } = await log.append(testEvent(2));
    await log.receipt(1);
    await log.receipt(index);
    await log.close();
    await expectSoundDirectory(directory, signer.vkey);
  });

  test('a second log in the same directory is refused', async () => {
    const directory = await made();
    const error = await expectError('ERR_LOG_ALREADY_EXISTS', () => createLog(directory, { signer }));
    expect(error.message).toContain('log.json');
    await expectSoundDirectory(directory, signer.vkey);
  });

  test('a segment that is deleted, replaced or moved away while the log is open stops it', { timeout: 60_000 }, async () => {
    for (const spoil of [
      (directory: string) => rmSync(join(directory, '000000.ndjson')),
      (directory: string) => { const bytes = readFileSync(join(directory, '000000.ndjson')); rmSync(join(directory, '000000.ndjson')); writeFileSync(join(directory, '000000.ndjson'), bytes.subarray(0, 1_000)); },
      (directory: string) => writeFileSync(join(directory, '000000.ndjson'), readFileSync(join(directory, '000000.ndjson')).subarray(0, 1_000)),
      (directory: string) => rmSync(directory, { recursive: true }),
    ]) {
      const directory = await made();
      const log = await open(directory);
      await log.append(testEvent(5));
      spoil(directory);
      await expect(log.append(testEvent(6))).rejects.toMatchObject({ name: 'LogError', fatal: true });
      await later(1_050);
      await expect(log.append(testEvent(7))).rejects.toMatchObject({ name: 'LogError' });
      await log.close();
    }
  });
});
