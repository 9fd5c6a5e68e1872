import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { AcceptedSeals } from '../dist/record/accepted-seals.js';

const rootOf = (size: number): Buffer => createHash('sha256').update(String(size)).digest();

test('remembers sizes and roots', () => {
  const seals = new AcceptedSeals();
  for (let size = 3; size < 30_000; size += 3) seals.add(size, rootOf(size));
  for (const size of [3, 300, 29_997]) {
    expect(seals.has(size, rootOf(size))).toBe(true);
    expect(seals.has(size, rootOf(size + 1))).toBe(false);
    expect(seals.has(size + 1, rootOf(size))).toBe(false);
  }
  expect(seals.has(0, rootOf(0))).toBe(false);
});

test('forgets the oldest of millions, and says so', () => {
  const seals = new AcceptedSeals();
  const root = rootOf(1);
  for (let size = 1; size <= 4_194_305; size++) seals.add(size, root);
  expect(seals.has(1, root)).toBeUndefined();
  expect(seals.has(2_097_153, root)).toBe(true);
  expect(seals.has(4_194_305, root)).toBe(true);
  expect(seals.has(4_194_306, root)).toBe(false);
});
