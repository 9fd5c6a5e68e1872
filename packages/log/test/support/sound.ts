import { expect } from 'vitest';
import { verifyLog } from '@indelible/verify';
import { directoryFiles, readRecord, type OracleResult, type RecordFiles } from './record-oracle.ts';

/** Expects that the specification's own reader finds nothing wrong, and returns what it read. */
export function expectSound(files: RecordFiles, vkey: string): OracleResult {
  const record = readRecord(files, vkey);
  expect(record.errors).toEqual([]);
  return record;
}

/** The same for a directory, where the verifier has to agree. */
export async function expectSoundDirectory(directory: string, vkey: string): Promise<OracleResult> {
  const record = expectSound(directoryFiles(directory), vkey);
  const report = await verifyLog(directory, { key: vkey, cores: 1 });
  expect(report.findings.filter(({ severity }) => severity === 'error')).toEqual([]);
  expect(report.verdict).toBe(record.entries.length === 0 ? 'not_proven' : 'sound');
  expect(report.coverage.entries).toBe(record.entries.length);
  return record;
}
