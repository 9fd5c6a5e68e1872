// What capturing costs: an authenticated request that changes nothing, with and without the middleware (express-session, memory store),
// and a login in `strict` beside one bare write + fdatasync. Ratios inside one run count; absolute figures are this machine's today.
//
//   node bench/middleware.mjs [--requests 20000] [--rounds 7] [--logins 300] [--save]

import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { saveResult } from './support/save-result.mjs';

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '20000' },
    rounds: { type: 'string', default: '7' },
    logins: { type: 'string', default: '300' },
    save: { type: 'boolean', default: false },
  },
});
const [REQUESTS, ROUNDS, LOGINS] = [values.requests, values.rounds, values.logins].map(Number);
const CONNECTIONS = 16;

const directory = mkdtempSync(join(tmpdir(), 'indelible-bench-'));
const support = (name) => fileURLToPath(new URL(`support/${name}`, import.meta.url));

// Each in a process of its own: in one, what the one makes the compiler do would be paid by the other.
const apps = { without: await serve(), with: await serve(join(directory, 'log')) };

// ---- a request that changes nothing

const cpuUs = { without: [], with: [] };
const rates = { without: [], with: [] };
let entriesBefore;
for (let round = -2; round < ROUNDS; round++) {
  if (round === 0) entriesBefore = (await apps.with.usage()).entries; // warm: the first use from another client is an entry
  // The order changes, so that neither is always the one that comes after a pause.
  for (const name of round % 2 === 0 ? ['without', 'with'] : ['with', 'without']) {
    const app = apps[name];
    const before = await app.usage();
    const ms = await app.load(`GET /me HTTP/1.1\r\nHost: bench\r\nUser-Agent: Mozilla/5.0 bench\r\nCookie: ${app.cookie}`, REQUESTS);
    const after = await app.usage();
    if (round < 0) continue; // warming up
    cpuUs[name].push((after.cpuUs - before.cpuUs) / REQUESTS);
    rates[name].push(REQUESTS / (ms / 1000));
  }
}
const entriesAfter = (await apps.with.usage()).entries;

// ---- a login

const file = openSync(join(directory, 'bare'), 'a');
const line = Buffer.alloc(600, 'x');
const latencies = { bare: [], without: [], with: [] };
for (let i = 0; i < LOGINS; i++) {
  const start = performance.now();
  writeSync(file, line);
  fdatasyncSync(file);
  latencies.bare.push(performance.now() - start);
  latencies.without.push(await login(apps.without.port, i));
  latencies.with.push(await login(apps.with.port, i));
}
closeSync(file);
if ((await apps.with.usage()).entries - entriesAfter < LOGINS) throw new Error('a login is not on the record');
for (const app of Object.values(apps)) await app.close();
rmSync(directory, { recursive: true });

const bareMs = median(latencies.bare);
const addedMs = median(latencies.with) - median(latencies.without);
const result = {
  bench: 'middleware',
  requests: REQUESTS,
  rounds: ROUNDS,
  requestsPerSecond: { without: Math.round(median(rates.without)), with: Math.round(median(rates.with)) },
  cpuPerRequestUs: { without: round1(median(cpuUs.without)), with: round1(median(cpuUs.with)) },
  throughputLostPercent: round1(100 * (1 - median(ratios(rates.with, rates.without)))),
  throughputLostByCpuPercent: round1(100 * (1 - 1 / median(ratios(cpuUs.with, cpuUs.without)))),
  entriesWritten: entriesAfter - entriesBefore,
  loginMs: { bareWriteAndSync: round3(bareMs), without: round3(median(latencies.without)), with: round3(median(latencies.with)), added: round3(addedMs), addedToBare: round1(addedMs / bareMs) },
};
console.log(result);
if (values.save) saveResult(result);

async function serve(...args) {
  const server = fork(support('session-server.mjs'), args);
  const message = async () => (await once(server, 'message'))[0];
  const { port } = await message();
  const response = await fetch(`http://127.0.0.1:${port}/login?user=0`, { method: 'POST' });
  const [cookie] = response.headers.getSetCookie()[0].split(';');
  const client = spawn(process.execPath, [support('http-load.mjs'), String(port), String(CONNECTIONS)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const answers = createInterface({ input: client.stdout })[Symbol.asyncIterator]();
  return {
    port,
    cookie,
    async load(head, count) {
      client.stdin.write(`${JSON.stringify({ head, count })}\n`);
      return JSON.parse((await answers.next()).value).ms;
    },
    usage() {
      server.send('usage');
      return message();
    },
    async close() {
      client.stdin.end();
      server.send('end');
      await once(server, 'exit');
    },
  };
}

async function login(port, i) {
  const start = performance.now();
  const response = await fetch(`http://127.0.0.1:${port}/login?user=${i}`, { method: 'POST' });
  await response.arrayBuffer();
  if (response.status !== 200) throw new Error(`a login was answered ${response.status}`);
  return performance.now() - start;
}

function ratios(a, b) {
  return a.map((value, i) => value / b[i]);
}

function median(numbers) {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
}

function round1(value) {
  return Math.round(value * 10) / 10;
}

function round3(value) {
  return Math.round(value * 1000) / 1000;
}
