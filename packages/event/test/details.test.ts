import { encodeEvent, MAX_DETAILS_DEPTH } from '@indelible/event';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { refusalOf } from './support/refusal.ts';

const encodeDetails = (details: unknown): string => {
  const line = encodeEvent({ event: 'login', userId: 'u', timestamp: 0, details: details as Record<string, unknown> }, { nowMs: 0 });
  return line.slice(line.indexOf('"details":') + 10, -1);
};
const nest = (depth: number): unknown => (depth === 1 ? {} : { a: nest(depth - 1) });

describe('details', () => {
  it('keeps plain JSON and the order of its keys', () => {
    expect(encodeDetails({ b: 'x', a: [1, -0, 1.5, 1e-7, true, false, null, [], {}], '': 0, 'a b': Object.create(null) as object })).toBe(
      '{"b":"x","a":[1,0,1.5,1e-7,true,false,null,[],{}],"":0,"a b":{}}',
    );
    expect(encodeDetails({})).toBe('{}');
  });

  it('writes a Date as ISO text and leaves undefined members out', () => {
    expect(encodeDetails({ at: new Date(0), no: undefined, last: 1 })).toBe('{"at":"1970-01-01T00:00:00.000Z","last":1}');
  });

  it('takes objects, arrays and dates of another realm', () => {
    expect(encodeDetails(runInNewContext('({ a: [1], d: new Date(0) })'))).toBe('{"a":[1],"d":"1970-01-01T00:00:00.000Z"}');
  });

  it('escapes keys as it escapes values', () => {
    const key = 'a"\\\n\u0085\u2028é🔐';
    expect(JSON.parse(encodeDetails({ [key]: key }))).toEqual({ [key]: key });
  });

  it('reads no inherited, symbol or hidden property, and never calls toJSON', () => {
    const details = { [Symbol('s')]: 1, seen: 1 };
    Object.defineProperty(details, 'hidden', { value: 1, enumerable: false });
    expect(encodeDetails(details)).toBe('{"seen":1}');
    expect(refusalOf(() => encodeDetails({ a: { toJSON: () => 'x' } })).field).toBe('details.a.toJSON');
  });

  it('takes the same object twice, which is no cycle', () => {
    const shared = { a: 1 };
    expect(encodeDetails({ x: shared, y: [shared, shared] })).toBe('{"x":{"a":1},"y":[{"a":1},{"a":1}]}');
  });

  it(`nests ${MAX_DETAILS_DEPTH} levels`, () => {
    expect(encodeDetails(nest(MAX_DETAILS_DEPTH))).toContain('{}');
    const error = refusalOf(() => encodeDetails(nest(MAX_DETAILS_DEPTH + 1)));
    expect(error).toMatchObject({ code: 'ERR_EVENT_FIELD_INVALID', field: `details${'.a'.repeat(MAX_DETAILS_DEPTH)}` });
  });

  it('stops a small graph that would unfold into gigabytes', () => {
    let graph: unknown = {};
    for (let i = 0; i < 14; i++) graph = Array.from({ length: 10 }, () => graph);
    expect(refusalOf(() => encodeDetails({ graph }))).toMatchObject({ code: 'ERR_EVENT_TOO_LARGE', field: 'details' });
  });

  const cycle: Record<string, unknown> = { list: [] };
  (cycle['list'] as unknown[]).push({ back: cycle });
  class Custom { a = 1; }
  const rows: [string, unknown, string][] = [
    ['a string', 'x', 'details'],
    ['an array', [], 'details'],
    ['a Date', new Date(0), 'details'],
    ['a class instance', new Custom(), 'details'],
    ['an inheriting object', Object.create({ a: 1 }), 'details'],
    ['NaN', { a: Number.NaN }, 'details.a'],
    ['Infinity', { a: [0, -Infinity] }, 'details.a[1]'],
    ['2^53', { a: 2 ** 53 }, 'details.a'],
    ['-2^53', { a: -(2 ** 53) }, 'details.a'],
    ['1e300', { a: 1e300 }, 'details.a'],
    ['a bigint', { a: 1n }, 'details.a'],
    ['a function', { a: () => 1 }, 'details.a'],
    ['a symbol', { a: Symbol('x') }, 'details.a'],
    ['a Map', { a: { b: new Map() } }, 'details.a.b'],
    ['a Set', { a: new Set() }, 'details.a'],
    ['an Error', { error: new Error('x') }, 'details.error'],
    ['bytes', { a: new Uint8Array(3) }, 'details.a'],
    ['a boxed string', { a: Object('x') as unknown }, 'details.a'],
    ['a false Date', { a: Object.create(Date.prototype) as unknown }, 'details.a'],
    ['an invalid Date', { a: new Date(Number.NaN) }, 'details.a'],
    ['undefined in an array', { a: [1, undefined] }, 'details.a[1]'],
    ['a hole', { a: Object.assign([], { length: 1e9 }) }, 'details.a[0]'],
    ['a cycle', cycle, 'details.list[0].back'],
    ['NUL', { device: { name: 'a\0b' } }, 'details.device.name'],
    ['a lone surrogate', { device: { name: '\udfff' } }, 'details.device.name'],
    ['NUL in a secret text', { a: 'Bearer abc\0' }, 'details.a'],
    ['NUL in a key', { device: { 'a\0': 1 } }, 'details.device["a\\\\u0000"]'],
    ['__proto__', JSON.parse('{"a":{"__proto__":1}}'), 'details.a.__proto__'],
    ['constructor', { constructor: 1 }, 'details.constructor'],
    ['prototype', { a: [{ prototype: 1 }] }, 'details.a[0].prototype'],
    ['a getter', { get a(): number { throw new Error('was run'); } }, 'details.a'],
    ['a getter under a secret key', { get password(): string { throw new Error('was run'); } }, 'details.password'],
  ];
  it.each(rows)('refuses %s', (_what, details, field) => {
    const error = refusalOf(() => encodeDetails(details));
    expect({ code: error.code, field: error.field }).toEqual({ code: 'ERR_EVENT_FIELD_INVALID', field });
    expect(error.message.startsWith(field)).toBe(true);
  });

  it('refuses what no entry can hold, and names it', () => {
    expect(refusalOf(() => encodeDetails({ a: { b: 'x'.repeat(65_536) } }))).toMatchObject({ code: 'ERR_EVENT_TOO_LARGE', field: 'details.a.b' });
    expect(refusalOf(() => encodeDetails({ ['k'.repeat(65_536)]: 1 }))).toMatchObject({ code: 'ERR_EVENT_TOO_LARGE', field: 'details' });
    expect(refusalOf(() => encodeDetails({ a: Array.from({ length: 40_000 }, () => 1) })).code).toBe('ERR_EVENT_TOO_LARGE');
  });

  it('names the ends of a cycle', () => {
    expect(refusalOf(() => encodeDetails(cycle)).message).toBe('details.list[0].back refers back to details: a cycle');
  });
});
