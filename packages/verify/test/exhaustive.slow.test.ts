import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verifyLog, type Report } from '@indelible/verify';
import { scratchDirectory } from './support/bench.ts';
import { RecordWriter, makeKey } from './support/record-writer.mjs';
import { Copy } from './support/victim.mjs';

const KEY = makeKey('exhaustive.example', 11);
const FOREIGN = 'other program\n';
const DEAD = '{"id":"half';
const scratch = scratchDirectory();
const original = scratch.at('original');
let writer: RecordWriter;
let sound: Report;

beforeAll(async () => {
  writer = new RecordWriter(original, KEY);
  writer.fill(2).raw(FOREIGN).fill(1).next('torn', { dead: DEAD }).fill(1).fill(2);
  sound = await verifyLog(original, { key: KEY.vkey });
  expect(sound).toMatchObject({ verdict: 'sound', seal: { treeSize: 6 } });
});
afterAll(() => scratch.remove());

/** Verifies the log with one file replaced, which is then restored. */
async function withFile(copy: Copy, name: string, bytes: Uint8Array): Promise<Report> {
  const before = copy.read(name);
  writeFileSync(copy.path(name), bytes);
  const report = await verifyLog(copy.directory, { key: KEY.vkey });
  writeFileSync(copy.path(name), before);
  return report;
}

/** Whether the specification says that the byte is no part of the record. */
function isOutside(name: string, bytes: Buffer, at: number): boolean {
  const outside = name === '000000.ndjson' ? [FOREIGN, DEAD] : [];
  return outside.some((text) => {
    const start = bytes.indexOf(text);
    return at >= start && at < start + text.length;
  });
}

describe('a small log, byte by byte', () => {
  test.each(['log.json', '000000.ndjson', '000001.ndjson'])('%s: no byte can be changed unseen', async (name) => {
    const copy = new Copy(original, scratch.at(`flip-${name}`));
    const bytes = readFileSync(copy.path(name));
    // One bit of each byte, another one from byte to byte; all of them with SLOW=1.
    const bitsOf = (at: number): number[] => (process.env['SLOW'] === '1' ? [0, 1, 2, 3, 4, 5, 6, 7] : [at % 8]);
    const unseen: string[] = [];
    for (let at = 0; at < bytes.length; at++) {
      for (const bit of bitsOf(at)) {
        const changed = Buffer.from(bytes);
        changed[at] = changed[at]! ^ (1 << bit);
        const report = await withFile(copy, name, changed);
        if (report.verdict === 'sound' && report.seal?.treeSize === 6 && !isOutside(name, bytes, at)) unseen.push(`${at}.${bit}`);
        // Sound but smaller is the claim about a shorter log, and only the last seal can be lost that way.
        if (report.verdict === 'sound' && report.seal?.treeSize !== 6) expect(report.seal?.treeSize).toBe(4);
        if (isOutside(name, bytes, at)) expect(report.coverage.entries, `foreign or dead byte ${at}.${bit}`).toBe(6);
      }
    }
    expect(unseen).toEqual([]);
  });

  test.each(['log.json', '000000.ndjson', '000001.ndjson'])('%s: cut at every length, never a wrong claim', async (name) => {
    const copy = new Copy(original, scratch.at(`cut-${name}`));
    const bytes = readFileSync(copy.path(name));
    const roots = new Map(writer.notes.map((note) => [Number(note.split('\n')[1]), note.split('\n')[2]]));
    for (let length = 0; length < bytes.length; length++) {
      const report = await withFile(copy, name, bytes.subarray(0, length));
      const { verdict, seal, coverage } = report;
      // Dead bytes may go: they are reported, and no part of the record.
      const deadOnly = name === '000000.ndjson' && length >= bytes.length - DEAD.length;
      if (verdict === 'sound') {
        expect(seal!.rootHash, `length ${length}`).toBe(roots.get(seal!.treeSize));
        expect(coverage.entries).toBe(seal!.treeSize);
        expect(seal!.treeSize).toBe(deadOnly ? 6 : length <= bytes.indexOf('\n') ? 3 : lastSealWithin(bytes, length));
      }
      expect(verdict === 'sound', `length ${length}`).toBe(name === '000001.ndjson' || deadOnly);
    }
  });

  test('a byte of garbage behind every length of the last segment', async () => {
    const copy = new Copy(original, scratch.at('garbage'));
    const bytes = readFileSync(copy.path(1));
    for (let length = bytes.indexOf('\n') + 1; length <= bytes.length; length++) {
      const report = await withFile(copy, '000001.ndjson', Buffer.concat([bytes.subarray(0, length), Buffer.from('#')]));
      expect(report.verdict, `length ${length}`).toBe('sound');
      expect(report.seal!.treeSize).toBe(lastSealWithin(bytes, length));
    }
  });
});

/** Tree size of the last seal that is whole within the first `length` bytes of segment 1. */
function lastSealWithin(bytes: Buffer, length: number): number {
  let size = 3;
  let from = 0;
  for (const line of bytes.toString('utf8').split('\n').slice(0, -1)) {
    from += Buffer.byteLength(line) + 1;
    const note = /"note":"[^"\\]*\\n(\d+)\\n/.exec(line);
    if (line.startsWith('{"indelible":"seal"') && from <= length) size = Number(note?.[1]);
  }
  return size;
}
