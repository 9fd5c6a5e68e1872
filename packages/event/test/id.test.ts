import { createId, factId, idTimeMs, isId, sidHash } from '@indelible/event';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { refusalOf } from './support/refusal.ts';

const maxTimeMs = 2 ** 48 - 1;
const timeMs = fc.integer({ min: 0, max: maxTimeMs });

describe('createId', () => {
  it('makes a UUIDv7 that carries its time', () => {
    fc.assert(fc.property(timeMs, (ms) => {
      const id = createId(ms);
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      expect(idTimeMs(id)).toBe(ms);
    }));
  });

  it('makes unique and increasing ids within a millisecond', () => {
    let last = '';
    const tails = new Set<string>();
    for (let i = 0; i < 50_000; i++) {
      const id = createId(1_763_675_302_123);
      if (!(id > last)) throw new Error(`${id} is not behind ${last}`);
      last = id;
      tails.add(id.slice(24));
    }
    expect(tails.size).toBeGreaterThan(49_990);
  });

  it('keeps increasing with the clock, and stays exact when the clock goes back', () => {
    const ids = [1, 1, 2, 2, 3].map((ms) => createId(ms));
    expect(ids.toSorted()).toEqual(ids);
    expect(idTimeMs(createId(2))).toBe(2);
    expect(Math.abs(idTimeMs(createId()) - Date.now())).toBeLessThan(1000);
  });

  it('spreads the start of its counter', () => {
    const starts = new Set(Array.from({ length: 200 }, (_, i) => createId(10_000 + i).slice(15, 23)));
    expect(starts.size).toBeGreaterThan(190);
    // The top bit of the counter is room to count in.
    for (const start of starts) expect('01234567').toContain(start[0]);
  });

  it.each([-1, 0.5, 2 ** 48, Number.NaN, Infinity, '5' as unknown as number])('refuses the time %s', (ms) => {
    expect(refusalOf(() => createId(ms))).toMatchObject({ code: 'ERR_EVENT_FIELD_INVALID', field: 'nowMs' });
    expect(refusalOf(() => factId(ms, 'a'))).toMatchObject({ code: 'ERR_EVENT_FIELD_INVALID', field: 'timeMs' });
  });
});

describe('factId', () => {
  it('agrees with another implementation', () => {
    // Python: hashlib.sha256 over b'indelible fact v1\n' and netstrings, bits placed by hand.
    expect(factId(1_763_675_302_123, 'timeout', 'ses_1', 'é')).toBe('019aa33d-68eb-8293-9777-5411f8fe188f');
  });

  it('is a UUIDv8 that depends on the time and on each part and its borders', () => {
    fc.assert(fc.property(timeMs, fc.array(fc.string(), { maxLength: 4 }), fc.array(fc.string(), { maxLength: 4 }), (ms, a, b) => {
      const id = factId(ms, ...a);
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      expect(idTimeMs(id)).toBe(ms);
      expect(factId(ms, ...b) === id).toBe(JSON.stringify(a) === JSON.stringify(b));
    }));
    expect(new Set([['ab'], ['a', 'b'], ['', 'ab'], ['ab', ''], ['a,1:b'], []].map((parts) => factId(5, ...parts))).size).toBe(6);
  });

  it('refuses parts that are no well-formed text', () => {
    expect(refusalOf(() => factId(5, 'a', '\ud800')).field).toBe('parts[1]');
    expect(refusalOf(() => factId(5, 7 as unknown as string)).field).toBe('parts[0]');
  });
});

describe('idTimeMs and isId', () => {
  const good = createId(5);
  it.each(['', 'x', good.toUpperCase().replace('7', '4'), good.slice(1), `${good} `, good.replaceAll('-', ''), good.replace('-7', '-6'), null, 7])('refuses %s', (id) => {
    expect(isId(id)).toBe(false);
    expect(refusalOf(() => idTimeMs(id as string))).toMatchObject({ code: 'ERR_EVENT_FIELD_INVALID', field: 'id' });
  });
  it('accepts its own', () => expect([good, factId(5)].every(isId)).toBe(true));
});

describe('sidHash', () => {
  const key = Uint8Array.from({ length: 16 }, (_, i) => i);

  it('agrees with another implementation', () => {
    // Python: hmac.new(bytes(range(16)), b'indelible sid v1\ns%3Aabc.def', 'sha256')
    expect(sidHash(key, 's%3Aabc.def')).toBe('yAPdGlRDzr8AMMuEOo9xbWbX94bd8IDJEd3-7jbJOUc');
  });

  it('depends on the key and is an acceptable field', () => {
    expect(sidHash(new Uint8Array(32), 'a')).toMatch(/^[\w-]{43}$/);
    expect(sidHash(new Uint8Array(32), 'a')).not.toBe(sidHash(key, 'a'));
  });

  it('refuses a short key and what is no id', () => {
    expect(refusalOf(() => sidHash(key.subarray(1), 'a'))).toMatchObject({ code: 'ERR_EVENT_KEY_INVALID', field: 'key' });
    expect(refusalOf(() => sidHash('0123456789abcdef' as unknown as Uint8Array, 'a')).code).toBe('ERR_EVENT_KEY_INVALID');
    for (const raw of ['', '\ud800', undefined, 5]) {
      expect(refusalOf(() => sidHash(key, raw as string))).toMatchObject({ code: 'ERR_EVENT_FIELD_INVALID', field: 'rawSid' });
    }
    expect(refusalOf(() => sidHash(key, 'very-secret\0')).message).not.toContain('very-secret');
  });
});
