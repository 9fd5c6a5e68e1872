import { readFileSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { verifyLog } from '@indelible/verify';
import { RangePool } from '../dist/record/range-pool.js';
import { scratchDirectory, verifyInRanges } from './support/bench.ts';
import { RecordWriter, makeKey } from './support/record-writer.mjs';
import { TamperBench } from './support/tamper.mjs';
import { TAMPER_ROWS } from './support/tamper-rows.mjs';

const runs = process.env['SLOW'] === '1' ? 1_000 : 100;
const pool = new RangePool(2);
const bench = new TamperBench();
const scratch = scratchDirectory();
afterAll(async () => {
  await pool.close();
  bench.close();
  scratch.remove();
});

describe('the report does not depend on the number of cores', () => {
  // Ranges of every size begin in every kind of place: in headers, in entries, in seals, in what was tampered with.
  test.each(TAMPER_ROWS)('$name', async (row) => {
    const { directory, options } = bench.prepare(row);
    const expected = await verifyLog(directory, { ...options, cores: 1 });
    for (const rangeBytes of [200, 1_500]) {
      expect(await verifyInRanges(directory, options, rangeBytes)).toEqual(expected);
      expect(await verifyInRanges(directory, options, rangeBytes, pool)).toEqual(expected);
    }
  });

  const key = makeKey('cores.example', 3);
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('batch' as const), count: fc.integer({ min: 1, max: 9 }) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('raw' as const), text: fc.constantFrom('x', 'x\n', '\n\n', '{"indelible":"seal","offset":', '{"indelible":"seal",\n', 'a\0b\n') }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('next' as const), dead: fc.constantFrom('', 'dead', '{"indelible":"seal",\n') }) },
  );

  test('of any log: random batches, foreign bytes, segments, and a byte changed', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 25 }),
        fc.integer({ min: 20, max: 3_000 }),
        fc.option(fc.record({ at: fc.double({ min: 0, max: 0.999, noNaN: true }), bit: fc.integer({ min: 0, max: 7 }) })),
        fc.nat(60),
        async (steps, rangeBytes, change, since) => {
          scratch.remove();
          const writer = new RecordWriter(scratch.path, key);
          for (const { kind, ...rest } of steps) {
            if (kind === 'batch') writer.fill((rest as { count: number }).count);
            else if (kind === 'raw') writer.raw((rest as { text: string }).text);
            else writer.next('torn', rest as { dead: string });
          }
          const note = writer.notes[since % Math.max(1, writer.notes.length)];
          const options = { key: key.vkey, ...(note === undefined ? {} : { since: note }) };
          if (change !== null) flipBit(writer.path, change.at, change.bit);
          const expected = await verifyLog(scratch.path, { ...options, cores: 1 });
          expect(await verifyInRanges(scratch.path, options, rangeBytes, pool)).toEqual(expected);
          // A line of another program that has no end hides the seal behind it; else all of it is sound, with the writer's own root.
          const whole = change === null && steps.every((one) => one.kind !== 'raw' || one.text.endsWith('\n'));
          if (whole && writer.tree.size > 0) {
            expect(expected.verdict).toBe('sound');
            expect(expected.seal).toMatchObject({ treeSize: writer.tree.size, rootHash: writer.tree.root.toString('base64') });
          }
        },
      ),
      { numRuns: runs },
    );
  });
});

function flipBit(path: string, at: number, bit: number): void {
  const bytes = readFileSync(path);
  const place = Math.floor(at * bytes.length);
  bytes[place] = bytes[place]! ^ (1 << bit);
  writeFileSync(path, bytes);
}
