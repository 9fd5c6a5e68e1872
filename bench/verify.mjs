// How fast is a log verified? Against the rate at which `crypto.hash` alone hashes the same leaves and as many nodes, per second of
// processor time, so that a busy machine does not decide; and two cores against one, beside what two threads of `crypto.hash` alone gain
// on the same machine at the same time.
//
//   node bench/verify.mjs [--entries 1000000] [--batch 512] [--rounds 3] [--save] [--log DIR --key VKEY]

import { hash } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { verifyLog } from '@indelible/verify';
import { RecordWriter, makeKey } from '../packages/verify/test/support/record-writer.mjs';
import { saveResult } from './support/save-result.mjs';

const { values } = parseArgs({
  options: {
    entries: { type: 'string', default: '1000000' },
    batch: { type: 'string', default: '512' },
    rounds: { type: 'string', default: '3' },
    save: { type: 'boolean', default: false },
    log: { type: 'string' },
    key: { type: 'string' },
  },
});
const ROUNDS = Number(values.rounds);
const SEGMENT_BYTES = 67_108_864;
const SAMPLE_ENTRIES = 100_000;

const directory = values.log ?? mkdtempSync(join(tmpdir(), 'indelible-bench-verify-'));
try {
  const key = values.log === undefined ? write(directory, Number(values.entries), Number(values.batch)) : values.key;
  const result = await measure(directory, key);
  console.log(JSON.stringify(result, null, 2));
  if (values.save) saveResult(result);
} finally {
  if (values.log === undefined) rmSync(directory, { recursive: true, force: true });
}

/** Session events of about 300 bytes, under a seal per batch. */
function write(target, entries, batch) {
  const key = makeKey('bench.example/audit', 7);
  const writer = new RecordWriter(target, key);
  for (let first = 0; first < entries; first += batch) {
    writer.batch(Array.from({ length: Math.min(batch, entries - first) }, (_, i) => event(first + i)));
    if (writer.length >= SEGMENT_BYTES) writer.next();
  }
  return key.vkey;
}

function event(index) {
  const id = `019390a0-0000-7000-8000-${String(index).padStart(12, '0')}`;
  const timestamp = new Date(1_795_000_000_000 + index * 3).toISOString();
  return `{"id":"${id}","timestamp":"${timestamp}","event":"extend","userId":"user-${index % 5000}","sessionId":"s_${id.slice(-12)}","sidHash":"hmac-sha256:q1w2e3r4t5z6u7i8o9p0a1s2d3f4g5h6j7k8l9y1x2c","ip":"203.0.113.${index % 250}","userAgent":"Mozilla/5.0 (X11; Linux)","app":"bank"}`;
}

async function measure(source, key) {
  const leaves = sampleLeaves(source);
  const rounds = [];
  let coverage;
  for (let round = 0; round < ROUNDS; round++) {
    const alone = hashAlone(leaves);
    const runs = [];
    for (const cores of [1, 2]) {
      const cpu = process.cpuUsage();
      const start = performance.now();
      const report = await verifyLog(source, { key, cores });
      if (report.verdict !== 'sound') throw new Error(`the log is ${report.verdict}: ${report.claim}`);
      coverage = report.coverage;
      runs.push({ seconds: (performance.now() - start) / 1_000, cpuSeconds: cpuSecondsSince(cpu) });
    }
    const [one, two] = runs;
    rounds.push({ alone, one: coverage.entries / one.cpuSeconds, wallOne: coverage.entries / one.seconds, gain: one.seconds / two.seconds, limit: await hashGain() });
    const { one: rate, gain, limit } = rounds.at(-1);
    process.stderr.write(`round ${round + 1}: ${(rate / alone).toFixed(2)} of crypto.hash alone | two cores ${gain.toFixed(2)} times one, crypto.hash alone ${limit.toFixed(2)} times\n`);
  }
  const median = (pick) => rounds.map(pick).sort((a, b) => a - b)[Math.floor((rounds.length - 1) / 2)];
  const { entries, seals, segments, bytes } = coverage;
  return {
    ...{ bench: 'verify', entries, seals, segments, bytes, rounds: ROUNDS },
    entriesPerSecond: { cryptoHashAlone: Math.round(median((r) => r.alone)), oneCore: Math.round(median((r) => r.wallOne)) },
    ratios: {
      'one core to crypto.hash alone, per second of processor time (to reach: 0.6)': round2(median((r) => r.one / r.alone)),
      'two cores to one, by the clock (to reach: 1.7)': round2(median((r) => r.gain)),
      'the same of crypto.hash alone: what the machine had to give': round2(median((r) => r.limit)),
    },
    peakMemoryMB: Math.round(process.resourceUsage().maxRSS / 1_024),
  };
}

/** Entries per second of processor time when each costs one leaf, one node and nothing else, in the fastest output encoding. */
function hashAlone(leaves) {
  const node = Buffer.alloc(65, 1);
  let best = 0;
  for (let repeat = 0; repeat < 3; repeat++) {
    for (const encoding of ['binary', 'hex', 'base64']) {
      const cpu = process.cpuUsage();
      for (const leaf of leaves) {
        hash('sha256', leaf, encoding);
        hash('sha256', node, encoding);
      }
      best = Math.max(best, leaves.length / cpuSecondsSince(cpu));
    }
  }
  return best;
}

/** How much faster two threads are than one that do nothing but hash. */
async function hashGain() {
  const script = `
    const { parentPort } = require('node:worker_threads');
    const { hash } = require('node:crypto');
    const data = Buffer.alloc(300, 1);
    parentPort.on('message', (count) => {
      for (let i = 0; i < count; i++) hash('sha256', data, 'binary');
      parentPort.postMessage('done');
    });`;
  const workers = [new Worker(script, { eval: true }), new Worker(script, { eval: true })];
  const run = (worker, count) => new Promise((resolve) => { worker.once('message', resolve); worker.postMessage(count); });
  await Promise.all(workers.map((worker) => run(worker, 100_000)));
  const start = performance.now();
  await run(workers[0], 2_000_000);
  const middle = performance.now();
  await Promise.all(workers.map((worker) => run(worker, 1_000_000)));
  const gain = (middle - start) / (performance.now() - middle);
  await Promise.all(workers.map((worker) => worker.terminate()));
  return gain;
}

function sampleLeaves(source) {
  const name = readdirSync(source).filter((file) => file.endsWith('.ndjson')).sort()[0];
  const fd = openSync(join(source, name), 'r');
  const bytes = Buffer.alloc(SEGMENT_BYTES);
  const filled = bytes.subarray(0, readSync(fd, bytes));
  closeSync(fd);
  const leaves = [];
  const control = Buffer.from('{"indelible":');
  for (let at = 0, lf; (lf = filled.indexOf(10, at)) !== -1 && leaves.length < SAMPLE_ENTRIES; at = lf + 1) {
    // The byte before an entry stands in for the leaf prefix: the hash costs the same.
    if (at > 0 && !filled.subarray(at, at + control.length).equals(control)) leaves.push(new Uint8Array(filled.buffer, at - 1, lf - at + 1));
  }
  return leaves;
}

function cpuSecondsSince(before) {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

function round2(value) {
  return Number(value.toFixed(2));
}
