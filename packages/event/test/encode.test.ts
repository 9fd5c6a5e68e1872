import { encodeEvent, EVENT_NAMES, type EncodeOptions, type EventInput, MAX_ENTRY_BYTES } from '@indelible/event';
import { describe, expect, it } from 'vitest';
import { refusalOf } from './support/refusal.ts';

const nowMs = Date.UTC(2026, 10, 20, 14, 3, 22, 123);
const now = '2026-11-20T14:03:22.123Z';
const id = '019aa1b2-c3d4-7e5f-8a6b-0123456789ab';
const login: EventInput = { event: 'login', userId: 'u1' };

const encode = (event: unknown, options: EncodeOptions = {}): string => encodeEvent(event as EventInput, { nowMs, ...options });
const stored = (event: unknown, options: EncodeOptions = {}): Record<string, unknown> =>
  JSON.parse(encode(event, options)) as Record<string, unknown>;

describe('the line', () => {
  it('holds all fields in the fixed order, whatever order they come in', () => {
    const event = {
      details: { b: 1, a: [true, null] }, tenant: 't', instance: 'i', app: 'a', policy: 'p', absoluteDeadline: nowMs + 2000,
      idleDeadline: nowMs + 1000, resource: '/r', userAgent: 'ua', ip: '::1', initiator: 'user', reason: 'why', outcome: 'success',
      prev: id, sidHash: '3rN6Ibf6SimceKlWCvkaDYQAKB7iTi3NuKcWPZKlq30', sessionId: 's', userId: 'u', event: 'login', timestamp: nowMs + 1500, id,
    };
    expect(encode(event)).toBe(
      `{"id":"${id}","timestamp":"2026-11-20T14:03:23.623Z","recordedAt":"${now}","event":"login","userId":"u","sessionId":"s",` +
        `"sidHash":"3rN6Ibf6SimceKlWCvkaDYQAKB7iTi3NuKcWPZKlq30","prev":"${id}","outcome":"success","reason":"why","initiator":"user","ip":"::1","userAgent":"ua","resource":"/r",` +
        '"idleDeadline":"2026-11-20T14:03:23.123Z","absoluteDeadline":"2026-11-20T14:03:24.123Z","policy":"p","app":"a","instance":"i",' +
        '"tenant":"t","clockAheadMs":1500,"details":{"b":1,"a":[true,null]}}',
    );
  });

  it('is no longer than what was given', () => {
    expect(encode({ ...login, id })).toMatch(/^\{"id":"[^"]+","timestamp":"[^"]+","recordedAt":"[^"]+","event":"login","userId":"u1"\}$/);
    expect(encode({ ...login, timestamp: nowMs })).toMatch(/^\{"id":"[^"]+","timestamp":"[^"]+","event":"login","userId":"u1"\}$/);
  });

  it('treats undefined as absent, and reads own enumerable data only', () => {
    const inherited = Object.assign(Object.create({ ip: '10.0.0.1' }) as object, { event: 'login', userId: 'u', reason: undefined, details: undefined });
    Object.defineProperty(inherited, 'tenant', { value: 'hidden', enumerable: false });
    Object.assign(inherited, { [Symbol('app')]: 'symbol' });
    expect(Object.keys(stored(inherited))).toEqual(['id', 'timestamp', 'event', 'userId']);
  });

  it('does not run accessors', () => {
    const event = { event: 'login', get userId(): string { throw new Error('was run'); } };
    expect(refusalOf(() => encode(event))).toMatchObject({ code: 'ERR_EVENT_FIELD_INVALID', field: 'userId' });
  });

  it('is not misled by a polluted prototype', () => {
    const prototype = Object.prototype as unknown as Record<string, unknown>;
    prototype['userId'] = 'attacker';
    try {
      expect(refusalOf(() => encode({ event: 'login' }))).toMatchObject({ code: 'ERR_EVENT_FIELD_MISSING', field: 'userId' });
    } finally {
      delete prototype['userId'];
    }
  });

  it('escapes every control character and keeps the rest', () => {
    const userId = 'a"b\\c\n\r\t\u0001\u007f\u0085\u2028\u2029 Zoë 🔐';
    const line = encode({ event: 'login', userId, userAgent: '' });
    expect((JSON.parse(line) as { userId: string }).userId).toBe(userId);
    // oxlint-disable-next-line no-control-regex -- none may be there
    expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/);
    expect(line).toContain('\\u0085\\u2028\\u2029 Zoë 🔐","userAgent":""}');
  });

  it('stores extension as extend, and every other name as it is', () => {
    expect(stored({ event: 'extension', userId: 'u' })['event']).toBe('extend');
    for (const event of EVENT_NAMES) expect(stored({ event, userId: 'u' }, { lifecycle: true })['event']).toBe(event);
  });

  it('makes a fresh id when there is none', () => {
    const made = Array.from({ length: 100 }, () => stored(login)['id'] as string);
    expect(new Set(made).size).toBe(100);
    expect(made.toSorted()).toEqual(made);
  });

  it('uses the defaults where the event has none', () => {
    const defaults = { app: 'bank', instance: 'web-1', tenant: 'acme' };
    expect(stored({ ...login, instance: 'web-2' }, { defaults })).toMatchObject({ app: 'bank', instance: 'web-2', tenant: 'acme' });
    expect(refusalOf(() => encode({ ...login, app: null }, { defaults }))).toMatchObject({ code: 'ERR_EVENT_FIELD_INVALID', field: 'app' });
    expect(refusalOf(() => encode(login, { defaults: { app: '' } }))).toMatchObject({ code: 'ERR_EVENT_FIELD_INVALID', field: 'app' });
  });

  it('uses the system clock when none is given', () => {
    const before = Date.now();
    const at = Date.parse((JSON.parse(encodeEvent(login)) as { timestamp: string }).timestamp);
    expect(at).toBeGreaterThanOrEqual(before);
    expect(at).toBeLessThanOrEqual(Date.now());
  });
});

