import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TreeRange, edgeLevels, emptyRoot, leafHash, nodeHash, type RangeNode } from '@indelible/tlog';

const runs = process.env['SLOW'] === '1' ? 10_000 : 100;

/** RFC 6962 §2.1, word for word. */
function mth(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return emptyRoot();
  if (leaves.length === 1) return leaves[0]!;
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return nodeHash(mth(leaves.slice(0, k)), mth(leaves.slice(k)));
}

const entry = (i: number): Uint8Array => new TextEncoder().encode(`entry ${i}`);
const leaf = (i: number): Uint8Array => leafHash(entry(i));
const leaves = (from: number, to: number): Uint8Array[] => Array.from({ length: to - from }, (_, i) => leaf(from + i));

function add(range: TreeRange, from: number, to: number): TreeRange {
  const out = new Uint8Array(32);
  for (let i = from; i < to; i++) range.addPrefixedLeaf(Uint8Array.of(0, ...entry(i)), out, 0);
  return range;
}

describe('TreeRange', () => {
  it('has the RFC 6962 root at every size up to 300, and writes each leaf hash out', () => {
    const range = new TreeRange();
    const out = new Uint8Array(40);
    expect(range.root()).toEqual(emptyRoot());
    for (let i = 0; i < 300; i++) {
      range.addPrefixedLeaf(Uint8Array.of(0, ...entry(i)), out, 8);
      expect(out.subarray(8)).toEqual(leaf(i));
      expect(range.end).toBe(i + 1);
      if (i < 70 || i % 13 === 0 || i > 250) expect(range.root(), `size ${i + 1}`).toEqual(mth(leaves(0, i + 1)));
    }
  });

  it('joins any parts to the root of the whole', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(40), { minLength: 1, maxLength: 6 }), (lengths) => {
        const whole = new TreeRange();
        let at = 0;
        for (const length of lengths) {
          whole.addRange(add(new TreeRange(at), at, at + length).nodes());
          at += length;
        }
        expect(whole.end).toBe(at);
        expect(whole.root()).toEqual(mth(leaves(0, at)));
      }),
      { numRuns: runs },
    );
  });

  it('goes on from an edge, and its clone goes its own way', () => {
    fc.assert(
      fc.property(fc.nat(200), fc.nat(50), (size, more) => {
        const edge = add(new TreeRange(), 0, size).edge();
        expect(edge.length).toBe(edgeLevels(size).length);
        const resumed = TreeRange.fromEdge(size, edge);
        const clone = resumed.clone();
        add(resumed, size, size + more);
        expect(resumed.root()).toEqual(mth(leaves(0, size + more)));
        expect(clone.root()).toEqual(mth(leaves(0, size)));
      }),
      { numRuns: runs },
    );
  });

  it('hands out the nodes of the hash tiles above level 0, each once', () => {
    const range = new TreeRange(0, { collectTileNodes: true });
    const taken: RangeNode[] = [];
    for (let at = 0; at < 1_000; at += 100) {
      add(range, at, at + 100);
      taken.push(...range.takeTileNodes());
    }
    expect(taken.map((node) => node.level)).toEqual([8, 8, 8]);
    taken.forEach((node, i) => expect(node.hash).toEqual(mth(leaves(i * 256, (i + 1) * 256))));
  });

  it('counts right far beyond 2^32', () => {
    // A tree of 2^52 + 2^33 + 1 leaves from three made-up subtrees: only the arithmetic is on trial.
    const [a, b, c] = [leaf(1), leaf(2), leaf(3)];
    const size = 2 ** 52 + 2 ** 33 + 1;
    const range = TreeRange.fromEdge(size, [a, b, c]);
    expect(range.end).toBe(size);
    expect(range.root()).toEqual(nodeHash(a, nodeHash(b, c)));
    range.addNode(0, leaf(4));
    expect(range.end).toBe(size + 1);
    expect(range.root()).toEqual(nodeHash(a, nodeHash(b, nodeHash(c, leaf(4)))));
    expect(edgeLevels(size)).toEqual([52, 33, 0]);
  });

  it('refuses what does not fit', () => {
    expect(() => new TreeRange(-1)).toThrow(expect.objectContaining({ code: 'ERR_TLOG_TREE_SIZE' }));
    expect(() => new TreeRange(2 ** 53)).toThrow(expect.objectContaining({ code: 'ERR_TLOG_TREE_SIZE' }));
    expect(() => new TreeRange(1.5)).toThrow(expect.objectContaining({ code: 'ERR_TLOG_TREE_SIZE' }));
    for (const edge of [[], [leaf(1)], [leaf(1), leaf(2), leaf(3)], [leaf(1), new Uint8Array(31)]]) {
      expect(() => TreeRange.fromEdge(3, edge)).toThrow(expect.objectContaining({ code: 'ERR_TLOG_TREE_EDGE' }));
    }
    expect(() => add(new TreeRange(), 0, 1).addNode(1, leaf(9))).toThrow(expect.objectContaining({ code: 'ERR_TLOG_TREE_EDGE' }));
    expect(() => new TreeRange(5).root()).toThrow(expect.objectContaining({ code: 'ERR_TLOG_TREE_EDGE' }));
    expect(() => new TreeRange(5).edge()).toThrow(expect.objectContaining({ code: 'ERR_TLOG_TREE_EDGE' }));
  });
});
