// What capturing costs: an authenticated request that changes nothing, with and without the middleware (express-session, memory store),
// and a login in `strict` beside one bare write + fdatasync. Ratios inside one run count; absolute figures are this machine's today.
//
//   node bench/middleware.mjs [--requests 20000] [--rounds 7] [--logins 300] [--save]

import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createLog, createSigningKey, fileStore, openLog, parseSigningKey } from '@indelible/log';
import { openTracker } from '@indelible/session';
import { captureSessions } from '@indelible/session/express-session';
import express from 'express';
import session from 'express-session';
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
const signer = parseSigningKey(createSigningKey('bench.example/middleware').secret);
await createLog(join(directory, 'log'), { signer });
const log = await openLog({ store: fileStore(join(directory, 'log')), signer, app: 'bench', instance: 'bench-log' });
const tracker = await openTracker({
  log, sidKey: randomBytes(32), app: 'bench', instance: 'bench-1', policy: { idleMs: 900_000, absoluteMs: 28_800_000, warnFrom: Infinity },
});

const without = await serve(false);
const withCapture = await serve(true);

// ---- a request that changes nothing

const cpuUs = { without: [], with: [] };
const rates = { without: [], with: [] };
for (let round = -1; round < ROUNDS; round++) {
  // The order changes: whoever comes second would find everything warmer.
  for (const name of round % 2 === 0 ? ['without', 'with'] : ['with', 'without']) {
    const app = name === 'with' ? withCapture : without;
    const before = process.cpuUsage();
    const ms = await app.load(`GET /me HTTP/1.1\r\nHost: bench\r\nUser-Agent: Mozilla/5.0 bench\r\nCookie: ${app.cookie}`, REQUESTS);
    const { user, system } = process.cpuUsage(before);
    if (round < 0) continue; // warming up
    cpuUs[name].push((user + system) / REQUESTS);
    rates[name].push(REQUESTS / (ms / 1000));
  }
}
const entriesBefore = log.size;

// ---- a login

const file = openSync(join(directory, 'bare'), 'a');
const line = Buffer.alloc(600, 'x');
const latencies = { bare: [], without: [], with: [] };
for (let i = 0; i < LOGINS; i++) {
  const start = performance.now();
  writeSync(file, line);
  fdatasyncSync(file);
  latencies.bare.push(performance.now() - start);
  latencies.without.push(await login(without.port, i));
  latencies.with.push(await login(withCapture.port, i));
}
closeSync(file);
if (log.size - entriesBefore < LOGINS) throw new Error('a login is not on the record');

for (const app of [without, withCapture]) app.close();
await tracker.close();
await log.close();
rmSync(directory, { recursive: true });

const bareMs = median(latencies.bare);
const addedMs = median(latencies.with) - median(latencies.without);
const result = {
  requestsPerSecond: { without: Math.round(median(rates.without)), with: Math.round(median(rates.with)) },
  cpuPerRequestUs: { without: round1(median(cpuUs.without)), with: round1(median(cpuUs.with)) },
  throughputLostPercent: round1(100 * (1 - median(ratios(rates.with, rates.without)))),
  throughputLostByCpuPercent: round1(100 * (1 - 1 / median(ratios(cpuUs.with, cpuUs.without)))),
  entriesWritten: 0,
  loginMs: { bareWriteAndSync: round3(bareMs), without: round3(median(latencies.without)), with: round3(median(latencies.with)), added: round3(addedMs), addedToBare: round1(addedMs / bareMs) },
};
console.log(result);
if (values.save) saveResult('middleware', result);

async function serve(isCaptured) {
  const app = express();
  const store = new session.MemoryStore();
  app.use(session({ store, secret: 'bench', resave: false, saveUninitialized: false, cookie: { maxAge: 900_000 } }));
  if (isCaptured) app.use(captureSessions({ tracker, store }));
  app.post('/login', (req, res) => {
    req.session.userId = `user-${String(req.query.user)}`;
    res.json({ ok: true });
  });
  app.get('/me', (req, res) => void res.json({ user: req.session.userId, balance: 1_204_500 }));
  const server = createServer(app);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  const response = await fetch(`http://127.0.0.1:${port}/login?user=0`, { method: 'POST' });
  const [cookie] = response.headers.getSetCookie()[0].split(';');
  const child = spawn(process.execPath, [fileURLToPath(new URL('support/http-load.mjs', import.meta.url)), String(port), String(CONNECTIONS)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    port,
    cookie,
    async load(head, count) {
      child.stdin.write(`${JSON.stringify({ head, count })}\n`);
      return JSON.parse((await answers.next()).value).ms;
    },
    close() {
      child.stdin.end();
      server.closeAllConnections();
      server.close();
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
