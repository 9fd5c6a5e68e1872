import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EntryTimes, emptyStats, joinStats, type EntryStats } from '../dist/record/entry-times.js';
import { makeEntry } from './support/record-writer.mjs';

const numRuns = process.env['SLOW'] === '1' ? 2_000 : 100;
const times = fc.array(fc.date({ min: new Date('1970-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }), { maxLength: 12 });

function read(entries: readonly string[], from = 0): EntryStats {
  const reader = new EntryTimes();
  for (const [i, entry] of entries.entries()) {
    const bytes = Buffer.from(`\n${entry}\n`);
    reader.add(bytes, 1, bytes.length - 1, from + i);
  }
  reader.commit();
  return reader.stats();
}

const entriesAt = (dates: readonly Date[]): string[] =>
  dates.map((date, i) => makeEntry(i).replace(/"timestamp":"[^"]*"/, `"timestamp":"${date.toISOString()}"`));

describe('times read without a parser', () => {
  test('are those that a parser reads', () => {
    fc.assert(
      fc.property(times, (dates) => {
        const stats = read(entriesAt(dates));
        const gaps = dates.slice(1).map((date, i) => date.getTime() - dates[i]!.getTime());
        expect(stats).toMatchObject({
          firstMs: dates[0]?.getTime(),
          lastMs: dates.at(-1)?.getTime(),
          longestSilenceMs: Math.max(0, ...gaps),
          clockSteps: gaps.filter((gap) => gap < -1_000).length,
        });
      }),
      { numRuns },
    );
  });

  test('of two runs join to those of the whole', () => {
    fc.assert(
      fc.property(times, fc.nat(12), (dates, cut) => {
        const entries = entriesAt(dates);
        // An entry that is no event has no time, wherever the cut falls.
        entries.splice(Math.floor(entries.length / 2), 0, 'not an event');
        const [a, b] = [read(entries.slice(0, cut)), read(entries.slice(cut), Math.min(cut, entries.length))];
        expect(joinStats(a, b)).toEqual(read(entries));
        expect(joinStats(emptyStats(), a)).toEqual(a);
        expect(joinStats(a, emptyStats())).toEqual(a);
      }),
      { numRuns },
    );
  });

  test('what is not laid out like an event has none, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        expect(() => read([text])).not.toThrow();
      }),
      { numRuns },
    );
    for (const time of ['2026-11-20T24:00:00.000Z', '2026-11-20T10:60:00.000Z', '2026-11-2xT10:00:00.000Z', '20x6-11-20T10:00:00.000Z']) {
      expect(read([makeEntry(0).replace(/"timestamp":"[^"]*"/, `"timestamp":"${time}"`)]).firstMs, time).toBeUndefined();
    }
  });

  test('does not count what is not under a seal yet', () => {
    const reader = new EntryTimes();
    const bytes = Buffer.from(makeEntry(0, { event: 'heartbeat' }));
    reader.add(bytes, 0, bytes.length, 0);
    expect(reader.stats()).toEqual(emptyStats());
    reader.commit();
    expect(reader.stats().heartbeats).toBe(1);
  });
});
