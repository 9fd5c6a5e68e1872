// Keeps a benchmark's result with the machine and the commit that it was measured on: bench/results/<bench>.json.

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';

export function saveResult(result) {
  const git = (...args) => execFileSync('git', args, { encoding: 'utf8', cwd: fileURLToPath(new URL('.', import.meta.url)) }).trim();
  const machine = { cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, memoryGiB: Math.round(totalmem() / 2 ** 30), os: `${process.platform} ${process.arch}`, node: process.version, load1: Number(loadavg()[0].toFixed(2)) };
  const commit = git('rev-parse', '--short=12', 'HEAD') + (git('status', '--porcelain', '--', 'packages') === '' ? '' : '+changes');
  const file = new URL(`../results/${result.bench}.json`, import.meta.url);
  writeFileSync(file, `${JSON.stringify({ ...result, machine, commit }, null, 2)}\n`);
  process.stderr.write(`saved bench/results/${result.bench}.json\n`);
}