describe('time', () => {
  it('takes a Date, a number, or RFC 3339 text with any offset', () => {
    for (const timestamp of [new Date(nowMs), nowMs, nowMs + 0.9, now, '2026-11-20t16:03:22.1239+02:00', '2026-11-20T14:03:22.123z']) {
      expect(stored({ ...login, timestamp })['timestamp']).toBe(now);
    }
  });

  it('takes the time of a given id, so that a retry says the same', () => {
    const entry = stored({ ...login, id });
    expect(entry['timestamp']).toBe(new Date(0x019aa1b2c3d4).toISOString());
    expect(entry['id']).toBe(id);
  });

  it.each([
    [-1000, now, undefined], [-999, undefined, undefined], [0, undefined, undefined], [999, undefined, undefined],
    [1000, now, undefined], [1001, now, 1001], [300_000, now, 300_000],
  ])('stamps what is %i ms from now', (offsetMs, recordedAt, clockAheadMs) => {
    const entry = stored({ ...login, timestamp: nowMs + offsetMs });
    expect([entry['recordedAt'], entry['clockAheadMs']]).toEqual([recordedAt, clockAheadMs]);
  });

  it('refuses what is more than five minutes ahead, and says both times', () => {
    const error = refusalOf(() => encode({ ...login, timestamp: nowMs + 300_001 }));
    expect(error).toMatchObject({ code: 'ERR_EVENT_CLOCK_AHEAD', field: 'timestamp' });
    expect(error.message).toContain('2026-11-20T14:08:22.124Z');
    expect(error.message).toContain(now);
    const ahead = 'ffffffff-ffff-7000-8000-000000000000';
    expect(refusalOf(() => encode({ ...login, id: ahead }))).toMatchObject({ code: 'ERR_EVENT_FIELD_INVALID', field: 'id' });
    expect(stored({ ...login, id: ahead, timestamp: now })['id']).toBe(ahead);
  });

  it('lets deadlines lie in the future', () => {
    expect(stored({ ...login, idleDeadline: '9999-12-31T23:59:59.999Z' })['idleDeadline']).toBe('9999-12-31T23:59:59.999Z');
    expect(stored({ ...login, absoluteDeadline: '2027-01-01T00:30:00+01:00' })['absoluteDeadline']).toBe('2026-12-31T23:30:00.000Z');
  });
});

