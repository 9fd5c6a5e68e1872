import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  TILE_WIDTH,
  bundlePath,
  parseBundlePath,
  parseTilePath,
  partialWidth,
  proveConsistency,
  proveInclusion,
  rootFromNodes,
  tileNodeReader,
  tilePath,
  tilesForSize,
  type Tile,
} from '@indelible/tlog';
import { expectCode, isRefusedSync } from './support/expect-code.ts';
import { OracleTree, oracleLeaf } from './support/rfc-oracle.ts';
import { RUNS, readVectors } from './support/testdata.ts';

type Vectors = {
  paths: (Tile & { path: string; bundlePath: string })[];
  badPaths: string[];
  sizes: { size: number; tiles: [number, number, number][] }[];
};

const vectors = readVectors<Vectors>('tiles.json');

describe('paths', () => {
  it('are written and read as in the vectors', () => {
    for (const { level, index, width, path, bundlePath: bundle } of vectors.paths) {
      expect(tilePath(level, index, width)).toBe(path);
      expect(parseTilePath(path)).toEqual({ level, index, width });
      expect(bundlePath(index, width)).toBe(bundle);
      expect(parseBundlePath(bundle)).toEqual({ index, width });
      expect(isRefusedSync(() => parseTilePath(bundle))).toBe(true);
      expect(isRefusedSync(() => parseBundlePath(path))).toBe(true);
    }
    expect(tilePath(0, 1_234_067)).toBe('tile/0/x001/x234/067');
    expect(bundlePath(0)).toBe('tile/entries/000');
  });

  it.each(vectors.badPaths)('refuse %j', async (path) => {
    await expectCode('ERR_TLOG_TILE_PATH_MALFORMED', () => parseTilePath(path));
    await expectCode('ERR_TLOG_TILE_PATH_MALFORMED', () => parseBundlePath(path));
  });

  it('refuse a hostile length in no time', () => {
    expect(isRefusedSync(() => parseTilePath(`tile/0/${'x000/'.repeat(100_000)}000`))).toBe(true);
    expect(isRefusedSync(() => parseTilePath(`tile/0/000.p/${'1'.repeat(100_000)}`))).toBe(true);
  });

  it.each([
    [-1, 0, 1],
    [64, 0, 1],
    [0.5, 0, 1],
    [0, -1, 1],
    [0, 0.5, 1],
    [0, 2 ** 53, 1],
    [0, 0, 0],
    [0, 0, 257],
    [0, 0, 1.5],
    [0, 0, -1],
  ])('are not written for level %s, index %s, width %s', async (level, index, width) => {
    await expectCode('ERR_TLOG_TILE_PATH_MALFORMED', () => tilePath(level, index, width));
  });
});

describe('tilesForSize', () => {
  it.each(vectors.sizes)('gives the tiles of $size leaves', ({ size, tiles }) => {
    expect([...tilesForSize(size)]).toEqual(tiles.map(([level, index, width]) => ({ level, index, width })));
  });

  it('gives the worked size of the specification', () => {
    const paths = [...tilesForSize(70_000)].map(({ level, index, width }) => tilePath(level, index, width));
    expect(paths.filter((path) => path.startsWith('tile/0/') && !path.includes('.p/'))).toHaveLength(273);
    expect(paths.slice(273)).toEqual(['tile/0/273.p/112', 'tile/1/000', 'tile/1/001.p/17', 'tile/2/000.p/1']);
    expect([...tilesForSize(256)].map((tile) => tilePath(tile.level, tile.index, tile.width))).toEqual(['tile/0/000', 'tile/1/000.p/1']);
    expect([0, 1, 2, 3].map((level) => partialWidth(level, 70_000))).toEqual([112, 17, 1, 0]);
  });

  it('is lazy, so a huge size costs what is taken of it', () => {
    const tiles = tilesForSize(Number.MAX_SAFE_INTEGER);
    expect(tiles.next().value).toEqual({ level: 0, index: 0, width: TILE_WIDTH });
  });

  it.each([-1, 0.5, 2 ** 53])('refuses the size %s', async (size) => {
    await expectCode('ERR_TLOG_TREE_SIZE', () => [...tilesForSize(size)]);
    await expectCode('ERR_TLOG_TREE_SIZE', () => tileNodeReader(size, () => expect.fail()));
  });

  it('partialWidth is exact up to 2^53 − 1, where nothing is left of any level above the seventh', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger().map(Math.abs), fc.integer({ min: 0, max: 63 }), (size, level) => {
        expect(BigInt(partialWidth(level, size))).toBe((BigInt(size) / 256n ** BigInt(level)) % 256n);
      }),
      { numRuns: 10 * RUNS },
    );
  });
});

