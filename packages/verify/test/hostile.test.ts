import { execFileSync } from 'node:child_process';
import { appendFileSync, chmodSync, mkdirSync, renameSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { verifyLog, type Report } from '@indelible/verify';
import { codesOf, errorsOf, scratchDirectory } from './support/bench.ts';
import { RecordWriter, makeEntry } from './support/record-writer.mjs';
import { KEY, NEXT_KEY, ORIGIN, SIZE, writeVictim } from './support/victim.mjs';

// Named in a constant: a program of the system, not one that a package brings.
const MKFIFO = 'mkfifo';
const scratch = scratchDirectory();
afterAll(() => scratch.remove());
let log: RecordWriter;
let directory: string;
let logs = 0;
beforeEach(() => {
  directory = scratch.at(`log-${logs++}`);
  log = writeVictim(directory);
});
const verify = (): Promise<Report> => verifyLog(directory, { key: KEY.vkey });
const file = (name: string): string => join(directory, name);

describe('large and strange files', () => {
  test('a line of 10 MB, between sealed entries and behind them', async () => {
    log.raw(`${'x'.repeat(10_000_000)}\n`).fill(2).raw(`{"indelible":"seal",${'x'.repeat(10_000_000)}`);
    const report = await verify();
    expect(report).toMatchObject({ verdict: 'sound', seal: { treeSize: SIZE + 2 }, coverage: { foreignBytes: 10_000_001 + 'some other program\n'.length } });
  });

  test('a control line of 10 MB with the name of the log in it is an error', async () => {
    log.raw(`{"indelible":"seal","note":"${ORIGIN}${'x'.repeat(10_000_000)}\n`);
    expect(errorsOf(await verify())).toEqual([`seal_damaged@${SIZE}`]);
  });

  test('a control line that does not end, nested a hundred thousand deep', async () => {
    log.raw(`{"indelible":${'['.repeat(60_000)}\n`).raw(`{"indelible":"${ORIGIN}",${'{"a":'.repeat(10_000)}\n`);
    expect(errorsOf(await verify())).toEqual([`seal_damaged@${SIZE}`]);
  });

  test('an entry of 65,535 bytes may be sealed, one of 65,536 may not', async () => {
    const sized = (length: number): string => makeEntry(SIZE, { userId: 'u'.repeat(length - makeEntry(SIZE, { userId: '' }).length) });
    log.batch([sized(65_535)]);
    expect((await verify()).seal?.treeSize).toBe(SIZE + 1);
    log.batch([sized(65_536)]);
    expect(errorsOf(await verify())).toEqual([`history_changed@${SIZE + 1}`]);
  });

  test('a batch across many blocks, and a sealed empty line', async () => {
    log.fill(20_000, { userAgent: 'a'.repeat(150) });
    expect((await verify()).seal?.treeSize).toBe(SIZE + 20_000);
    log.batch(['']);
    expect(errorsOf(await verify())).toEqual([`history_changed@${SIZE + 20_000}`]);
  });

  test('a log.json of a gigabyte', async () => {
    truncateSync(file('log.json'), 1_000_000_000);
    const report = await verify();
    expect(codesOf(report)[0]).toBe('log_file_invalid@0');
  });

  test('devices, pipes, directories and links under the names of segments', async () => {
    symlinkSync('/dev/zero', file('000004.ndjson'));
    execFileSync(MKFIFO, [file('000005.ndjson')]);
    mkdirSync(file('000006.ndjson'));
    symlinkSync('nowhere', file('000007.ndjson'));
    symlinkSync('000008.ndjson', file('000008.ndjson'));
    const report = await verify();
    expect(report.verdict).toBe('sound');
    expect(codesOf(report).filter((code) => code === 'not_a_segment')).toHaveLength(5);
  });

  test.each([0, 1, 2])('segment %i behind a symbolic link is missing', async (segment) => {
    const name = `00000${segment}.ndjson`;
    renameSync(file(name), scratch.at(`moved-${logs}-${segment}`));
    symlinkSync(scratch.at(`moved-${logs}-${segment}`), file(name));
    const report = await verify();
    expect(report.verdict).toBe('not_sound');
    expect(errorsOf(report).some((code) => code.startsWith('segment_missing@'))).toBe(true);
  });

  test('thousands of files that are no segments, and names that are almost those of segments', async () => {
    for (let i = 4; i < 2_504; i++) writeFileSync(file(`${String(i).padStart(6, '0')}.ndjson`), 'x\n');
    for (const name of ['00000.ndjson', '0000001.ndjson', '000001.ndjson.bak', '000001.NDJSON']) writeFileSync(file(name), 'x');
    const report = await verify();
    expect(report.verdict).toBe('sound');
    expect(report.findings.length).toBeLessThanOrEqual(1_000);
    expect(report.findings.filter(({ code }) => code === 'not_a_segment').length + report.findingsOmitted).toBe(2_500);
  });

  test('thousands of forged seals are one verdict and a bounded report', async () => {
    appendFileSync(log.path, `{"indelible":"seal","note":"${ORIGIN}"}\n`.repeat(5_000));
    const report = await verify();
    expect(report.verdict).toBe('not_sound');
    expect(report.findings.length).toBeLessThanOrEqual(1_000);
    expect(report.findings.filter(({ severity }) => severity === 'error').length + report.findingsOmitted).toBe(5_000);
  });

  test('a segment that is only a header, and one with a header that is only half there', async () => {
    log.next();
    expect(await verify()).toMatchObject({ verdict: 'sound', coverage: { segments: 5 } });
    truncateSync(log.path, 300);
    expect(codesOf(await verify())).toContain('not_a_segment');
  });
});

describe('sources that cannot be read', () => {
  test.each([
    ['nothing there', () => scratch.at('nowhere'), 'ERR_VERIFY_SOURCE_UNKNOWN'],
    ['an empty directory', () => (mkdirSync(scratch.at('empty')), scratch.at('empty')), 'ERR_VERIFY_SOURCE_UNKNOWN'],
    ['a file', () => file('log.json'), 'ERR_VERIFY_SOURCE_UNREADABLE'],
    ['a URL of another kind', () => new URL('ftp://example.com/log'), 'ERR_VERIFY_SOURCE_UNKNOWN'],
  ])('%s', async (_, source, code) => {
    await expect(verifyLog(source())).rejects.toMatchObject({ name: 'VerifyError', code });
  });

  test('a directory or a segment without permission', async ({ skip }) => {
    if (process.getuid?.() === 0) return skip('root may read everything');
    chmodSync(file('000001.ndjson'), 0o000);
    await expect(verify()).rejects.toMatchObject({ code: 'ERR_VERIFY_SOURCE_UNREADABLE' });
    chmodSync(directory, 0o000);
    await expect(verify()).rejects.toMatchObject({ code: 'ERR_VERIFY_SOURCE_UNREADABLE' });
    chmodSync(directory, 0o700);
    return undefined;
  });
});

describe('what must not pass', () => {
  test('a change of key that the next segment does not follow', async () => {
    const writer = new RecordWriter(scratch.at('stays'), KEY);
    writer.fill(2).batch([writer.keyChange(NEXT_KEY)]).next('torn').fill(1);
    const report = await verifyLog(writer.directory, { key: KEY.vkey });
    expect(errorsOf(report)).toEqual(['key_change_invalid@2']);
  });

  test('a change of key that is not the last entry of its segment', async () => {
    const writer = new RecordWriter(scratch.at('early'), KEY);
    writer.fill(2).batch([writer.keyChange(NEXT_KEY), makeEntry(3)]);
    writer.key = NEXT_KEY;
    writer.next('key_changed').fill(1);
    const report = await verifyLog(writer.directory, { key: KEY.vkey });
    // The segment under the new key does not belong to the record: what it holds is not claimed.
    expect(report.seal?.treeSize).toBe(4);
    expect(codesOf(report)).toContain('not_a_segment');
  });

  test('a header that states another tree than the one before it', async () => {
    const writer = new RecordWriter(scratch.at('edge'), KEY);
    writer.fill(3);
    writer.tree.edge = [...writer.tree.edge].reverse();
    writer.next().fill(1);
    expect(errorsOf(await verifyLog(writer.directory, { key: KEY.vkey }))).toEqual(['join_mismatch@3']);
  });

  test('a header that repeats another seal than the last', async () => {
    const writer = new RecordWriter(scratch.at('seal'), KEY);
    writer.fill(3).fill(1);
    writer.note = writer.notes[0];
    writer.next().fill(1);
    expect(errorsOf(await verifyLog(writer.directory, { key: KEY.vkey }))).toEqual(['join_mismatch@4']);
  });

  test('a second seal of the same size over another tree, signed by the key', async () => {
    const other = new RecordWriter(scratch.at('other'), KEY);
    other.fill(3).fill(5, { userId: 'x' });
    const note = other.notes[1]!;
    log.raw(`${JSON.stringify({ indelible: 'seal', offset: 0, length: 0, first: 3, note })}\n`);
    // Segment 3 is signed by the next key; a seal by the first one is a forgery there.
    expect(errorsOf(await verify())).toEqual([`seal_damaged@${SIZE}`]);
    const one = new RecordWriter(scratch.at('one'), KEY);
    one.fill(3).fill(5).raw(`${JSON.stringify({ indelible: 'seal', offset: 0, length: 0, first: 3, note })}\n`);
    expect(errorsOf(await verifyLog(one.directory, { key: KEY.vkey }))).toEqual(['history_changed@3']);
  });
});
