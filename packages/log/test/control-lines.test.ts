import { expect, test } from 'vitest';
import { MemoryDisk } from '../dist/disk/memory-disk.js';
import { readControlLines, readControlLinesBackwards, type ControlLine } from '../dist/recover/control-lines.js';

const WINDOW = 1 << 20;
const MAX_LINE = 65_536;
const NAME = '000000.ndjson';
const line = (n: number, length = 40): string => `{"indelible":"x","n":${n}`.padEnd(length - 1, ' ').concat('}').slice(0, length);

async function collect(lines: AsyncGenerator<ControlLine>): Promise<{ start: number; end: number; text: string }[]> {
  const found = [];
  for await (const { start, end, bytes } of lines) found.push({ start, end, text: Buffer.from(bytes).toString() });
  return found;
}

/** All control lines that begin in [from, to), the plain way. */
function expected(bytes: Buffer, from: number, to: number): { start: number; end: number; text: string }[] {
  const found = [];
  for (let at = from; at < to; ) {
    const lf = bytes.subarray(0, to).indexOf(0x0a, at);
    const starts = bytes[at - 1] === 0x0a;
    if (lf === -1) break;
    const text = bytes.subarray(at, lf).toString();
    if (starts && text.startsWith('{"indelible":') && text.length < MAX_LINE) found.push({ start: at, end: lf + 1, text });
    at = lf + 1;
  }
  return found;
}

async function compare(bytes: Buffer, from: number, to = bytes.length): Promise<void> {
  const disk = new MemoryDisk();
  disk.put(NAME, bytes);
  const wanted = expected(bytes, from, to);
  expect(await collect(readControlLines(disk, NAME, from, to))).toEqual(wanted);
  expect(await collect(readControlLinesBackwards(disk, NAME, from, to))).toEqual([...wanted].reverse());
}

test('control lines among others', async () => {
  const text = `header\n${line(1)}\n{"id":1}\n\n${line(2)}\nx${line(3)}\n {"indelible":}\n${line(4)}`;
  await compare(Buffer.from(text), 7);
  await compare(Buffer.from(`${text}\n`), 7);
  await compare(Buffer.from(text), 8); // begins inside a line
  await compare(Buffer.from(text), 7, 30); // ends inside a line
  await compare(Buffer.from(text), 7, 7);
});

test('a line at, before and behind each border of a window', async () => {
  for (const windows of [1, 2]) {
    for (let delta = -45; delta <= 45; delta++) {
      for (const end of [0, 100]) {
        const at = windows * WINDOW + delta;
        const bytes = Buffer.alloc(at + 41 + end, 0x0a);
        bytes.write(line(delta), at);
        const disk = new MemoryDisk();
        disk.put(NAME, bytes);
        const wanted = [{ start: at, end: at + 41, text: line(delta) }];
        // from 1: windows of the reader begin at 0, WINDOW, …; backwards they are counted from the end
        expect(await collect(readControlLines(disk, NAME, 1, bytes.length)), `forwards ${delta}`).toEqual(wanted);
        expect(await collect(readControlLinesBackwards(disk, NAME, 1, bytes.length)), `backwards ${delta}`).toEqual(wanted);
      }
    }
  }
}, 120_000);

test('backwards, at every distance from the end around a window', async () => {
  for (let delta = -45; delta <= 45; delta++) {
    const bytes = Buffer.alloc(WINDOW * 2 + 500, 0x0a);
    const at = bytes.length - WINDOW + delta;
    bytes.write(line(delta), at);
    const disk = new MemoryDisk();
    disk.put(NAME, bytes);
    expect(await collect(readControlLinesBackwards(disk, NAME, 1, bytes.length)), `${delta}`).toEqual([{ start: at, end: at + 41, text: line(delta) }]);
  }
}, 120_000);

test('long lines across borders; lines that are too long are none', async () => {
  for (const length of [MAX_LINE - 2, MAX_LINE - 1, MAX_LINE, MAX_LINE + 10]) {
    const bytes = Buffer.alloc(WINDOW + 300_000, 0x0a);
    bytes.write(line(1, length), WINDOW - 1_000);
    bytes.write(line(2), WINDOW + 200_000);
    await compare(bytes, 1);
  }
}, 60_000);

test('many windows without a single line end', async () => {
  const bytes = Buffer.alloc(4 * WINDOW, 'x');
  bytes.write(`\n${line(1)}\n`, 100);
  await compare(bytes, 1);
  await compare(Buffer.alloc(3 * WINDOW), 1);
}, 60_000);
