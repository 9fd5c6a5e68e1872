import { describe, expect, test } from 'vitest';
import { MemoryCacheFiles } from '../dist/cache/cache-files.js';
import { IdIndex } from '../dist/cache/id-index.js';
import { ID_WORDS, compareIds, parseIdWords, readEntryId } from '../dist/commit/entry-id.js';
import { testId } from './support/events.ts';
import { seededRandom } from './support/random.ts';

const CHUNK = 65_536;

/** Adds and seals in groups, as the committer does. */
function fill(index: IdIndex, ids: readonly string[], group = 1_000): void {
  for (let at = 0; at < ids.length; at += group) {
    const part = ids.slice(at, at + group);
    for (const id of part) index.add(parseIdWords(id)!, 0);
    index.flush(at, at + part.length);
  }
}

const find = (index: IdIndex, id: string): number[] => index.find(parseIdWords(id)!, 0).sort((a, b) => a - b);

describe('entry id', () => {
  test('is read from the fixed place of an entry', () => {
    const id = '01941f29-7c00-7abc-8def-0123456789ab';
    const entry = new TextEncoder().encode(`xx{"id":"${id}","timestamp":"`);
    const words = new Uint32Array(ID_WORDS);
    expect(readEntryId(entry, 2, entry.length - 2, words, 0)).toBe(true);
    expect([...words]).toEqual([...parseIdWords(id)!]);
    expect([...words].map((word) => word.toString(16).padStart(8, '0')).join('')).toBe(id.replaceAll('-', ''));
  });

  test.each(['{"id":"01941f29-7c00-7abc-8def-0123456789a', '{"id":"01941F29-7c00-7abc-8def-0123456789ab"', '{"ID":"short"}', '', '{"id":"01941f29-7c00-7abc-8def-0123456789-ab"'])('%j has none', (text) => {
    const bytes = new TextEncoder().encode(text);
    expect(readEntryId(bytes, 0, bytes.length, new Uint32Array(ID_WORDS), 0)).toBe(false);
  });

  test('ids are ordered as their text is', () => {
    const random = seededRandom(1);
    const hex = (): string => Array.from({ length: 32 }, () => random.below(16).toString(16)).join('').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
    for (let i = 0; i < 500; i++) {
      const [a, b] = [hex(), hex()];
      expect(Math.sign(compareIds(parseIdWords(a)!, 0, parseIdWords(b)!, 0))).toBe(a < b ? -1 : a > b ? 1 : 0);
    }
  });

  test.each(['', 'x', '01941F29-7c00-7abc-8def-0123456789ab', '01941f297c007abc8def0123456789ab', ' 01941f29-7c00-7abc-8def-0123456789ab'])('%j is no id', (id) => {
    expect(parseIdWords(id)).toBeUndefined();
  });
});

