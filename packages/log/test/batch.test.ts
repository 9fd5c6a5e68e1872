import { Worker } from 'node:worker_threads';
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { encodeBatch, type Batch } from '../dist/commit/batch.js';
import { prepareBatchFrame, readBatchFrame, writeBatchFrame } from '../dist/store/batch-frame.js';
import { RingReader, RingWriter, createRing } from '../dist/store/ring.js';
import { seededRandom } from './support/random.ts';

const LINES: [string, string[]][] = [
  ['one', ['{"a":1}']],
  ['several', ['{"a":1}', '{"b":"zwei"}', '{}']],
  ['of two bytes a character', ['{"a":"äöü"}', '{"b":"é"}']],
  ['of three and four bytes', ['{"a":"漢字"}', '{"b":"𝄞😀"}', '{"c":"\u2028"}']],
  ['mixed, so that only the sum of lengths differs', ['{"a":"plain"}', '{"b":"ß"}', '{"c":"plain"}']],
  ['of the largest size', [`{"a":"${'x'.repeat(65_526)}"}`, `{"a":"${'漢'.repeat(21_842)}"}`]],
  ['many', Array.from({ length: 4_096 }, (_, i) => `{"n":${i},"text":"${i % 7 === 0 ? 'é' : 'e'}"}`)],
];

function linesOf({ bytes, lengths }: Batch): string[] {
  let at = 1;
  return [...lengths].map((length) => {
    const line = Buffer.from(bytes.subarray(at, at + length)).toString('utf8');
    expect(bytes[at + length]).toBe(0x0a);
    at += length + 1;
    return line;
  });
}

describe.each(LINES)('a batch of lines %s', (_name, lines) => {
  test('has each line at its length', () => {
    const batch = encodeBatch(lines);
    expect(linesOf(batch)).toEqual(lines);
    expect(batch.bytes).toHaveLength(1 + lines.reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0));
  });

  test('travels through a frame', () => {
    const frame = prepareBatchFrame(lines);
    const memory = Buffer.from(new SharedArrayBuffer(frame.room + 64), 0, frame.room);
    const used = writeBatchFrame(frame, memory);
    expect(used).toBeLessThanOrEqual(frame.room);
    const batch = readBatchFrame(memory.subarray(0, used));
    expect(linesOf(batch)).toEqual(lines);
    memory.fill(0xff); // the batch has memory of its own
    expect(linesOf(batch)).toEqual(lines);
  });
});

describe('ring', () => {
  const fillWith = (text: string) => (target: Buffer): number => target.write(text);

  test('what is written is read, in order, around the end many times', () => {
    const memory = createRing(1 << 10);
    const writer = new RingWriter(memory);
    const reader = new RingReader(memory);
    const random = seededRandom(4);
    const waiting: string[] = [];
    let next = 0;
    for (let i = 0; i < 20_000; i++) {
      if (random.oneIn(2)) {
        const text = `${next}:`.padEnd(random.below(200), 'x');
        if (writer.write(next % 0xffff_ffff, text.length, fillWith(text))) {
          waiting.push(text);
          next++;
        }
      } else {
        const frame = reader.read();
        expect(frame === undefined ? undefined : Buffer.from(frame.bytes).toString()).toBe(waiting.shift());
        reader.release();
      }
    }
    expect(next).toBeGreaterThan(5_000);
  });

  test('does not overwrite what was not released', () => {
    const memory = createRing(1 << 8);
    const writer = new RingWriter(memory);
    const reader = new RingReader(memory);
    let written = 0;
    while (writer.write(written, 8, fillWith(`frame ${written}`))) written++;
    const frame = reader.read()!;
    expect(writer.write(99, 8, fillWith('more'))).toBe(false);
    expect(Buffer.from(frame.bytes).toString()).toBe('frame 0');
    reader.release();
    expect(writer.write(99, 8, fillWith('more'))).toBe(true);
    expect(writer.maxFrameBytes).toBe((1 << 7) - 8);
  });

  test('counters go on beyond 2^32 bytes', () => {
    const memory = createRing(1 << 10);
    const start = 0xffff_ffff - 2_047; // a multiple of the capacity, 2 KiB before the end
    new Int32Array(memory).set([start, start]);
    const writer = new RingWriter(memory);
    const reader = new RingReader(memory);
    for (let i = 0; i < 200; i++) {
      expect(writer.write(i, 30, fillWith(`frame ${i}`))).toBe(true);
      const frame = reader.read()!;
      expect([frame.tag, Buffer.from(frame.bytes).toString()]).toEqual([i, `frame ${i}`]);
      reader.release();
    }
    expect(new Int32Array(memory)[0]! >>> 0).toBeLessThan(start);
  });

  test('a thread hears every bell', { timeout: 30_000 }, async () => {
    const memory = createRing(1 << 12);
    const writer = new RingWriter(memory);
    const worker = new Worker(
      `const { parentPort, workerData } = require('node:worker_threads');
       import(workerData.module).then(async ({ RingReader }) => {
         const ring = new RingReader(workerData.memory);
         let sum = 0, count = 0;
         parentPort.postMessage('ready');
         while (count < workerData.count) {
           for (let frame = ring.read(); frame !== undefined; frame = ring.read()) { sum += frame.tag; count++; }
           ring.release();
           if (count === workerData.count || ring.wait(1) || !ring.fallAsleep()) continue;
           await new Promise((resolve) => parentPort.once('message', resolve));
           ring.wakeUp();
         }
         parentPort.postMessage(sum);
       });`,
      { eval: true, workerData: { memory, count: 3_000, module: new URL('../dist/store/ring.js', import.meta.url).href } },
    );
    await once(worker, 'message');
    const sum = once(worker, 'message');
    let expected = 0;
    for (let i = 1; i <= 3_000; i++) {
      while (!writer.write(i, 10, fillWith('x'))) await new Promise((resolve) => setImmediate(resolve));
      expected += i;
      if (writer.wake() === 'message') worker.postMessage('wake');
      if (i % 100 === 0) await new Promise((resolve) => setTimeout(resolve, i % 300 === 0 ? 3 : 0)); // let it fall asleep now and then
    }
    expect((await sum)[0]).toBe(expected);
    await worker.terminate();
  });
});
