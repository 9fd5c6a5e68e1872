import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { leafHash, proveConsistency, proveInclusion, rootFromNodes, type ConsistencyClaim } from '@indelible/tlog';
import { CONSISTENCY_MUTATIONS, INCLUSION_MUTATIONS } from './proof-mutations.ts';
import { treeHash } from './support/build-tiles.ts';
import { buildGoProgram } from './support/go-program.ts';
import { goJudge, indelibleJudge, rfc9162Judge, sigstoreJudge, type EntryClaim, type ProofJudge } from './support/proof-judges.ts';
import { scratchDirectory } from './support/scratch.ts';
import { openTestLog, type TestLog } from './support/test-log.ts';

const SIZE = 3_001;
const COUNT = 150;

const scratch = scratchDirectory();
const go = buildGoProgram(scratch);
const judges: ProofJudge[] = [indelibleJudge, ...('missing' in go ? [] : [goJudge(go, scratch)]), sigstoreJudge, rfc9162Judge];

let grown: TestLog;
let entries: Uint8Array[];
let inclusion: EntryClaim[];
let consistency: ConsistencyClaim[];

beforeAll(async () => {
  grown = await openTestLog(scratch);
  await grown.growTo(SIZE);
  const reader = grown.log.reader();
  entries = [];
  for await (const { bytes } of reader.entries()) entries.push(bytes);
  const leaves = entries.map(leafHash);
  const roots = (size: number): Uint8Array => treeHash(leaves.slice(0, size));

  // Spread over the tree by a number without a common factor, so that every run tries the same ones.
  const indexes = Array.from({ length: COUNT }, (_, i) => (i * 1_999) % SIZE);
  inclusion = await Promise.all(
    indexes.map(async (index) => {
      const treeSize = index + 1 + ((index * 7) % (SIZE - index));
      return { index, treeSize, entry: entries[index]!, root: roots(treeSize), proof: await proveInclusion(index, treeSize, reader.nodes()) };
    }),
  );
  const receipts = await Promise.all([0, 1, 255, 256, SIZE - 1].map((index) => grown.log.receipt(index)));
  inclusion.push(...receipts.map(({ index, treeSize, entry, proof }) => ({ index, treeSize, entry, proof, root: roots(treeSize) })));
  const sizes = [...indexes.filter((size) => size > 0), ...Array.from({ length: 11 }, (_, i) => 2 ** i)];
  consistency = await Promise.all(
    sizes.map(async (oldSize) => ({ oldSize, oldRoot: roots(oldSize), newSize: SIZE, newRoot: roots(SIZE), proof: await proveConsistency(oldSize, SIZE, reader.nodes()) })),
  );
  expect(await rootFromNodes(SIZE, reader.nodes())).toEqual(roots(SIZE));
});
afterAll(() => grown.log.close());

describe.each(judges)('$name', (judge) => {
  test('accepts every inclusion proof', async () => {
    const verdicts = await judge.inclusion(inclusion);
    expect(verdicts.length).toBe(inclusion.length);
    expect(inclusion.filter((_, i) => verdicts[i] !== true)).toEqual([]);
  });

  test.each(INCLUSION_MUTATIONS.map((mutation) => [mutation.name, mutation] as const))('rejects inclusion proofs: %s', async (_, mutation) => {
    const claims = inclusion.filter(({ proof, root }) => proof.length >= 2 && root.length === 32).flatMap((claim) => mutation.change(claim));
    expect(claims.length).toBeGreaterThan(COUNT / 2);
    const verdicts = await judge.inclusion(claims);
    expect(claims.filter((_claim, i) => verdicts[i] !== false)).toEqual([]);
  });
});

describe.each(judges.filter(({ consistency: judges }) => judges !== undefined))('$name', (judge) => {
  test('accepts every consistency proof', async () => {
    const verdicts = await judge.consistency!(consistency);
    expect(verdicts.length).toBe(consistency.length);
    expect(consistency.filter((_, i) => verdicts[i] !== true)).toEqual([]);
  });

  test.each(CONSISTENCY_MUTATIONS.map((mutation) => [mutation.name, mutation] as const))('rejects consistency proofs: %s', async (_, mutation) => {
    const claims = consistency.filter(({ proof, oldSize }) => proof.length >= 2 && oldSize > 1).flatMap((claim) => mutation.change(claim));
    expect(claims.length).toBeGreaterThan(COUNT / 2);
    const verdicts = await judge.consistency!(claims);
    expect(claims.filter((_claim, i) => verdicts[i] !== false)).toEqual([]);
  });
});

test('@transmute/rfc9162 makes the same root of the entries', async () => {
  for (const size of [0, 1, 2, 3, 255, 256, 257, 600]) {
    expect(new Uint8Array(await rfc9162Judge.treeHead(entries.slice(0, size)))).toEqual(treeHash(entries.slice(0, size).map(leafHash)));
  }
});
