import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { HASH_SIZE, TreeRange, leafHash } from '@indelible/tlog';
import { Cache, decodeOffset, foldHashes, tilesFile } from '../dist/cache/cache.js';
import { DirectoryCacheFiles, MemoryCacheFiles, type CacheFiles } from '../dist/cache/cache-files.js';
import { DirectoryCacheReader } from '../dist/cache/cache-reader.js';
import { seededRandom } from './support/random.ts';
import { temporaryDirectory } from './support/temporary.ts';

const ORIGIN = 'test.example/log';
const root = temporaryDirectory('cache');
const directory = (): string => mkdtempSync(join(root, 'cache-'));

/** Adds `count` entries in groups of random size; returns the tree. */
function extend(cache: Cache, tree: TreeRange, count: number, seed = 1): TreeRange {
  const random = seededRandom(seed);
  for (let left = count; left > 0; ) {
    const group = Math.min(left, 1 + random.below(600));
    const first = tree.end;
    const leafHashes = new Uint8Array(group * HASH_SIZE);
    const ids = new Uint32Array(group * 4);
    for (let i = 0; i < group; i++) {
      const leaf = new TextEncoder().encode(`\0${first + i}`);
      tree.addPrefixedLeaf(leaf, leafHashes, i * HASH_SIZE);
      ids.set([1, 2, 3, first + i], i * 4);
      cache.ids.add(ids, i * 4);
    }
    cache.extend({ first, leafHashes, tileNodes: tree.takeTileNodes(), lengths: new Uint32Array(group).fill(9), place: { segment: Math.floor(first / 1000), offset: 100 + first * 10 } });
    left -= group;
  }
  return tree;
}

const newTree = (): TreeRange => new TreeRange(0, { collectTileNodes: true });
const kinds: [string, () => CacheFiles][] = [
  ['in memory', () => new MemoryCacheFiles()],
  ['in a directory', () => new DirectoryCacheFiles(directory())],
];

describe.each(kinds)('cache %s', (_kind, makeFiles) => {
  test.each([1, 2, 255, 256, 257, 1_000, 65_536, 70_000])('loads the tree of %d entries again', (size) => {
    const files = makeFiles();
    const cache = new Cache(files, ORIGIN);
    const tree = extend(cache, newTree(), size);
    cache.checkpoint({ size, segment: 3, offset: 77 }, 'now');
    cache.close();
    const loaded = new Cache(files, ORIGIN).load();
    expect(loaded?.state).toMatchObject({ size, segment: 3, offset: 77 });
    expect(loaded?.edge.root()).toEqual(tree.root());
    // and goes on from there
    const again = new Cache(files, ORIGIN);
    const { edge } = again.load()!;
    extend(again, edge, 300, 9);
    const whole = extend(new Cache(new MemoryCacheFiles(), ORIGIN), newTree(), size + 300, 4);
    expect(edge.root()).toEqual(whole.root());
    expect(again.rootAt(size)).toEqual(tree.root());
    expect(again.ids.end).toBe(size + 300);
    files.close();
  });

  test('knows leaf hashes and places', () => {
    const cache = new Cache(makeFiles(), ORIGIN);
    extend(cache, newTree(), 1_000);
    expect(cache.leafHash(777)).toEqual(leafHash(new TextEncoder().encode('777')));
    expect(cache.placeBefore(777)).toMatchObject({ index: 768 });
    expect(cache.placeBefore(5_000)).toBeUndefined();
    expect(cache.leafHash(5_000)).toHaveLength(0);
    expect(cache.rootAt(0)).toBeUndefined();
    expect(cache.rootAt(1_001)).toBeUndefined();
  });

  test.each([
    ['another version', { version: 2 }],
    ['another log', { origin: 'other.example/log' }],
    ['a negative size', { size: -1 }],
    ['a fraction', { size: 1.5 }],
    ['text for a number', { offset: '5' }],
    ['more than there is', { size: 1_001 }],
    ['much more than there is', { size: 2 ** 40 }],
  ])('a state with %s is none', (_name, change) => {
    const files = makeFiles();
    const cache = new Cache(files, ORIGIN);
    extend(cache, newTree(), 1_000);
    cache.checkpoint({ size: 1_000, segment: 0, offset: 5 }, 'now');
    files.writeState(JSON.stringify({ ...(JSON.parse(files.readState()!) as object), ...change }));
    expect(new Cache(files, ORIGIN).load()).toBeUndefined();
    for (const text of ['', '{', 'null', '[]', '{}']) {
      files.writeState(text);
      expect(new Cache(files, ORIGIN).load()).toBeUndefined();
    }
  });

  test('clear forgets everything', () => {
    const files = makeFiles();
    const cache = new Cache(files, ORIGIN);
    extend(cache, newTree(), 1_000);
    cache.checkpoint({ size: 1_000, segment: 0, offset: 5 }, 'now');
    cache.clear();
    expect(cache.load()).toBeUndefined();
    expect(cache.ids.end).toBe(0);
    const tree = extend(cache, newTree(), 10);
    expect(cache.rootAt(10)).toEqual(tree.root());
    files.close();
  });

  test('is not written durably before it is due', () => {
    const files = makeFiles();
    const cache = new Cache(files, ORIGIN);
    extend(cache, newTree(), 100);
    cache.checkpoint({ size: 100, segment: 0, offset: 5 });
    expect(files.readState()).toBeUndefined();
    extend(cache, newTree(), 20_000);
    cache.checkpoint({ size: 20_000, segment: 0, offset: 5 });
    expect(files.readState()).toContain('20000');
    files.close();
  });
});

