import { MAX_ENTRY_BYTES, parseEventLine, parseJsonStrict } from '@indelible/event';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { refusalOf } from './support/refusal.ts';

const numRuns = process.env['SLOW'] === '1' ? 10_000 : 100;

describe('parseJsonStrict', () => {
  it.each([
    'null', 'true', 'false', '0', '-0', '1.5e-3', '9007199254740991', '-9007199254740991', '"a\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83D\\uDD10"',
    '""', '[]', '{}', ' [ 1 , { "a" : [ ] , "b":\t{} } ]\r\n', '{"constructor":1,"hasOwnProperty":2,"toString":3}', '"\u007f\u0085\u2028é🔐"',
  ])('reads %s as JSON.parse does', (text) => {
    expect(parseJsonStrict(text)).toEqual(JSON.parse(text));
  });

  it('reads every value that JSON.stringify writes', () => {
    fc.assert(fc.property(fc.jsonValue({ noUnicodeString: false, maxDepth: 6 }), fc.constantFrom(0, 1, 3), (value, indent) => {
      const text = JSON.stringify(value, null, indent);
      let strict: unknown;
      try {
        strict = parseJsonStrict(text);
      } catch {
        // Only for what is refused on purpose: NUL, lone surrogates, integers beyond 2^53-1, __proto__.
        expect(text).toMatch(/\\u0000|\\ud[89a-f]|[0-9]{16}|e\+|__proto__/);
        return;
      }
      expect(strict).toEqual(JSON.parse(text));
    }), { numRuns });
  });

  it('never accepts what JSON.parse refuses', () => {
    const pieces = fc.constantFrom('{', '}', '[', ']', ',', ':', '"a"', '"', '\\', '1', '-', '.', 'e', '0', 'true', 'null', ' ', '\n', '\\u00', 'x');
    fc.assert(fc.property(fc.array(pieces, { maxLength: 8 }), (parts) => {
      const text = parts.join('');
      let strict: unknown;
      try {
        strict = parseJsonStrict(text);
      } catch {
        return;
      }
      expect(strict).toEqual(JSON.parse(text));
    }), { numRuns: numRuns * 20 });
  });

  const rows: [string, number, string?][] = [
    ['', 0], ['   ', 3], ['nul', 0], ['tru', 0], ['falsy', 0], ['undefined', 0], ['NaN', 0], ['\ufeff{}', 0], ['{} {}', 3], ['1 2', 2], ['01', 1], ['1.', 1],
    ['.5', 0], ['+1', 0], ['--1', 0], ['1e', 1], ['0x10', 1], ['1_000', 1], ["'a'", 0], ['"a', 0], ['"a\\', 3], ['"a\nb"', 2], ['"\t"', 1], ['"\\x"', 2], ['"\\u12g4"', 2],
    ['"\\u', 2], ['[1,]', 3, '[1]'], ['[1 2]', 3], ['[', 1, '[0]'], ['{', 1], ['{"a"', 4, 'a'], ['{"a":', 5, 'a'], ['{"a":1', 6], ['{"a":1,}', 7], ['{"a" 1}', 5, 'a'], ['{a:1}', 1],
    ['{"a":1 "b":2}', 7], ['// x', 0], ['{"a":1e999}', 5, 'a'], ['[9007199254740992]', 1, '[0]'], ['{"n":-9007199254740993.0}', 5, 'n'], ['1e300', 0],
    ['{"a":1,"a":2}', 7, 'a'], ['{"a":1,"\\u0061":2}', 7, 'a'], ['{"a":{"b":[{"c":1,"c":1}]}}', 18, 'a.b[0].c'], ['{"__proto__":1}', 1, '__proto__'],
    ['{"\\u005f_proto__":1}', 1, '__proto__'], ['{"a":"\\u0000"}', 5, 'a'], ['{"a":"\\ud800"}', 5, 'a'], ['{"a":"\\udc00\\ud800"}', 5, 'a'], ['{"a":["\ud800"]}', 6, 'a[0]'],
    ['{"\\u0000":1}', 1],
  ];
  it.each(rows)('refuses %j', (text, position, field) => {
    const error = refusalOf(() => parseJsonStrict(text));
    expect({ code: error.code, position: error.position, field: error.field }).toEqual({ code: 'ERR_EVENT_JSON_INVALID', position, field });
    expect(error.message).toContain(`at character ${position}`);
  });

  it('bounds the depth', () => {
    const deep = (n: number): string => '['.repeat(n) + ']'.repeat(n);
    expect(parseJsonStrict(deep(32))).toBeDefined();
    expect(refusalOf(() => parseJsonStrict(deep(33)))).toMatchObject({ code: 'ERR_EVENT_JSON_INVALID', position: 32 });
    expect(refusalOf(() => parseJsonStrict(deep(1_000_000))).position).toBe(32);
    expect(parseJsonStrict('[[1]]', { maxDepth: 2 })).toEqual([[1]]);
    expect(refusalOf(() => parseJsonStrict('[[1]]', { maxDepth: 1 })).code).toBe('ERR_EVENT_JSON_INVALID');
  });

  it('shows no value and no hostile key', () => {
    const error = refusalOf(() => parseJsonStrict('{"\\u001b[31m evil":1,"\\u001b[31m evil":2}'));
    // oxlint-disable-next-line no-control-regex -- none may be there
    expect(error.message + error.field).not.toMatch(/[\u0000-\u001f]/);
    expect(refusalOf(() => parseJsonStrict('{"password":"hunter2\\u0000"}')).message).not.toContain('hunter2');
  });
});

describe('parseEventLine', () => {
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

  it('reads text and bytes', () => {
    for (const line of ['{"event":"login","userId":"Zoë"}', bytes(' {"event":"login","userId":"Zo\\u00eb"}\r\n')]) {
      expect(parseEventLine(line)).toEqual({ event: 'login', userId: 'Zoë' });
    }
  });

  it.each([
    ['not JSON', bytes('login'), 'ERR_EVENT_JSON_INVALID'],
    ['empty', new Uint8Array(), 'ERR_EVENT_JSON_INVALID'],
    ['an array', bytes('[{}]'), 'ERR_EVENT_JSON_INVALID'],
    ['a string', '"login"', 'ERR_EVENT_JSON_INVALID'],
    ['null', 'null', 'ERR_EVENT_JSON_INVALID'],
    ['a byte order mark', new Uint8Array([0xef, 0xbb, 0xbf, 0x7b, 0x7d]), 'ERR_EVENT_JSON_INVALID'],
    ['not UTF-8', new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x7d]), 'ERR_EVENT_JSON_INVALID'],
    ['overlong UTF-8', new Uint8Array([0x22, 0xc0, 0x80, 0x22]), 'ERR_EVENT_JSON_INVALID'],
    ['a surrogate in UTF-8', new Uint8Array([0x22, 0xed, 0xa0, 0x80, 0x22]), 'ERR_EVENT_JSON_INVALID'],
    ['10 MB', new Uint8Array(10_000_000), 'ERR_EVENT_TOO_LARGE'],
    ['10 MB of text', 'x'.repeat(10_000_000), 'ERR_EVENT_TOO_LARGE'],
    ['a byte too many', bytes(`"${'x'.repeat(MAX_ENTRY_BYTES - 1)}"`), 'ERR_EVENT_TOO_LARGE'],
    ['a byte too many in wide characters', `"${'é'.repeat((MAX_ENTRY_BYTES - 1) / 2)}"`, 'ERR_EVENT_TOO_LARGE'],
  ])('refuses %s', (_what, line, code) => {
    expect(refusalOf(() => parseEventLine(line)).code).toBe(code);
  });
});
