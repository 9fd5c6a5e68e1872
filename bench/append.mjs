// How fast events become durable, acknowledged and tamper-evident, beside pino writing the same events to a plain file
// without any durability. Ratios inside one run count; absolute figures are this machine's today.
//
//   node bench/append.mjs [--events 300000] [--rounds 3] [--save]
//
// pino is not a dependency: it is installed next to the benchmark's temporary files when it is missing.

import { once } from 'node:events';
import { closeSync, fdatasyncSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { encodeEvent } from '@indelible/event';
import { createLog, createSigningKey, fileStore, openLog, parseSigningKey } from '@indelible/log';
import { loadPino } from './support/load-pino.mjs';
import { saveResult } from './support/save-result.mjs';
import { sessionEvent } from './support/session-events.mjs';

const { values } = parseArgs({ options: { events: { type: 'string', default: '300000' }, rounds: { type: 'string', default: '3' }, save: { type: 'boolean', default: false } } });
const EVENTS = Number(values.events);
const ROUNDS = Number(values.rounds);
const pino = await loadPino();
const directory = mkdtempSync(join(tmpdir(), 'indelible-bench-'));

const quantile = (sorted, q) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))];
const median = (numbers) => quantile([...numbers].sort((a, b) => a - b), 0.5);

async function pinoRate(name, open) {
  const file = join(directory, `${name}.log`);
  const destination = open(file);
  const logger = pino(destination);
  const begin = performance.now();
  for (let i = 0; i < EVENTS; i++) {
    logger.info(sessionEvent(i));
    // A real program yields; without this pino's buffers only grow and nothing is measured but memory.
    if (i % 512 === 511) await new Promise((resolve) => setImmediate(resolve));
  }
  const alive = setInterval(() => undefined, 1000);
  const closed = once(destination, 'close');
  destination.end();
  await closed;
  clearInterval(alive);
  const rate = EVENTS / ((performance.now() - begin) / 1000);
  const lines = readFileSync(file, 'latin1').split('\n').length - 1;
  if (lines !== EVENTS) throw new Error(`pino ${name} wrote ${lines} of ${EVENTS} lines`);
  rmSync(file);
  return rate;
}

async function indelible(callers, events) {
  const path = mkdtempSync(join(directory, 'log-'));
  const signer = parseSigningKey(createSigningKey('bench.example/append').secret);
  await createLog(path, { signer });
  const log = await openLog({ store: fileStore(path), signer, app: 'bench', instance: 'bench-1', heartbeatMs: 60_000 });
  const warm = Math.min(20_000, events / 5);
  for (let i = 0; i < warm; i += 1000) await log.appendAll(Array.from({ length: Math.min(1000, warm) }, (_, k) => sessionEvent(i + k)));
  const latencies = new Float64Array(events);
  let next = 0;
  const begin = performance.now();
  await Promise.all(
    Array.from({ length: callers }, async () => {
      while (next < events) {
        const i = next++;
        const start = performance.now();
        await log.append(sessionEvent(i));
        latencies[i] = performance.now() - start;
      }
    }),
  );
  const seconds = (performance.now() - begin) / 1000;
  await log.close();
  latencies.sort();
  const text = readFileSync(join(path, '000000.ndjson'));
  let control = 0;
  let bytes = 0;
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf(10, at) + 1;
    if (text.subarray(at, at + 13).toString() === '{"indelible":') control += end - at;
    else bytes += end - at;
    at = end;
  }
  rmSync(path, { recursive: true });
  return { rate: events / seconds, p50: quantile(latencies, 0.5), p99: quantile(latencies, 0.99), control: control / bytes, lineBytes: bytes / (events + warm) };
}

function bareSync(count) {
  const line = Buffer.from(`${encodeEvent(sessionEvent(1), { defaults: { app: 'bench', instance: 'bench-1' } })}\n`);
  const file = join(directory, 'bare');
  const fd = openSync(file, 'a');
  const latencies = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const start = performance.now();
    writeSync(fd, line);
    fdatasyncSync(fd);
    latencies[i] = performance.now() - start;
  }
  closeSync(fd);
  if (statSync(file).size !== line.length * count) throw new Error('short write');
  rmSync(file);
  latencies.sort();
  return quantile(latencies, 0.5);
}

