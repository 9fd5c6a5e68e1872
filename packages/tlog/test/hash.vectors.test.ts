import { describe, expect, it } from 'vitest';
import { HASH_SIZE, emptyRoot, equalBytes, leafHash, nodeHash, rootFromNodes, type NodeReader } from '@indelible/tlog';
import { oracleLeaf, oracleNode } from './support/rfc-oracle.ts';
import { fromHex, readVectors, toHex } from './support/testdata.ts';

type Roots = {
  classic: { entries: string[]; roots: string[] };
  counter: { size: number; root: string }[];
};

const roots = readVectors<Roots>('roots.json');

/** Returns a reader over the leaf hashes that joins pairs upwards, level by level. */
function readerOf(leaves: readonly Uint8Array[]): NodeReader {
  const levels: Uint8Array[][] = [[...leaves]];
  for (let below = levels[0]!; below.length > 1; below = levels.at(-1)!) {
    const above: Uint8Array[] = [];
    for (let i = 0; i + 1 < below.length; i += 2) above.push(nodeHash(below[i]!, below[i + 1]!));
    levels.push(above);
  }
  return (ids) => Promise.resolve(ids.map(({ level, index }) => levels[level]![index]!));
}

describe('known roots (RFC 6962 §2.1)', () => {
  it.each(roots.classic.roots.map((root, size) => ({ root, size })))('classic entries, size $size', async ({ root, size }) => {
    const leaves = roots.classic.entries.slice(0, size).map((entry) => leafHash(fromHex(entry)));
    expect(toHex(await rootFromNodes(size, readerOf(leaves)))).toBe(root);
  });

  it.each(roots.counter)('four-byte counters, size $size', async ({ root, size }) => {
    const entry = new Uint8Array(4);
    const leaves = Array.from({ length: size }, (_, i) => {
      new DataView(entry.buffer).setUint32(0, i);
      return leafHash(entry);
    });
    expect(toHex(await rootFromNodes(size, readerOf(leaves)))).toBe(root);
  });

  it('empty tree', () => {
    expect(toHex(emptyRoot())).toBe(roots.classic.roots[0]);
    expect(emptyRoot()).not.toBe(emptyRoot());
  });
});

describe('leafHash and nodeHash', () => {
  it('equal the oracle for entries of every length class', () => {
    for (const length of [0, 1, 2, 31, 32, 33, 1022, 1023, 1024, 1025, 65_534, 65_535, 65_536, 70_000]) {
      const entry = new Uint8Array(length).fill(length % 251);
      expect(leafHash(entry)).toEqual(oracleLeaf(entry));
      // A shorter entry after a longer one must not see what the longer one left behind.
      expect(leafHash(entry.subarray(0, Math.floor(length / 2)))).toEqual(oracleLeaf(entry.subarray(0, Math.floor(length / 2))));
    }
  });

  it('depend on the order of the children', () => {
    const a = leafHash(Uint8Array.of(1));
    const b = leafHash(Uint8Array.of(2));
    expect(nodeHash(a, b)).toEqual(oracleNode(a, b));
    expect(nodeHash(a, b)).not.toEqual(nodeHash(b, a));
    expect(nodeHash(a, b)).toHaveLength(HASH_SIZE);
  });

  it.each([
    [31, 32],
    [32, 33],
    [0, 64],
  ])('refuse children of %s and %s bytes', (left, right) => {
    expect(() => nodeHash(new Uint8Array(left), new Uint8Array(right))).toThrow(RangeError);
  });

  it('compare bytes', () => {
    expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2))).toBe(true);
    expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 3))).toBe(false);
    expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2, 3))).toBe(false);
    expect(equalBytes(Uint8Array.of(1, 2, 3), Uint8Array.of(1, 2))).toBe(false);
    expect(equalBytes(Uint8Array.of(), Uint8Array.of())).toBe(true);
  });
});
