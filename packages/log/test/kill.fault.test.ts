import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const TOOL = fileURLToPath(new URL('../../../tools/kill-matrix.mjs', import.meta.url));

/** Runs a part of the matrix; returns its table. */
function killMatrix(...args: string[]): Promise<{ status: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [TOOL, '--sample', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, output }));
  });
}

const sum = (output: string, column: number): number =>
  output.split('\n').map((line) => line.split(/ {2,}/)).filter((row) => row.length >= 7 && row[2] !== 'runs').reduce((total, row) => total + Number(row[column]), 0);

// The whole matrix: node tools/kill-matrix.mjs
test('SIGKILL at the named steps, errors and SIGKILL at system calls, a file size limit', { timeout: 300_000 }, async () => {
  const { status, output } = await killMatrix('--only', 'steps,calls,limit');
  process.stdout.write(output);
  expect(status, output).toBe(0);
  expect(sum(output, 2)).toBeGreaterThan(20);
  expect(sum(output, 3)).toBeGreaterThan(100);
});

test('SIGKILL at 200 random moments', { timeout: 300_000 }, async () => {
  const { status, output } = await killMatrix('--only', 'random', '--random', '200');
  process.stdout.write(output);
  expect(status, output).toBe(0);
  expect(sum(output, 2)).toBeGreaterThanOrEqual(200);
  expect(sum(output, 3)).toBeGreaterThan(1_000);
});