const modes = {
  'sync': (dest) => pino.destination({ dest, sync: true }),
  'sync, 4 kB buffer': (dest) => pino.destination({ dest, sync: true, minLength: 4096 }),
  'async': (dest) => pino.destination({ dest, sync: false }),
  'async, 4 kB buffer': (dest) => pino.destination({ dest, sync: false, minLength: 4096 }),
  'transport': (destination) => pino.transport({ target: 'pino/file', options: { destination } }),
};

const rounds = [];
for (let round = 0; round < ROUNDS; round++) {
  const pinoRates = {};
  for (const [name, open] of Object.entries(modes)) pinoRates[name] = await pinoRate(name.replaceAll(/[ ,]+/g, '-'), open);
  const many = await indelible(512, EVENTS);
  const bare = bareSync(2000);
  const lone = await indelible(1, 3000);
  const bareAgain = bareSync(2000);
  const some = await indelible(64, Math.min(EVENTS, 100_000));
  rounds.push({ pinoRates, many, lone, some, bareP50: Math.min(bare, bareAgain) });
  const plain = Math.max(pinoRates.sync, pinoRates.async, pinoRates.transport);
  process.stderr.write(`round ${round + 1}: pino ${Object.entries(pinoRates).map(([k, v]) => `${k} ${Math.round(v / 1000)}k`).join(' · ')} | indelible ${Math.round(many.rate / 1000)}k/s (${(many.rate / plain).toFixed(2)}) p99 ${many.p99.toFixed(1)} ms | 1 caller p50 ${(lone.p50 / rounds.at(-1).bareP50).toFixed(2)} x bare ${rounds.at(-1).bareP50.toFixed(3)} ms | 64 callers p99 ${(some.p99 / rounds.at(-1).bareP50).toFixed(1)} x\n`);
}
rmSync(directory, { recursive: true });

const of = (pick) => median(rounds.map(pick));
const pinoMedians = Object.fromEntries(Object.keys(modes).map((name) => [name, of((r) => r.pinoRates[name])]));
const fastestPlain = Math.max(pinoMedians.sync, pinoMedians.async, pinoMedians.transport);
const fastestAny = Math.max(...Object.values(pinoMedians));
const rate = of((r) => r.many.rate);
const bareP50 = of((r) => r.bareP50);
const result = {
  bench: 'append',
  events: EVENTS,
  rounds: ROUNDS,
  lineBytes: Math.round(of((r) => r.many.lineBytes)),
  pinoPerSecond: Object.fromEntries(Object.entries(pinoMedians).map(([k, v]) => [k, Math.round(v)])),
  indeliblePerSecond: Math.round(rate),
  ratios: {
    '512 callers, to the fastest of pino sync, async, transport (to reach: 1.2)': round2(rate / fastestPlain),
    '512 callers, to the fastest pino with any buffer': round2(rate / fastestAny),
    '1 caller: p50 to the p50 of a bare write + fdatasync (at most 3)': round2(of((r) => r.lone.p50 / r.bareP50)),
    '64 callers: p99 to that bare p50 (at most 10)': round2(of((r) => r.some.p99 / r.bareP50)),
    'seal and heartbeat bytes to event bytes at 512 callers (under 0.05)': Number(of((r) => r.many.control).toFixed(4)),
  },
  milliseconds: { bareP50: round3(bareP50), loneP50: round3(of((r) => r.lone.p50)), p99At64: round3(of((r) => r.some.p99)), p50At512: round3(of((r) => r.many.p50)), p99At512: round3(of((r) => r.many.p99)) },
};
function round2(x) { return Number(x.toFixed(2)); }
function round3(x) { return Number(x.toFixed(3)); }
console.log(JSON.stringify(result, null, 2));
if (values.save) saveResult(result);
