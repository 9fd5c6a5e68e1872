import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Finding, Report, VerifyOptions } from '@indelible/verify';
import { parseVerifierKey } from '@indelible/tlog';
import { parseKeptSeal } from '../../dist/kept-seal.js';
import type { RangePool } from '../../dist/record/range-pool.js';
import { verifyRecord } from '../../dist/record/verify-record.js';

/** A directory for one test file. */
export function scratchDirectory(): { path: string; at: (name: string) => string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'indelible-verify-'));
  return { path, at: (name) => join(path, name), remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Findings as "code@index". */
export function codesOf(report: { readonly findings: readonly Finding[] }): string[] {
  return report.findings.map(({ code, where }) => (where.index === undefined ? code : `${code}@${where.index}`));
}

/** Errors as "code@index". */
export function errorsOf(report: Report): string[] {
  return codesOf({ findings: report.findings.filter(({ severity }) => severity === 'error') });
}

/** Verifies in tiny ranges, on threads where there is a pool: what large logs go through, with a small one. */
export function verifyInRanges(directory: string, options: VerifyOptions, rangeBytes: number, pool?: RangePool): Promise<Report> {
  const { key, since, sinceAt, signal, onProgress } = options;
  return verifyRecord(directory, {
    ...{ key: key === undefined ? undefined : parseVerifierKey(key), cores: pool === undefined ? 1 : 2, onProgress, signal, rangeBytes },
    kept: since === undefined ? [] : [parseKeptSeal(since, sinceAt === undefined ? 'kept elsewhere' : `kept at ${sinceAt}`)],
    ...(pool === undefined ? {} : { pool }),
  });
}
