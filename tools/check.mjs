// Prevents "it worked on my machine, I only forgot to run …": one command that is the definition of done. It must stay
// under a minute, or nobody runs it; what takes longer is in the `slow` tests, which `npm test` and CI run as well.
//
//   node tools/check.mjs [STEP…]        all steps, or only those named
//
// The build comes first, because everything else reads its output; then the tests run beside the rest. A worker runs many
// test files here instead of one each: it saves half a minute and shows a test that leaves something behind. CI runs them apart.

import { spawn } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const BUILD = [{ name: 'build', command: ['tsc', '-b'] }];
const TESTS = [{ name: 'tests', command: ['vitest', 'run', '--project', 'unit', '--no-isolate', '--reporter', 'dot'] }];
const READERS = [
  { name: 'lint', command: ['oxlint', '--type-aware', '--deny-warnings'] },
  { name: 'types', command: ['tsc', '-p', 'tsconfig.test.json'] },
  { name: 'docs', command: ['node', 'tools/check-docs.mjs'] },
  { name: 'errors', command: ['node', 'tools/check-errors.mjs'] },
  { name: 'tsdoc', command: ['node', 'tools/check-tsdoc.mjs'] },
  { name: 'parsing', command: ['node', 'tools/check-parsing.mjs'] },
  { name: 'lock', command: ['node', 'tools/check-lock.mjs'] },
  { name: 'exports', command: ['node', 'tools/check-exports.mjs'] },
  { name: 'knip', command: ['knip', '--no-progress'] },
];

const known = [...BUILD, ...TESTS, ...READERS].map((step) => step.name);
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  console.error(`there is no step ${unknown.join(', ')}; the steps are ${known.join(', ')}`);
  process.exit(2);
}

const begin = performance.now();
const failed = [];
await runLane(BUILD);
await Promise.all([runLane(TESTS), runLane(READERS)]);
const total = seconds(begin);
console.log(failed.length === 0 ? `\ncheck passed in ${total}` : `\ncheck FAILED in ${total}: ${failed.join(', ')}`);
process.exitCode = failed.length === 0 ? 0 : 1;

async function runLane(steps) {
  for (const step of steps) {
    if (wanted.length === 0 || wanted.includes(step.name)) await run(step);
  }
}

/** Runs a step and prints its line; its output only where it failed. */
async function run({ name, command: [program, ...args] }) {
  const start = performance.now();
  const path = [join(root, 'node_modules/.bin'), process.env.PATH].join(delimiter);
  const child = spawn(program, args, { cwd: root, env: { ...process.env, PATH: path }, shell: process.platform === 'win32', stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
  const problem = await new Promise((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code) => resolve(code === 0 ? undefined : `exit status ${code}`));
  });
  if (problem === undefined) {
    console.log(`ok      ${name.padEnd(10)}${seconds(start).padStart(8)}`);
    return;
  }
  failed.push(name);
  console.log(`FAILED  ${name.padEnd(10)}${seconds(start).padStart(8)}  ${problem}\n${output.trimEnd()}`);
}

function seconds(since) {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`;
}
