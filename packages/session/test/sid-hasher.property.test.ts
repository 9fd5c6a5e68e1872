import { sidHash } from '@indelible/event';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { SidHasher } from '../dist/sid-hasher.js';

const key = fc.uint8Array({ minLength: 16, maxLength: 200 });

it('makes the hashes that the event package defines', () => {
  fc.assert(
    fc.property(key, fc.array(fc.string({ minLength: 1, maxLength: 400, unit: 'binary' }), { minLength: 1, maxLength: 4 }), (bytes, sids) => {
      const hasher = new SidHasher(bytes);
      for (const sid of sids) {
        let expected: string | undefined;
        try {
          expected = sidHash(bytes, sid);
        } catch {
          expect(() => hasher.hash(sid)).toThrow();
          continue;
        }
        expect(hasher.hash(sid)).toBe(expected);
      }
    }),
  );
});

it.each(['', '\ud800', 'a\0b', 7, undefined])('refuses %j', (sid) => {
  expect(() => new SidHasher(new Uint8Array(32)).hash(sid as string)).toThrow(expect.objectContaining({ code: 'ERR_EVENT_FIELD_INVALID' }) as Error);
});
