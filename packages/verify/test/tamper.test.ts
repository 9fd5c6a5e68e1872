import { afterAll, describe, expect, test } from 'vitest';
import { FINDING_CODES } from '@indelible/verify';
import { TamperBench } from './support/tamper.mjs';
import { TAMPER_ROWS } from './support/tamper-rows.mjs';

const bench = new TamperBench();
afterAll(() => bench.close());

describe('the tamper table', () => {
  test('has at least 45 rows, each with a name of its own', () => {
    expect(TAMPER_ROWS.length).toBeGreaterThanOrEqual(45);
    expect(new Set(TAMPER_ROWS.map(({ name }) => name)).size).toBe(TAMPER_ROWS.length);
  });

  test.each(TAMPER_ROWS)('$name', async (row) => {
    const { report, found, index } = await bench.run(row);
    expect(report.verdict, report.claim).toBe(row.verdict);
    if (row.code !== undefined) expect(found?.code).toBe(row.code);
    if (row.index !== undefined) expect(index).toBe(row.index);
    if (row.code === undefined) expect(report.findings.filter(({ severity }) => severity !== 'note' && severity !== 'warning')).toEqual([]);
    // What a row says nobody can see must be among what the report says it did not check.
    if (row.needs !== undefined && row.verdict === 'sound') expect(report.notChecked.join()).toContain('--since');
  });

  test('what is not touched stays proven: the entries below the first one concerned', async () => {
    const row = TAMPER_ROWS.find(({ name }) => name === 'entry: last of the log changed')!;
    const { report } = await bench.run(row);
    expect(report.coverage.entries).toBe(22);
    expect(report.claim).toBe('not sound from entry 22 on: entries 22 to 24 are not what was sealed; entries 0–21 as sealed');
  });

  test('after an error, the reading goes on from the next signed header', async () => {
    const { report } = await bench.run({
      name: 'two places',
      how(copy) {
        copy.replace(0, 6, 'u4', 'u5');
        copy.replace(3, 5, 'u23', 'u32');
      },
      code: 'history_changed',
      verdict: 'not_sound',
    });
    expect(report.findings.filter(({ severity }) => severity === 'error').map(({ where }) => where.index)).toEqual([3, 22]);
    expect(report.notChecked.slice(0, 2)).toEqual(['Entries 3 to 7: an error before them.', 'Entries from 22 on: an error before them.']);
  });

  test('meets every finding that a record can have', () => {
    const met = new Set(TAMPER_ROWS.map(({ code }) => code));
    // The first five belong to tiles or to other tests, the last four are on every sound log of this kind.
    const elsewhere = ['checkpoint_invalid', 'root_mismatch', 'tile_changed', 'tile_missing', 'join_mismatch', 'key_change_invalid', 'clock_step', 'recovery', 'key_changed'];
    expect(Object.keys(FINDING_CODES).filter((code) => !met.has(code as keyof typeof FINDING_CODES) && !elsewhere.includes(code))).toEqual([]);
  });
});
