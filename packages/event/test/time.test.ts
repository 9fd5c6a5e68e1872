import { formatTime, parseTime } from '@indelible/event';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { refusalOf } from './support/refusal.ts';

const numRuns = process.env['SLOW'] === '1' ? 100_000 : 1000;
const maxMs = 253_402_300_799_999;

describe('times', () => {
  it('are written as Date writes them, and read back', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: maxMs }), (ms) => {
      const text = new Date(ms).toISOString();
      expect(formatTime(ms)).toBe(text);
      expect(parseTime(text, 'timestamp')).toBe(ms);
    }), { numRuns });
    for (const ms of [0, 1, 86_399_999, 86_400_000, maxMs]) expect(formatTime(ms)).toBe(new Date(ms).toISOString());
  });

  it('are read with any offset and any fraction', () => {
    fc.assert(fc.property(fc.integer({ min: 86_400_000, max: maxMs - 86_400_000 }), fc.integer({ min: -1439, max: 1439 }), fc.stringMatching(/^[0-9]{0,9}$/),
      (ms, offset, digits) => {
        const second = Math.floor(ms / 1000) * 1000;
        const local = new Date(second + offset * 60_000).toISOString().slice(0, 19);
        const minutes = Math.abs(offset);
        const zone = `${offset < 0 ? '-' : '+'}${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;
        const fraction = digits === '' ? '' : `.${digits}`;
        expect(parseTime(local + fraction + zone, 'timestamp')).toBe(second + Number(`${digits}000`.slice(0, 3)));
      }), { numRuns });
    expect(parseTime('2024-02-29t23:59:59z', 'timestamp')).toBe(Date.UTC(2024, 1, 29, 23, 59, 59));
    expect(parseTime('2000-02-29T00:00:00-00:00', 'timestamp')).toBe(Date.UTC(2000, 1, 29));
  });

  it.each([
    '', 'now', '2026', '2026-11-20', '2026-11-20T14:03', '2026-11-20T14:03:22', '2026-11-20 14:03:22Z', '2026-11-20T14:03:22.Z', '2026-11-20T14:03:22,5Z',
    '2026-11-20T14:03:22.123', '2026-11-20T14:03:22+01', '2026-11-20T14:03:22+0100', '2026-11-20T14:03:22+24:00', '2026-11-20T14:03:22+01:60', '2026-11-20T14:03:22ZZ',
    '2026-11-20T14:03:22+01:00Z', ' 2026-11-20T14:03:22Z', '2026-11-20T14:03:22Z ', '2026-11-20T14:03:22Z\n', '2026-00-20T14:03:22Z', '2026-13-20T14:03:22Z', '2026-11-00T14:03:22Z',
    '2026-11-31T14:03:22Z', '2026-02-29T14:03:22Z', '2100-02-29T00:00:00Z', '2026-02-30T14:03:22Z', '2026-11-20T24:00:00Z', '2026-11-20T23:60:00Z', '2026-12-31T23:59:61Z',
    '1969-12-31T23:59:59Z', '1970-01-01T00:30:00+01:00', '9999-12-31T23:59:59-00:01', '+12026-11-20T14:03:22Z', '20261120T140322Z', '２０26-11-20T14:03:22Z', '2026-11-20T14:03:-1Z',
    `2026-11-20T14:03:22.${'1'.repeat(100)}Z`,
  ])('refuse %j', (text) => {
    const error = refusalOf(() => parseTime(text, 'timestamp'));
    expect(error).toMatchObject({ code: 'ERR_EVENT_FIELD_INVALID', field: 'timestamp' });
    if (text.length > 20) expect(error.message).not.toContain(text);
  });

  it('refuse a leap second with an explanation', () => {
    expect(refusalOf(() => parseTime('2016-12-31T23:59:60Z', 'timestamp')).message).toContain('leap second');
  });

  it('refuse what is no time at all', () => {
    for (const value of [null, undefined, true, {}, [], 1n, Object.create(Date.prototype), Infinity, -0.5, 1e300]) expect(refusalOf(() => parseTime(value, 'idleDeadline'))).toMatchObject({ code: 'ERR_EVENT_FIELD_INVALID', field: 'idleDeadline' });
  });
});
