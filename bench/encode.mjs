// What checking and encoding an event costs, as a ratio to JSON.stringify of the same object.
//
// Plain Node on built output: `npx tsc -b && node bench/encode.mjs`. The rounds of all candidates are interleaved
// and the best round of each counts, so that a busy machine disturbs the ratios little. Every result is
// written into a buffer as well, because a string that nobody reads may never be built.
import os from 'node:os';
import { encodeEvent } from '@indelible/event';

const ROUNDS = Number(process.env.ROUNDS ?? 15);
const CALLS = 64 * 320;
const nowMs = Date.now();
const time = (ms) => new Date(nowMs + ms).toISOString();
const agent = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
const hash = 'n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg';

const shapes = {
  // Ten fields with their id and time, as a service receives them.
  'login, complete': (i) => ({
    id: `019a8e5e-7a1b-7000-8000-${String(i).padStart(12, '0')}`, timestamp: time(0), event: 'login', userId: `user-${i}`,
    sessionId: `ses_${i}_4c1f9b`, outcome: 'success', ip: '203.0.113.77', userAgent: agent, app: 'bank', instance: 'web-1',
  }),
  // Ten fields as an application gives them: id and time are made here, and are no part of what JSON.stringify does.
  'login, id and time made': (i) => ({
    event: 'login', userId: `user-${i}`, sessionId: `ses_${i}_4c1f9b`, sidHash: hash, outcome: 'success', ip: '203.0.113.77',
    idleDeadline: time(900_000), absoluteDeadline: time(28_800_000), app: 'bank', instance: 'web-1',
  }),
  'with details': (i) => ({
    id: `019a8e5e-7a1b-7000-8000-${String(i).padStart(12, '0')}`, timestamp: time(0), event: 'concurrent_warning',
    userId: `user-${i}`, sessionId: `ses_${i}_4c1f9b`, ip: '203.0.113.77', app: 'bank',
    details: { others: ['ses_1', 'ses_2'], differs: { network: true, country: 'NL' }, count: 2 },
  }),
  'not ASCII': (i) => ({
    id: `019a8e5e-7a1b-7000-8000-${String(i).padStart(12, '0')}`, timestamp: time(0), event: 'login', userId: `Zoë "Z" ${i}`,
    sessionId: `ses_${i}_4c1f9b`, reason: 'réauthentifié 🔐', ip: '203.0.113.77', userAgent: agent, app: 'bank', instance: 'web-1',
  }),
};

// As a group commit does it: the lines of a batch are made first, then copied into one buffer.
const BATCH = 64;
const target = Buffer.alloc(1 << 20);
const options = { nowMs };
const candidates = {
  stringify: (event) => JSON.stringify(event),
  encode: (event) => encodeEvent(event, options),
};

function roundNs(encode, events) {
  let bytes = 0;
  const start = process.hrtime.bigint();
  for (let first = 0; first < CALLS; first += BATCH) {
    const lines = [];
    for (let i = first; i < first + BATCH; i++) lines.push(encode(events[i % events.length]));
    let at = 0;
    for (const line of lines) at += target.utf8Write(line, at);
    bytes += at;
  }
  return { ns: Number(process.hrtime.bigint() - start) / CALLS, bytes: bytes / CALLS };
}

const makers = Object.values(shapes);
shapes['these in turn'] = (i) => makers[i % makers.length](i);

const results = [];
for (const [shape, make] of Object.entries(shapes)) {
  const events = Array.from({ length: 1000 }, (_, i) => make(i));
  const best = {};
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, run] of Object.entries(candidates)) {
      const { ns, bytes } = roundNs(run, events);
      if (best[name] === undefined || ns < best[name].ns) best[name] = { ns, bytes };
    }
  }
  results.push({
    shape,
    lineBytes: Math.round(best.encode.bytes),
    stringifyNs: Math.round(best.stringify.ns),
    encodeNs: Math.round(best.encode.ns),
    ratio: Number((best.encode.ns / best.stringify.ns).toFixed(2)),
  });
}
if (process.argv.includes('--json')) {
  console.log(JSON.stringify({ bench: 'encode', node: process.version, cpu: os.cpus()[0]?.model, load: os.loadavg()[0], results }));
} else {
  console.table(results);
}
