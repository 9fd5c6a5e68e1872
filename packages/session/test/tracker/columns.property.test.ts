import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AddressColumn } from '../../dist/tracker/address-column.js';
import { PackedKeys } from '../../dist/tracker/packed-key.js';
import { TextColumn } from '../../dist/tracker/text-column.js';

const numRuns = process.env['SLOW'] === '1' ? 3000 : 100;
const slot = fc.integer({ min: 0, max: 15 });

describe('columns give back what was put in', () => {
  it('of addresses', () => {
    const address = fc.option(fc.oneof(fc.ipV4(), fc.ipV6(), fc.constantFrom('255.255.255.255', '255.255.255.254', '255.255.255.253', '010.0.0.1', '1.2.3', 'unknown', '')), { nil: undefined });
    fc.assert(
      fc.property(fc.array(fc.tuple(slot, address)), (steps) => {
        const column = new AddressColumn();
        column.move(new Uint32Array(16));
        const expected = new Map<number, string | undefined>();
        for (const [at, text] of steps) {
          column.set(at, text);
          expected.set(at, text);
        }
        column.move(new Uint32Array(32));
        for (let at = 0; at < 32; at++) {
          expect(column.get(at)).toBe(expected.get(at));
          if (expected.get(at) !== undefined) expect(column.is(at, expected.get(at)!)).toBe(true);
          expect(column.is(at, '9.9.9.9')).toBe(expected.get(at) === '9.9.9.9');
        }
      }),
      { numRuns },
    );
  });

  it.each(['uuid', 'sidHash'] as const)('of keys (%s)', (kind) => {
    const sidHash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('base64url'));
    const near = sidHash.map((text) => `${text.slice(0, 42)}${text[42] === 'A' ? 'B' : 'A'}`);
    const key = fc.oneof(fc.uuid(), fc.uuid().map((text) => text.toUpperCase()), sidHash, near, fc.constantFrom('', 'S-1', 'é'.repeat(36), 'x'.repeat(43)));
    fc.assert(
      fc.property(fc.array(fc.tuple(slot, key)), (steps) => {
        const column = new PackedKeys(kind);
        const bytes = kind === 'uuid' ? 16 : 32;
        column.move(new Uint8Array(16 * bytes));
        const expected = new Map<number, string>();
        for (const [at, text] of steps) {
          column.set(at, text);
          expected.set(at, text);
        }
        column.move(new Uint8Array(32 * bytes));
        for (const [at, text] of expected) {
          expect(column.get(at)).toBe(text);
          expect(column.has(at)).toBe(text !== '');
          if (text !== '') expect(column.hashOf(at)).toBe(column.hash(text));
          for (const other of expected.values()) if (other !== '') expect(column.is(at, other)).toBe(other === text);
        }
      }),
      { numRuns },
    );
  });

  it('of texts', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 2000 })), (texts) => {
        const column = new TextColumn();
        for (const text of texts) column.add(text);
        expect(texts.map((_, i) => column.get(i))).toEqual(texts);
        expect(column.size).toBe(texts.length);
      }),
      { numRuns },
    );
  });
});
