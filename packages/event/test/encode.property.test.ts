import { encodeEvent, entryFact, entryId, entryTime, type EventInput, parseEntry, parseEventLine } from '@indelible/event';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const numRuns = process.env['SLOW'] === '1' ? 10_000 : 100;
const nowMs = Date.UTC(2026, 10, 20);
// Any Unicode scalar value but NUL.
const text = fc.string({ unit: 'binary', maxLength: 60 }).map((s) => s.replaceAll('\0', ''));
const name = text.filter((s) => s !== '');
const timeMs = fc.integer({ min: 0, max: nowMs + 300_000 });
// Keys and strings that redaction leaves alone.
const plain = fc.stringMatching(/^[a-h]{1,8}$/);
const json = fc.letrec((tie) => ({
  value: fc.oneof({ maxDepth: 4 }, text.map((s) => s.replaceAll('=', '-')), fc.double({ noNaN: true, noDefaultInfinity: true })
    .filter((n) => !Number.isInteger(n) || Number.isSafeInteger(n)), fc.boolean(), fc.constant(null), tie('array'), tie('object')),
  array: fc.array(tie('value'), { maxLength: 4 }),
  object: fc.dictionary(plain, tie('value'), { maxKeys: 4, noNullPrototype: false }),
})).object as fc.Arbitrary<Record<string, unknown>>;

const event: fc.Arbitrary<EventInput> = fc.record(
  { event: fc.constant('login' as const), userId: name, sessionId: name, timestamp: timeMs, ip: name, userAgent: text, tenant: name,
    idleDeadline: fc.integer({ min: 0, max: 253_402_300_799_999 }), details: json },
  { requiredKeys: ['event', 'userId', 'timestamp'] },
);

describe('encodeEvent', () => {
  it('loses nothing: what comes back is what was given', () => {
    fc.assert(fc.property(event, (given) => {
      const line = encodeEvent(given, { nowMs });
      const entry = JSON.parse(line) as Record<string, unknown>;
      expect(line).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
      for (const field of ['userId', 'sessionId', 'ip', 'userAgent', 'tenant'] as const) expect(entry[field]).toBe(given[field]);
      // JSON has no -0.
      expect(entry['details']).toEqual(given.details === undefined ? undefined : JSON.parse(JSON.stringify(given.details)));
      expect(Date.parse(entry['timestamp'] as string)).toBe(given.timestamp);
    }), { numRuns });
  });

  it('can be read at fixed places, as text and as bytes, and back as an entry', () => {
    fc.assert(fc.property(event, (given) => {
      const line = encodeEvent(given, { nowMs });
      const bytes = new TextEncoder().encode(line);
      const entry = parseEntry(bytes);
      expect(entry).toEqual(JSON.parse(line));
      for (const form of [line, bytes]) {
        expect(entryId(form)).toBe(entry.id);
        expect(entryTime(form)).toBe(given.timestamp);
      }
    }), { numRuns });
  });

  it('says the same fact when an event is sent again', () => {
    fc.assert(fc.property(event, fc.integer({ min: 0, max: 600_000 }), (given, laterMs) => {
      const again = { ...given, id: '019aa1b2-c3d4-7e5f-8a6b-0123456789ab' };
      const first = encodeEvent(again, { nowMs });
      const second = encodeEvent(again, { nowMs: nowMs + laterMs });
      expect(entryFact(second)).toBe(entryFact(first));
      const { recordedAt: _recordedAt, clockAheadMs: _clockAheadMs, ...fact } = parseEntry(first);
      expect(JSON.parse(entryFact(first))).toEqual(fact);
    }), { numRuns });
  });

  it('accepts as text what it accepts as an object', () => {
    fc.assert(fc.property(event, (given) => {
      const again = { ...given, id: '019aa1b2-c3d4-7e5f-8a6b-0123456789ab' };
      expect(encodeEvent(parseEventLine(JSON.stringify(again)), { nowMs })).toBe(encodeEvent(again, { nowMs }));
    }), { numRuns });
  });
});
