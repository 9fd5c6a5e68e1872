import { encodeEvent, entryFact, entryId, entryTime, MAX_ENTRY_BYTES, parseEntry } from '@indelible/event';
import { describe, expect, it } from 'vitest';
import { refusalOf } from './support/refusal.ts';

const id = '019aa1b2-c3d4-7e5f-8a6b-0123456789ab';
const time = '2026-11-20T14:03:22.123Z';
const head = `{"id":"${id}","timestamp":"${time}","event":"login"`;
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('an entry', () => {
  it('has its id and its time at fixed places', () => {
    const line = encodeEvent({ event: 'login', userId: 'u', id, timestamp: time });
    expect(line.indexOf(id)).toBe(7);
    expect(line.indexOf(time)).toBe(58);
    for (const form of [line, bytes(line), `${head}}`]) {
      expect(entryId(form)).toBe(id);
      expect(entryTime(form)).toBe(Date.parse(time));
    }
  });

  it('is read back with fields that this version does not know', () => {
    const later = `${head},"outcome":"partial","later":{"a":[1]},"details":{"b":null}}`;
    expect(parseEntry(bytes(later.replace('"login"', '"later_event"')))).toEqual({
      id, timestamp: time, event: 'later_event', outcome: 'partial', later: { a: [1] }, details: { b: null },
    });
  });

  it.each([
    ['empty', '', 'ERR_EVENT_ENTRY_INVALID', 'id'],
    ['a control line', '{"indelible":{"seal":1}}', 'ERR_EVENT_ENTRY_INVALID', 'id'],
    ['fields in another order', `{"timestamp":"${time}","id":"${id}","event":"login"}`, 'ERR_EVENT_ENTRY_INVALID', 'id'],
    ['white space', head.replace(':', ': '), 'ERR_EVENT_ENTRY_INVALID', 'id'],
    ['an id in upper case', `${head.replace(id, id.toUpperCase())}}`, 'ERR_EVENT_ENTRY_INVALID', 'id'],
    ['an id that is none', `${head.replace('7e5f', '4e5f')}}`, 'ERR_EVENT_ENTRY_INVALID', 'id'],
    ['an id not in ASCII', `${head.replace('ab"', 'aé"')}}`, 'ERR_EVENT_ENTRY_INVALID', 'id'],
    ['a time that is none', `${head.replace('-20T', '-31T')}}`, 'ERR_EVENT_ENTRY_INVALID', 'timestamp'],
    ['a time with another offset', `${head.replace('22.123Z', '2.1+01:00')}}`, 'ERR_EVENT_ENTRY_INVALID', 'timestamp'],
    ['a short time', `${head.replace('.123Z', 'Z')}}`, 'ERR_EVENT_ENTRY_INVALID', 'timestamp'],
    ['no event', `{"id":"${id}","timestamp":"${time}"}`, 'ERR_EVENT_ENTRY_INVALID', 'timestamp'],
    ['an event in another place', `{"id":"${id}","timestamp":"${time}","recordedAt":"${time}","userId":"u","event":"login"}`, 'ERR_EVENT_ENTRY_INVALID', 'event'],
    ['an event that is no string', `{"id":"${id}","timestamp":"${time}","event":5}`, 'ERR_EVENT_ENTRY_INVALID', 'timestamp'],
    ['a userId that is no string', `${head},"userId":5}`, 'ERR_EVENT_ENTRY_INVALID', 'userId'],
    ['a null field', `${head},"tenant":null}`, 'ERR_EVENT_ENTRY_INVALID', 'tenant'],
    ['a deadline that is none', `${head},"idleDeadline":"soon"}`, 'ERR_EVENT_ENTRY_INVALID', 'idleDeadline'],
    ['clockAheadMs that is none', `${head},"clockAheadMs":1.5}`, 'ERR_EVENT_ENTRY_INVALID', 'clockAheadMs'],
    ['details that are none', `${head},"details":[]}`, 'ERR_EVENT_ENTRY_INVALID', 'details'],
    ['details null', `${head},"details":null}`, 'ERR_EVENT_ENTRY_INVALID', 'details'],
    ['a duplicate key', `${head},"userId":"a","userId":"b"}`, 'ERR_EVENT_JSON_INVALID', 'userId'],
    ['cut off', `${head},"userId":"a`, 'ERR_EVENT_JSON_INVALID', 'userId'],
    ['two lines', `${head}}\n${head}}`, 'ERR_EVENT_JSON_INVALID', undefined],
    ['too large', `${head},"reason":"${'x'.repeat(MAX_ENTRY_BYTES)}"}`, 'ERR_EVENT_TOO_LARGE', undefined],
  ])('is not: %s', (_what, line, code, field) => {
    for (const form of [line, bytes(line)]) {
      const error = refusalOf(() => parseEntry(form));
      expect({ code: error.code, field: error.field }).toEqual({ code, field });
    }
  });

  it('is checked by the fixed-place readers too', () => {
    for (const line of ['', '{', head.replace('id', 'ix'), `{"id":"${id}"}`, '{"indelible":1}']) {
      for (const form of [line, bytes(line)]) {
        expect(refusalOf(() => entryId(form)).code).toBe('ERR_EVENT_ENTRY_INVALID');
        expect(refusalOf(() => entryTime(form)).code).toBe('ERR_EVENT_ENTRY_INVALID');
      }
    }
    expect(refusalOf(() => entryTime(head.replace('"event"', '"evxnt"'))).field).toBe('timestamp');
  });

  it('has a fact, which is all but what the log stamped', () => {
    const bait = { userId: '","clockAheadMs":5,"recordedAt":"', details: { clockAheadMs: 5, recordedAt: 'x' } };
    const event = { event: 'login', id, timestamp: time, ...bait } as const;
    const nowMs = Date.parse(time);
    const fact = encodeEvent(event, { nowMs });
    expect(entryFact(fact)).toBe(fact);
    for (const offsetMs of [-300_000, -1500, -1000, 1000, 1e9]) {
      const line = encodeEvent(event, { nowMs: nowMs + offsetMs });
      expect(line).not.toBe(fact);
      expect(entryFact(line)).toBe(fact);
    }
    const plain = encodeEvent({ event: 'login', id, timestamp: time, userId: 'u' }, { nowMs: nowMs - 2000 });
    expect(entryFact(plain)).toBe(`${head},"userId":"u"}`);
  });
});