describe('id index', () => {
  test('gives the same answers when it keeps chunks that are looked into often, and reads them once', () => {
    const files = new MemoryCacheFiles();
    let reads = 0;
    const counted = Object.assign(Object.create(files) as MemoryCacheFiles, {
      read: (...args: Parameters<MemoryCacheFiles['read']>) => {
        reads++;
        return files.read(...args);
      },
      write: (...args: Parameters<MemoryCacheFiles['write']>) => files.write(...args),
    });
    const index = new IdIndex(counted);
    const ids = Array.from({ length: 6 * CHUNK }, (_, i) => testId(i * 2));
    fill(index, ids, 4_096);
    const random = seededRandom(5);
    for (let round = 0; round < 2; round++) {
      reads = 0;
      for (let i = 0; i < 3_000; i++) {
        const at = random.below(4 * CHUNK);
        expect(find(index, ids[at]!)).toEqual([at]);
        if (at > 0) expect(find(index, testId(at * 2 - 1))).toEqual([]);
      }
    }
    expect(reads).toBe(0);
    for (let i = 0; i < 500; i++) {
      const at = random.below(ids.length); // more chunks than are kept
      expect(find(index, ids[at]!)).toEqual([at]);
    }
  });

  test('finds what was added and nothing else, before and after it is sealed', () => {
    const index = new IdIndex(new MemoryCacheFiles());
    for (let i = 0; i < 100; i++) index.add(parseIdWords(testId(i))!, 0);
    expect(find(index, testId(7))).toEqual([7]);
    expect(find(index, testId(100))).toEqual([]);
    index.flush(0, 100);
    expect(find(index, testId(7))).toEqual([7]);
    expect(index.end).toBe(100);
  });

  test('over several chunks, with ids out of order and ids that occur in several places', { timeout: 60_000 }, () => {
    const files = new MemoryCacheFiles();
    const index = new IdIndex(files);
    const random = seededRandom(2);
    const size = 2 * CHUNK + 5_000;
    // Mostly rising, some from far back, some above all others for a while: ranges of chunks overlap.
    const ids = Array.from({ length: size }, (_, i) => testId(random.oneIn(20) ? random.below(3 * CHUNK) : random.oneIn(500) ? 10 * CHUNK + i : CHUNK + i));
    const places = new Map<string, number[]>();
    ids.forEach((id, i) => places.set(id, [...(places.get(id) ?? []), i]));
    fill(index, ids, 997);
    expect([...places.values()].filter((one) => one.length > 1).length).toBeGreaterThan(1_000);
    expect([...places.values()].some((one) => new Set(one.map((at) => Math.floor(at / CHUNK))).size > 1)).toBe(true);
    const check = (which: IdIndex): void => {
      for (let i = 0; i < size; i += 37) expect(find(which, ids[i]!), `entry ${i}`).toEqual(places.get(ids[i]!));
      for (const i of [0, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK - 1, 2 * CHUNK, size - 1]) expect(find(which, ids[i]!)).toEqual(places.get(ids[i]!));
      for (let n = 0; n < 200; n++) expect(find(which, testId(20 * CHUNK + n))).toEqual([]);
      expect(find(which, '00000000-0000-0000-0000-000000000000')).toEqual([]);
      expect(find(which, 'ffffffff-ffff-ffff-ffff-ffffffffffff')).toEqual([]);
    };
    check(index);
    const again = new IdIndex(files);
    expect(again.load(size)).toBe(true);
    check(again);
    expect(again.end).toBe(size);
  });

  test('the same id in thousands of entries', () => {
    const index = new IdIndex(new MemoryCacheFiles());
    fill(index, Array.from({ length: CHUNK + 10 }, (_, i) => testId(i % 40 === 0 ? 5 : 100 + i)), 4_096);
    expect(find(index, testId(5))).toHaveLength(Math.ceil((CHUNK + 10) / 40));
  });

  test.each([0, 1, 999, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK])('goes on from %d entries that were sealed, forgetting what was not', (sealed) => {
    const files = new MemoryCacheFiles();
    const index = new IdIndex(files);
    fill(index, Array.from({ length: sealed }, (_, i) => testId(i)), 4_096);
    for (let i = sealed; i < sealed + 50; i++) index.add(parseIdWords(testId(i))!, 0);
    const again = new IdIndex(files);
    expect(again.load(sealed)).toBe(true);
    expect(again.end).toBe(sealed);
    expect(find(again, testId(sealed))).toEqual([]);
    if (sealed > 0) expect(find(again, testId(sealed - 1))).toEqual([sealed - 1]);
    fill(again, [], 1);
    again.add(parseIdWords(testId(sealed + 7))!, 0);
    expect(find(again, testId(sealed + 7))).toEqual([sealed]);
    again.flush(sealed, sealed + 1);
    expect(find(again, testId(sealed + 7))).toEqual([sealed]);
  });

  test('says so where the files do not reach', () => {
    const files = new MemoryCacheFiles();
    fill(new IdIndex(files), Array.from({ length: 100 }, (_, i) => testId(i)));
    expect(new IdIndex(files).load(101)).toBe(false);
    expect(new IdIndex(files).load(CHUNK + 1)).toBe(false);
    expect(new IdIndex(files).load(100)).toBe(true);
  });

  test('does not fail on files that lie', () => {
    const files = new MemoryCacheFiles();
    const ids = Array.from({ length: CHUNK + 100 }, (_, i) => testId(i));
    fill(new IdIndex(files), ids, 4_096);
    const random = seededRandom(3);
    for (const name of ['ids', 'id-order', 'id-ranges']) {
      for (let i = 0; i < 200; i++) files.write(name, random.below(CHUNK), Uint8Array.of(random.below(256)));
    }
    const index = new IdIndex(files);
    if (!index.load(CHUNK + 100)) return;
    for (let i = 0; i < ids.length; i += 101) {
      for (const found of find(index, ids[i]!)) expect(found).toBeLessThan(CHUNK + 100);
    }
  });
});
