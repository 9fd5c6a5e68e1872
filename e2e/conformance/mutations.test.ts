import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HARMLESS, MUTATIONS, UNDETECTABLE, type Mutation } from './mutations.ts';
import { SIZES, expectedVerdict } from './mutations/mutation.ts';
import { scratchDirectory } from './support/scratch.ts';
import { openTestLog, type TestLog } from './support/test-log.ts';
import { whileChanged } from './support/tiles-directory.ts';
import { describeEvidence, readEvidence, type TilesEvidence } from './support/tiles-evidence.ts';
import { findVerifiers, type Verdict, type Verifier } from './support/verifiers.ts';

const scratch = scratchDirectory();
const verifiers = findVerifiers(scratch);
let grown: TestLog;
const logs = {} as Record<'small' | 'large', TilesEvidence>;

beforeAll(async () => {
  grown = await openTestLog(scratch);
  const seals = new Map<number, string>();
  for (const size of [SIZES.older, SIZES.kept, SIZES.small]) {
    await grown.growTo(size);
    await grown.exportTo('small');
    seals.set(size, grown.log.seal!);
  }
  await grown.growTo(SIZES.large);
  await grown.exportTo('large');
  const kept = { note: seals.get(SIZES.kept)!, path: join(scratch, 'kept') };
  writeFileSync(kept.path, kept.note);
  for (const name of ['small', 'large'] as const) logs[name] = describeEvidence(join(scratch, name), grown.signer, kept, seals.get(SIZES.older)!);
});
afterAll(() => grown.log.close());

async function judge(mutation: Mutation, verifier: Verifier): Promise<Verdict> {
  const evidence = logs[mutation.log ?? 'small'];
  const changes = await mutation.change(evidence);
  return whileChanged(evidence.directory, changes, () => verifier.check(evidence, mutation.entries ?? []));
}

test('the table has at least 30 rows, no name twice, and no change without effect', async () => {
  expect(MUTATIONS.length).toBeGreaterThanOrEqual(30);
  const names = [...MUTATIONS, ...HARMLESS, ...UNDETECTABLE].map(({ name }) => name);
  expect(names).toEqual([...new Set(names)]);
  for (const { name, log = 'small', change } of MUTATIONS) {
    const changes = [...(await change(logs[log]))];
    const hasEffect = changes.some(([path, bytes]) => bytes === undefined || !existsSync(join(logs[log].directory, path)) || Buffer.compare(bytes, readEvidence(logs[log], path)) !== 0);
    expect(hasEffect, name).toBe(true);
  }
});

describe.each(verifiers)('$name', (verifier) => {
  test.each(named(MUTATIONS))('%s', async (_, mutation) => {
    const verdict = await judge(mutation, verifier);
    expect(verdict.verdict, verdict.reason).toBe(expectedVerdict(mutation, verifier.name));
  });

  test.each(named([...HARMLESS, ...UNDETECTABLE]))('accepts: %s', async (_, mutation) => {
    expect(await judge(mutation, verifier)).toEqual({ verdict: 'accepted', reason: '' });
  });
});

function named(mutations: readonly Mutation[]): (readonly [string, Mutation])[] {
  return mutations.map((mutation) => [mutation.name, mutation] as const);
}
