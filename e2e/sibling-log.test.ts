// One key and one name for two logs is a mistake that happens (a staging copy, a restored backup). A segment of the one that
// ends up in the directory of the other must neither be continued nor make the other unsound.

import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createLog, createSigningKey, fileStore, openLog, openReader, parseSigningKey } from '@indelible/log';
import { verifyLog } from '@indelible/verify';
import { afterEach, beforeEach, expect, it } from 'vitest';

const VERIFIER = fileURLToPath(new URL('../docs/spec/verify_record.py', import.meta.url));
const hasPython = spawnSync('python3', ['--version']).status === 0;
const signer = parseSigningKey(createSigningKey('bank.example/audit').secret);
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'indelible-sibling-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

async function record(name: string, count: number, segmentBytes: number): Promise<void> {
  const path = join(directory, name);
  if (!existsSync(path)) await createLog(path, { signer });
  const log = await openLog({ store: fileStore(path, { segmentBytes }), signer, app: 'bank', heartbeatMs: 0 });
  for (let i = 0; i < count; i++) await log.append({ event: 'login', userId: `${name}-${i}` });
  await log.close();
}

it('a segment of another log with the same name and key is skipped by writer, reader and verifiers', async () => {
  await record('bank', 10, 1_000_000);
  await record('sibling', 50, 8_000);
  copyFileSync(join(directory, 'sibling/000001.ndjson'), join(directory, 'bank/000001.ndjson'));
  await record('bank', 5, 1_000_000);
  const bank = join(directory, 'bank');

  expect((await (await openReader(bank)).seal())?.treeSize).toBe(19); // two starts, two stops
  const report = await verifyLog(bank, { key: signer.vkey });
  expect(report).toMatchObject({ verdict: 'sound', seal: { treeSize: 19 } });
  expect(report.findings).toEqual([expect.objectContaining({ code: 'not_a_segment', meaning: '000001.ndjson belongs to another log of the same name: skipped' })]);
  if (hasPython) expect(spawnSync('python3', [VERIFIER, bank, signer.vkey], { encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
});