describe("the log's own life", () => {
  it.each(['key_changed', 'log_recovered'])('%s is the log\'s alone', (event) => {
    const error = refusalOf(() => encode({ event, app: 'a', instance: 'i', userId: 'u' }));
    expect(error).toMatchObject({ code: 'ERR_EVENT_RESERVED', field: 'event' });
    expect(stored({ event }, { lifecycle: true })['event']).toBe(event);
  });

  it.each(['log_started', 'log_stopped', 'heartbeat', 'capture_gap', 'audit_viewed'])('%s needs an app and an instance', (event) => {
    const userId = 'u';
    expect(refusalOf(() => encode({ event, userId, instance: 'i' }))).toMatchObject({ code: 'ERR_EVENT_FIELD_MISSING', field: 'app' });
    expect(refusalOf(() => encode({ event, userId, app: 'a' }))).toMatchObject({ code: 'ERR_EVENT_FIELD_MISSING', field: 'instance' });
    expect(stored({ event, userId, app: 'a' }, { defaults: { instance: 'i' } })).toMatchObject({ event, app: 'a', instance: 'i' });
    expect(stored({ event, userId }, { lifecycle: true })).not.toHaveProperty('app');
  });
});

describe('what is refused', () => {
  const secret = 'hunter2-very-secret';
  const long = 'x'.repeat(70_000);
  const rows: [string, unknown, string, string | undefined][] = [
    ['no object', 'login', 'ERR_EVENT_FIELD_INVALID', undefined],
    ['null', null, 'ERR_EVENT_FIELD_INVALID', undefined],
    ['an array', [login], 'ERR_EVENT_FIELD_INVALID', undefined],
    ['nothing', {}, 'ERR_EVENT_FIELD_MISSING', 'event'],
    ['event null', { event: null }, 'ERR_EVENT_FIELD_INVALID', 'event'],
    ['event a number', { event: 5 }, 'ERR_EVENT_FIELD_INVALID', 'event'],
    ['event unknown', { event: 'purchase', userId: 'u' }, 'ERR_EVENT_NAME_UNKNOWN', 'event'],
    ['event of Object.prototype', { event: 'constructor', userId: 'u' }, 'ERR_EVENT_NAME_UNKNOWN', 'event'],
    ['event endless', { event: long, userId: 'u' }, 'ERR_EVENT_NAME_UNKNOWN', 'event'],
    ...EVENT_NAMES.filter((n) => !['login_failed', 'session_use_after_end', 'token_reuse', 'log_started', 'log_stopped', 'heartbeat',
      'log_recovered', 'capture_gap', 'key_changed'].includes(n)).map((event): [string, unknown, string, string] =>
      [`${event} without userId`, { event, app: 'a', instance: 'i' }, 'ERR_EVENT_FIELD_MISSING', 'userId']),
    ['userId undefined', { event: 'login', userId: undefined }, 'ERR_EVENT_FIELD_MISSING', 'userId'],
    ['userId null', { event: 'login', userId: null }, 'ERR_EVENT_FIELD_INVALID', 'userId'],
    ['userId empty', { event: 'login', userId: '' }, 'ERR_EVENT_FIELD_INVALID', 'userId'],
    ['userId a number', { event: 'login', userId: 184467 }, 'ERR_EVENT_FIELD_INVALID', 'userId'],
    ['userId an object', { event: 'login', userId: { toString: () => 'u' } }, 'ERR_EVENT_FIELD_INVALID', 'userId'],
    ['userId too long', { event: 'login', userId: 'x'.repeat(1025) }, 'ERR_EVENT_FIELD_INVALID', 'userId'],
    ['userId with NUL', { event: 'login', userId: `${secret}\0` }, 'ERR_EVENT_FIELD_INVALID', 'userId'],
    ['userId with a lone surrogate', { event: 'login', userId: `${secret}\ud800` }, 'ERR_EVENT_FIELD_INVALID', 'userId'],
    ['userId with surrogates reversed', { event: 'login', userId: '\udc00\ud800' }, 'ERR_EVENT_FIELD_INVALID', 'userId'],
    ['userId optional but empty', { event: 'login_failed', userId: '' }, 'ERR_EVENT_FIELD_INVALID', 'userId'],
    ['id upper case', { ...login, id: id.toUpperCase() }, 'ERR_EVENT_FIELD_INVALID', 'id'],
    ['id v4', { ...login, id: '019aa1b2-c3d4-4e5f-8a6b-0123456789ab' }, 'ERR_EVENT_FIELD_INVALID', 'id'],
    ['id of another variant', { ...login, id: '019aa1b2-c3d4-7e5f-ca6b-0123456789ab' }, 'ERR_EVENT_FIELD_INVALID', 'id'],
    ['id with a newline', { ...login, id: `${id}\n` }, 'ERR_EVENT_FIELD_INVALID', 'id'],
    ['id null', { ...login, id: null }, 'ERR_EVENT_FIELD_INVALID', 'id'],
    ['id a number', { ...login, id: 7 }, 'ERR_EVENT_FIELD_INVALID', 'id'],
    ['timestamp null', { ...login, timestamp: null }, 'ERR_EVENT_FIELD_INVALID', 'timestamp'],
    ['timestamp NaN', { ...login, timestamp: Number.NaN }, 'ERR_EVENT_FIELD_INVALID', 'timestamp'],
    ['timestamp an invalid Date', { ...login, timestamp: new Date(Number.NaN) }, 'ERR_EVENT_FIELD_INVALID', 'timestamp'],
    ['timestamp without offset', { ...login, timestamp: '2026-11-20T14:03:22.123' }, 'ERR_EVENT_FIELD_INVALID', 'timestamp'],
    ['timestamp in 1969', { ...login, timestamp: -1 }, 'ERR_EVENT_FIELD_INVALID', 'timestamp'],
    ['recordedAt', { ...login, recordedAt: now }, 'ERR_EVENT_RESERVED', 'recordedAt'],
    ['clockAheadMs', { ...login, clockAheadMs: 2000 }, 'ERR_EVENT_RESERVED', 'clockAheadMs'],
    ['indelible', { indelible: 'seal', ...login }, 'ERR_EVENT_RESERVED', 'indelible'],
    ['envelope', { ...login, envelope: {} }, 'ERR_EVENT_RESERVED', 'envelope'],
    ['an unknown field', { ...login, password: secret }, 'ERR_EVENT_FIELD_UNKNOWN', 'password'],
    ['an unknown field, undefined', { ...login, method: undefined }, 'ERR_EVENT_FIELD_UNKNOWN', 'method'],
    ['a field of another case', { ...login, userID: 'u' }, 'ERR_EVENT_FIELD_UNKNOWN', 'userID'],
    ['__proto__', JSON.parse('{"event":"login","userId":"u","__proto__":{"ip":"1"}}'), 'ERR_EVENT_FIELD_INVALID', '__proto__'],
    ['constructor', { ...login, constructor: 'x' }, 'ERR_EVENT_FIELD_INVALID', 'constructor'],
    ['prototype', { ...login, prototype: 'x' }, 'ERR_EVENT_FIELD_INVALID', 'prototype'],
    ['sessionId empty', { ...login, sessionId: '' }, 'ERR_EVENT_FIELD_INVALID', 'sessionId'],
    ['sidHash with a space', { ...login, sidHash: 'a b' }, 'ERR_EVENT_FIELD_INVALID', 'sidHash'],
    ['sidHash with a newline', { ...login, sidHash: 'ab\n' }, 'ERR_EVENT_FIELD_INVALID', 'sidHash'],
    ['sidHash a signed cookie', { ...login, sidHash: `s:${'a'.repeat(32)}.${'b'.repeat(43)}` }, 'ERR_EVENT_FIELD_INVALID', 'sidHash'],
    ['sidHash a signed cookie, encoded', { ...login, sidHash: `s%3A${'a'.repeat(43)}` }, 'ERR_EVENT_FIELD_INVALID', 'sidHash'],
    ['sidHash behind s:', { ...login, sidHash: `s:${'a'.repeat(43)}` }, 'ERR_EVENT_FIELD_INVALID', 'sidHash'],
    ['sidHash a raw id of express-session', { ...login, sidHash: 'Zx0_k-'.padEnd(32, 'q') }, 'ERR_EVENT_FIELD_INVALID', 'sidHash'],
    ['sidHash a UUID', { ...login, sidHash: id }, 'ERR_EVENT_FIELD_INVALID', 'sidHash'],
    ['sidHash too long', { ...login, sidHash: 'a'.repeat(257) }, 'ERR_EVENT_FIELD_INVALID', 'sidHash'],
    ['sidHash no string', { ...login, sidHash: ['a'] }, 'ERR_EVENT_FIELD_INVALID', 'sidHash'],
    ['prev no id', { ...login, prev: 'first' }, 'ERR_EVENT_FIELD_INVALID', 'prev'],
    ['outcome', { ...login, outcome: 'maybe' }, 'ERR_EVENT_FIELD_INVALID', 'outcome'],
    ['initiator', { ...login, initiator: 'root' }, 'ERR_EVENT_FIELD_INVALID', 'initiator'],
    ['reason null', { ...login, reason: null }, 'ERR_EVENT_FIELD_INVALID', 'reason'],
    ['reason with NUL', { ...login, reason: 'Bearer a\0' }, 'ERR_EVENT_FIELD_INVALID', 'reason'],
    ['ip too long', { ...login, ip: '1'.repeat(129) }, 'ERR_EVENT_FIELD_INVALID', 'ip'],
    ['userAgent a number', { ...login, userAgent: 1 }, 'ERR_EVENT_FIELD_INVALID', 'userAgent'],
    ['userAgent endless', { ...login, userAgent: 'x'.repeat(100_000) }, 'ERR_EVENT_TOO_LARGE', 'userAgent'],
    ['idleDeadline', { ...login, idleDeadline: 'tomorrow' }, 'ERR_EVENT_FIELD_INVALID', 'idleDeadline'],
    ['absoluteDeadline', { ...login, absoluteDeadline: 253_402_300_800_000 }, 'ERR_EVENT_FIELD_INVALID', 'absoluteDeadline'],
    ['tenant null', { ...login, tenant: null }, 'ERR_EVENT_FIELD_INVALID', 'tenant'],
    ['details null', { ...login, details: null }, 'ERR_EVENT_FIELD_INVALID', 'details'],
    ['details too large', { ...login, details: { a: 'é'.repeat(33_000) } }, 'ERR_EVENT_TOO_LARGE', 'details'],
  ];

  it.each(rows)('%s', (_what, event, code, field) => {
    const error = refusalOf(() => encode(event));
    expect({ code: error.code, field: error.field }).toEqual({ code, field });
    expect(error.message).not.toContain(secret);
    expect(error.message).not.toContain('184467');
    expect(error.message.length).toBeLessThan(250);
  });

  it('says what to do instead', () => {
    expect(refusalOf(() => encode({ event: 'login', userId: 7 })).message).toBe('userId must be a string, not a number: pass String(id)');
    expect(refusalOf(() => encode({ event: 'logon', userId: 'u' })).message).toContain('did you mean login or logout?');
    expect(refusalOf(() => encode({ event: 'Concurrent-Warning', userId: 'u' })).message).toContain('did you mean concurrent_warning?');
    expect(refusalOf(() => encode({ event: 'purchase', userId: 'u' })).message).toContain('login, logout, timeout, extend, concurrent_warning');
    expect(refusalOf(() => encode({ ...login, method: 'sso' })).message).toContain('put it under details');
    expect(refusalOf(() => encode({ ...login, id: id.toUpperCase() })).message).toContain('lower-case it');
    expect(refusalOf(() => encode({ ...login, ['odd\n key'.padEnd(90, 'é')]: 1 })).field).toMatch(/^"odd\\n key\?+"$/);
  });

  it('measures an entry in bytes, to the byte', () => {
    const frame = encode({ ...login, timestamp: nowMs, reason: '' }).length;
    const fits = encode({ ...login, timestamp: nowMs, reason: 'x'.repeat(MAX_ENTRY_BYTES - frame) });
    expect(new TextEncoder().encode(fits).length).toBe(MAX_ENTRY_BYTES);
    const over = refusalOf(() => encode({ ...login, timestamp: nowMs, reason: 'x'.repeat(MAX_ENTRY_BYTES - frame + 1) }));
    expect(over).toMatchObject({ code: 'ERR_EVENT_TOO_LARGE', field: 'reason' });
    // Three bytes a character, so a third of the characters is too much already.
    const wide = (n: number): string => encode({ ...login, timestamp: nowMs, reason: '語'.repeat(n) });
    const most = Math.floor((MAX_ENTRY_BYTES - frame) / 3);
    expect(wide(most)).toContain('語');
    expect(refusalOf(() => wide(most + 1)).code).toBe('ERR_EVENT_TOO_LARGE');
  });
});
