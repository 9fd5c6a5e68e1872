import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { verifyLog } from '@indelible/verify';
import { RECORD_HARMLESS, RECORD_MUTATIONS, RECORD_UNDETECTABLE, type RecordEvidence, type RecordMutation } from './record-mutations.ts';
import { reportMissing, runProgram, type Missing } from './support/outside-program.ts';
import { scratchDirectory } from './support/scratch.ts';
import { openTestLog } from './support/test-log.ts';
import { readTree, whileChanged } from './support/tiles-directory.ts';

const READER = fileURLToPath(new URL('../../docs/spec/verify_record.py', import.meta.url));

interface Reader {
  readonly name: string;
  /** Whether the record is sound, under a key from elsewhere. */
  judge(directory: string, vkey: string): Promise<{ readonly sound: boolean; readonly reason: string }>;
}

const scratch = scratchDirectory();
const python = findPython();
const readers: Reader[] = [
  {
    name: '@indelible/verify',
    judge: async (directory, key) => {
      const { verdict, claim } = await verifyLog(directory, { key });
      if (verdict === 'not_proven') throw new Error(`no verdict: ${claim}`);
      return { sound: verdict === 'sound', reason: claim };
    },
  },
  ...('missing' in python ? [] : [python]),
];
let evidence: RecordEvidence;
let directory: string;

beforeAll(async () => {
  const grown = await openTestLog(scratch, 'record', { segmentBytes: 8_192 });
  for (let size = 6; size <= 60; size += 6) await grown.growTo(size);
  await grown.log.close();
  directory = grown.directory;
  const files = new Map([...readTree(directory)].filter(([path]) => !path.includes('/')));
  expect([...files.keys()].filter((name) => name.endsWith('.ndjson')).length).toBeGreaterThanOrEqual(3);
  evidence = { files, signer: grown.signer };
});

describe.each(readers)('$name', (reader) => {
  async function judge(mutation: RecordMutation): Promise<{ sound: boolean; reason: string }> {
    const changes = await mutation.change(evidence);
    return whileChanged(directory, changes, () => reader.judge(directory, evidence.signer.vkey));
  }

  test.each(RECORD_MUTATIONS.map((mutation) => [mutation.name, mutation] as const))('rejects: %s', async (_, mutation) => {
    const { sound, reason } = await judge(mutation);
    expect(sound, reason).toBe(false);
  });

  test.each([...RECORD_HARMLESS, ...RECORD_UNDETECTABLE].map((mutation) => [mutation.name, mutation] as const))('accepts: %s', async (_, mutation) => {
    const { sound, reason } = await judge(mutation);
    expect(sound, reason).toBe(true);
  });
});

test('no change is without effect', async () => {
  for (const { name, change } of [...RECORD_MUTATIONS, ...RECORD_UNDETECTABLE]) {
    const changes = await change(evidence);
    expect([...changes].some(([path, bytes]) => bytes === undefined || Buffer.compare(bytes, evidence.files.get(path)!) !== 0), name).toBe(true);
  }
});

function findPython(): Reader | Missing {
  const { status, stderr } = runProgram('python3', ['--version']);
  if (status !== 0) return reportMissing({ missing: `there is no python3 (python3 --version: ${stderr.trim()})` });
  return {
    name: 'docs/spec/verify_record.py',
    judge: async (path, vkey) => {
      const outcome = runProgram('python3', [READER, path, vkey]);
      // 2 is "not proven", which is no verdict on any of these.
      if (outcome.status !== 0 && outcome.status !== 1) throw new Error(`ended with ${String(outcome.status)}: ${outcome.stdout}${outcome.stderr}`);
      return { sound: outcome.status === 0, reason: outcome.stdout.trim() };
    },
  };
}