/** Serves the tiles of a tree, and only those that exist at its size. */
function tileStore(tree: OracleTree, treeSize: number): { fetched: string[]; fetch: (tile: Tile) => Promise<Uint8Array> } {
  const fetched: string[] = [];
  return {
    fetched,
    fetch: ({ level, index, width }) => {
      const hashes = BigInt(treeSize) / 256n ** BigInt(level);
      const first = BigInt(index) * 256n;
      const expected = hashes - first >= 256n ? 256 : Number(hashes - first);
      if (width !== expected) throw new Error(`level ${level}, tile ${index} has width ${expected}, not ${width}`);
      fetched.push(tilePath(level, index, width));
      const span = 256n ** BigInt(level);
      const bytes = new Uint8Array(width * 32);
      for (let i = 0; i < width; i++) bytes.set(tree.hash((first + BigInt(i)) * span, (first + BigInt(i) + 1n) * span), i * 32);
      return Promise.resolve(bytes);
    },
  };
}

function treeWith(...places: readonly number[]): OracleTree {
  const near = places.flatMap((place) => [place - 1, place, place + 1]);
  return new OracleTree(new Map(near.map((place) => [BigInt(place), oracleLeaf(new TextEncoder().encode(String(place)))])));
}

describe('tileNodeReader', () => {
  it('gives the same roots and proofs as the oracle, and fetches no tile twice', async () => {
    for (const treeSize of [1, 2, 255, 256, 257, 300, 511, 512, 65_535, 65_536, 65_537, 70_000]) {
      const tree = treeWith(0, treeSize - 1, Math.floor(treeSize / 2), 255);
      expect(await rootFromNodes(treeSize, tileNodeReader(treeSize, tileStore(tree, treeSize).fetch))).toEqual(tree.hash(0n, BigInt(treeSize)));
      for (const index of new Set([0, 1, Math.floor(treeSize / 2), treeSize - 1].filter((i) => i < treeSize))) {
        const store = tileStore(tree, treeSize);
        expect(await proveInclusion(index, treeSize, tileNodeReader(treeSize, store.fetch))).toEqual(tree.path(BigInt(index), 0n, BigInt(treeSize)));
        expect(new Set(store.fetched).size).toBe(store.fetched.length);
      }
      for (const oldSize of [0, 1, Math.floor(treeSize / 2), treeSize]) {
        const reader = tileNodeReader(treeSize, tileStore(tree, treeSize).fetch);
        expect(await proveConsistency(oldSize, treeSize, reader)).toEqual(tree.consistency(BigInt(oldSize), BigInt(treeSize)));
      }
    }
  });

  it('does so for trees beyond 2^32', async () => {
    const size = fc.constantFrom(2 ** 31, 2 ** 32, 2 ** 40, 2 ** 53 - 2).chain((edge) => fc.integer({ min: -2, max: 1 }).map((off) => edge + off));
    await fc.assert(
      fc.asyncProperty(size, fc.maxSafeInteger().map(Math.abs), async (treeSize, n) => {
        const index = n % treeSize;
        const tree = treeWith(index, treeSize - 1);
        const store = tileStore(tree, treeSize);
        expect(await proveInclusion(index, treeSize, tileNodeReader(treeSize, store.fetch))).toEqual(tree.path(BigInt(index), 0n, BigInt(treeSize)));
        expect(new Set(store.fetched).size).toBe(store.fetched.length);
      }),
      { numRuns: Math.min(RUNS, 20) },
    );
  });

  it('refuses nodes that are not complete, before anything is fetched', async () => {
    const read = tileNodeReader(300, () => expect.fail());
    for (const id of [{ level: 0, index: 300 }, { level: 8, index: 1 }, { level: 9, index: 0 }, { level: 2, index: 75 }]) {
      await expectCode('ERR_TLOG_TREE_SIZE', () => read([id]));
    }
  });

  it('refuses tiles of another length, and passes on what the fetcher throws', async () => {
    for (const length of [0, 31, 44 * 32 - 1, 44 * 32 + 1, 256 * 32]) {
      const read = tileNodeReader(300, () => Promise.resolve(new Uint8Array(length)));
      await expectCode('ERR_TLOG_TILE_MALFORMED', () => read([{ level: 0, index: 299 }]));
    }
    const failure = new Error('404');
    await expect(tileNodeReader(300, () => Promise.reject(failure))([{ level: 0, index: 0 }])).rejects.toBe(failure);
  });

  it('returns hashes of its own: the fetcher may reuse its buffer', async () => {
    const buffer = new Uint8Array(256 * 32).fill(7);
    const [hash] = await tileNodeReader(300, () => Promise.resolve(buffer))([{ level: 0, index: 3 }]);
    buffer.fill(0);
    expect(hash).toEqual(new Uint8Array(32).fill(7));
  });
});