describe('cache in a directory', () => {
  test('a poisoned tile gives another root, never a crash', () => {
    const path = directory();
    const files = new DirectoryCacheFiles(path);
    const cache = new Cache(files, ORIGIN);
    const tree = extend(cache, newTree(), 1_000);
    cache.checkpoint({ size: 1_000, segment: 0, offset: 5 }, 'now');
    cache.close();
    const tiles = readFileSync(join(path, tilesFile(0)));
    tiles[tiles.length - 1] = tiles[tiles.length - 1]! ^ 1;
    writeFileSync(join(path, tilesFile(0)), tiles);
    expect(new Cache(new DirectoryCacheFiles(path), ORIGIN).load()!.edge.root()).not.toEqual(tree.root());
  });

  test('a reader sees what is there, and nothing where nothing is', () => {
    const path = directory();
    const cache = new Cache(new DirectoryCacheFiles(path), ORIGIN);
    extend(cache, newTree(), 10);
    cache.flush();
    const reader = new DirectoryCacheReader(path);
    expect(reader.read(tilesFile(0), 0, HASH_SIZE)).toEqual(cache.leafHash(0));
    expect(reader.read(tilesFile(0), 9 * HASH_SIZE, 5 * HASH_SIZE)).toHaveLength(HASH_SIZE);
    expect(reader.read('nothing', 0, 10)).toHaveLength(0);
    expect(reader.readState()).toBeUndefined();
    expect(new DirectoryCacheReader(join(path, 'missing')).readState()).toBeUndefined();
  });

  test('survives that somebody deletes it while it is open', () => {
    const path = directory();
    const cache = new Cache(new DirectoryCacheFiles(path), ORIGIN);
    const tree = extend(cache, newTree(), 300);
    rmSync(path, { recursive: true });
    expect(cache.rootAt(300)).toEqual(tree.root());
    cache.checkpoint({ size: 300, segment: 0, offset: 1 }, 'now'); // cannot be written; not an error
    cache.clear();
    extend(cache, newTree(), 5);
    expect(readdirSync(path).length).toBeGreaterThan(0);
  });
});

test('offsets decode strictly', () => {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  const decode = (segment: number, offset: number): unknown => {
    view.setFloat64(0, segment);
    view.setFloat64(8, offset);
    return decodeOffset(bytes);
  };
  expect(decode(3, 500)).toEqual({ segment: 3, offset: 500 });
  expect(decode(2 ** 40, 2 ** 50)).toEqual({ segment: 2 ** 40, offset: 2 ** 50 });
  for (const [segment, offset] of [[-1, 5], [0, 0], [0.5, 1], [Number.NaN, 1], [0, Number.POSITIVE_INFINITY]]) expect(decode(segment!, offset!)).toBeUndefined();
  expect(decodeOffset(bytes.subarray(1))).toBeUndefined();
});

test('hashes fold to the root of a complete subtree', () => {
  for (const count of [1, 2, 4, 256]) {
    const tree = new TreeRange();
    const leaves = new Uint8Array(count * HASH_SIZE);
    for (let i = 0; i < count; i++) tree.addPrefixedLeaf(new TextEncoder().encode(`\0${i}`), leaves, i * HASH_SIZE);
    expect(foldHashes(leaves)).toEqual(tree.root());
  }
});
