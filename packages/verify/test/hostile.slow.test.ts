import { statSync, truncateSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { verifyLog } from '@indelible/verify';
import { scratchDirectory } from './support/bench.ts';
import { KEY, SIZE, writeVictim } from './support/victim.mjs';

const HOLE_BYTES = 3_000_000_000; // beyond 2^31
const scratch = scratchDirectory();
afterAll(() => scratch.remove());

test('a hole of gigabytes behind the last seal takes seconds and no memory', async () => {
  const log = writeVictim(scratch.at('log'));
  const { size } = statSync(log.path);
  truncateSync(log.path, HOLE_BYTES);
  const before = process.memoryUsage().rss;
  const start = performance.now();
  const report = await verifyLog(log.directory, { key: KEY.vkey });
  expect(report).toMatchObject({ verdict: 'sound', seal: { treeSize: SIZE }, coverage: { unsealedBytes: HOLE_BYTES - size } });
  expect(performance.now() - start).toBeLessThan(30_000);
  expect(process.memoryUsage().rss - before).toBeLessThan(150_000_000);
});

test('entries behind a hole of gigabytes, sealed there, are found', async () => {
  const log = writeVictim(scratch.at('behind'));
  log.raw('\n');
  truncateSync(log.path, HOLE_BYTES);
  log.length = HOLE_BYTES;
  log.raw('\n').fill(2);
  const report = await verifyLog(log.directory, { key: KEY.vkey, cores: 2 });
  expect(report).toMatchObject({ verdict: 'sound', seal: { treeSize: SIZE + 2 } });
  expect(report.coverage.foreignBytes).toBeGreaterThan(2_999_000_000);
});
