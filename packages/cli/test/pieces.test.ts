import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Acknowledgements } from '../dist/acknowledgements.js';
import { LineTooLong, readInputLines } from '../dist/ndjson-lines.js';
import { nearestName } from '../dist/nearest-name.js';
import { formatBytes, formatCount, formatDuration, formatEntries, parseDuration, parseWholeNumber } from '../dist/quantity.js';
import { visibleLines, visibleText } from '../dist/visible-text.js';

const numRuns = process.env['SLOW'] === '1' ? 2_000 : 100;

describe('input lines', () => {
  async function read(text: string, cuts: readonly number[], maxBytes = 20): Promise<{ lines: string[]; tooLong?: number }> {
    const bytes = Buffer.from(text);
    async function* pieces(): AsyncGenerator<Uint8Array> {
      let at = 0;
      for (const cut of [...cuts].sort((a, b) => a - b)) {
        const end = Math.min(cut, bytes.length);
        yield bytes.subarray(at, Math.max(at, end));
        at = Math.max(at, end);
      }
      yield bytes.subarray(at);
    }
    const lines: string[] = [];
    try {
      for await (const batch of readInputLines(pieces(), maxBytes)) {
        for (const { number, bytes: line } of batch) {
          lines.push(Buffer.from(line).toString());
          expect(number).toBe(lines.length);
        }
      }
    } catch (error) {
      if (!(error instanceof LineTooLong)) throw error;
      return { lines, tooLong: error.number };
    }
    return { lines };
  }

  test('are the same however the stream is cut', async () => {
    const text = fc.array(fc.string({ maxLength: 10, unit: fc.constantFrom('a', 'é', ' ', '\r') }), { maxLength: 20 }).map((parts) => parts.join('\n'));
    await fc.assert(
      fc.asyncProperty(text, fc.array(fc.nat(200)), async (whole, cuts) => {
        const expected = whole.split('\n');
        if (expected.at(-1) === '') expected.pop();
        expect(await read(whole, cuts, 100)).toEqual({ lines: expected });
      }),
      { numRuns },
    );
  });

  test('end before one that is too long, wherever the stream is cut', async () => {
    for (const long of ['x'.repeat(21), `${'x'.repeat(21)}\r`, 'x'.repeat(500)]) {
      for (let cut = 0; cut < 40; cut++) expect(await read(`a\nb\n${long}\nc\n`, [cut])).toEqual({ lines: ['a', 'b'], tooLong: 3 });
      expect(await read(`a\n${long}`, [])).toEqual({ lines: ['a'], tooLong: 2 });
    }
    for (const fits of ['x'.repeat(20), `${'x'.repeat(20)}\r`]) expect(await read(`${fits}\n${fits}`, [])).toEqual({ lines: [fits, fits] });
  });
});

describe('acknowledgements', () => {
  test('come in the order of the input, whatever the order of the answers', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.array(fc.boolean(), { maxLength: 30 }), async (scheduler, fates) => {
        const seen: number[] = [];
        const acks = new Acknowledgements((ack) => {
          seen.push(ack.index);
          return Promise.resolve();
        }, { count: 1_000, bytes: 1_000_000 });
        fates.forEach((succeeds, index) => {
          acks.add(index, 1, scheduler.schedule(Promise.resolve({ id: '', index })).then((ack) => (succeeds ? ack : Promise.reject(new Error('no')))));
        });
        await scheduler.waitAll();
        await acks.all();
        expect(seen).toEqual(fates.flatMap((succeeds, index) => (succeeds ? [index] : [])));
        expect(acks.failures.map(({ line }) => line)).toEqual(fates.flatMap((succeeds, index) => (succeeds ? [] : [index])));
      }),
      { numRuns },
    );
  });

  test('there is room only within the limits', async () => {
    const acks = new Acknowledgements(() => Promise.resolve(), { count: 2, bytes: 100 });
    let free: (() => void) | undefined;
    acks.add(1, 60, new Promise((resolve) => (free = () => resolve({ id: '', index: 0 }))));
    await acks.room();
    acks.add(2, 60, new Promise(() => undefined));
    let hasRoom = false;
    void acks.room().then(() => (hasRoom = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(hasRoom).toBe(false);
    free?.();
    await new Promise((resolve) => setImmediate(resolve));
    expect(hasRoom).toBe(true);
  });
});

test('quantities', () => {
  expect([0, 999, 1_000, 1_234_567].map(formatCount)).toEqual(['0', '999', '1,000', '1,234,567']);
  expect([0, 1_023, 1_024, 268_435_456, 1e15].map(formatBytes)).toEqual(['0 B', '1023 B', '1.0 KiB', '256.0 MiB', '909.5 TiB']);
  expect([5, 1_000, 61_000, 3_660_000, 90_000_000].map(formatDuration)).toEqual(['5 ms', '1 s', '1 min 1 s', '1 h 1 min', '1 d 1 h']);
  expect(['500ms', '90s', '5m', '2h', '1d'].map(parseDuration)).toEqual([500, 90_000, 300_000, 7_200_000, 86_400_000]);
  for (const bad of ['', '5', 'm', '5 m', '-5m', '5.5m', '5M', '1e3s', '99999999999s']) expect(parseDuration(bad)).toBeUndefined();
  expect(['0', '41200', '9007199254740991'].map(parseWholeNumber)).toEqual([0, 41_200, Number.MAX_SAFE_INTEGER]);
  for (const bad of ['', '01', '-1', '1.0', '1e3', ' 1', '9007199254740992', '99999999999999999999']) expect(parseWholeNumber(bad)).toBeUndefined();
});

test('nearest names', () => {
  const commands = ['init', 'append', 'tail', 'verify', 'status', 'seal', 'key rotate'];
  expect(['verfiy', 'apend', 'stat', 'tial', 'sael', 'VERIFY', 'keyrotate'].map((asked) => nearestName(asked, commands))).toEqual(['verify', 'append', 'status', 'tail', 'seal', 'verify', 'key rotate']);
  expect(nearestName('xyzzy', commands)).toBeUndefined();
  expect(nearestName('a'.repeat(10_000), commands)).toBeUndefined();
});

test('text that could steer a terminal becomes visible', () => {
  expect(visibleText('a\u001b[31m\u0007\u009b1m\r\n\u202eb\u2028\u200f\ufeff\u007f\u061c')).toBe('a\\u001b[31m\\u0007\\u009b1m\\u000d\\u000a\\u202eb\\u2028\\u200f\\ufeff\\u007f\\u061c');
  expect(visibleText('Zoë 張偉 👩‍👩‍👧 — ok')).toBe('Zoë 張偉 👩‍👩‍👧 — ok');
  expect(visibleLines('a\nb\u001bc\n')).toBe('a\nb\\u001bc\n');
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(visibleText(text)).not.toMatch(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/u);
    }),
    { numRuns },
  );
});

test('one entry, several entries', () => {
  expect([0, 1, 2, 1_234].map(formatEntries)).toEqual(['0 entries', '1 entry', '2 entries', '1,234 entries']);
});
