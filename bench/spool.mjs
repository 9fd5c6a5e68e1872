// How fast a spool gives back what gathered in it during an outage, and how fast it takes events in.
//
//   node bench/spool.mjs [--events 1000000] [--log] [--save]
//
// The log on the other side answers at once and keeps nothing but a count: what is measured is the spool. With --log it is a real
// one on the same disk. A bare write + fdatasync beside it says what the disk costs.

import { closeSync, fdatasyncSync, mkdtempSync, openSync, readdirSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createId } from '@indelible/event';
import { createLog, createSigningKey, fileStore, openLog, parseSigningKey } from '@indelible/log';
import { openDelivery } from '@indelible/session';
import { saveResult } from './support/save-result.mjs';
import { sessionEvent } from './support/session-events.mjs';

const { values } = parseArgs({ options: { events: { type: 'string', default: '1000000' }, log: { type: 'boolean', default: false }, save: { type: 'boolean', default: false } } });
const EVENTS = Number(values.events);
const directory = mkdtempSync(join(tmpdir(), 'indelible-bench-'));

const real = values.log ? await openRealLog() : undefined;
const sink = {
  up: false,
  count: 0,
  lastId: '',
  inOrder: true,
  take({ id, event }) {
    if (event === 'capture_gap') return { id, index: this.count };
    this.inOrder &&= id > this.lastId;
    this.lastId = id;
    return { id, index: this.count++ };
  },
};
const refuse = () => Promise.reject(Object.assign(new Error('away'), { code: 'ECONNREFUSED' }));
const log = {
  append: async (event) => (sink.up ? ((await real?.append(event)), sink.take(event)) : refuse()),
  appendAll: async (events) => (sink.up ? ((await real?.appendAll(events)), events.map((event) => sink.take(event))) : refuse()),
};
const spool = { directory: join(directory, 'spool'), key: new Uint8Array(32).fill(1), ephemeral: 'accept-loss' };
const open = () => openDelivery({ log, mode: 'spool', spool, timeoutMs: 30_000, source: { app: 'bench', instance: 'bench-1' }, onError: () => undefined });

let delivery = await open();
const begin = performance.now();
const CALLERS = 4_096;
for (let i = 0; i < EVENTS; i += CALLERS) {
  await Promise.all(Array.from({ length: Math.min(CALLERS, EVENTS - i) }, () => {
    const timestamp = Date.now();
    return delivery.record({ ...sessionEvent(i), id: createId(timestamp), timestamp }, 'refusable');
  }));
}
const takenInSeconds = (performance.now() - begin) / 1000;
await delivery.close();
const bytes = readdirSync(spool.directory).reduce((sum, name) => sum + statSync(join(spool.directory, name)).size, 0);

// A new process would find it so: nothing is in memory.
sink.up = true;
const opening = performance.now();
delivery = await open();
const openedInMs = performance.now() - opening;
const start = performance.now();
await delivery.drain();
const seconds = (performance.now() - start) / 1000;
const peakMb = Math.round(process.resourceUsage().maxRSS / 1024);
await delivery.close();
await real?.close();
if (sink.count !== EVENTS || !sink.inOrder) throw new Error(`delivered ${sink.count} of ${EVENTS}, in order: ${sink.inOrder}`);

const result = {
  bench: 'spool',
  events: EVENTS,
  log: values.log ? 'file' : 'answers at once',
  lineBytes: Math.round(bytes / EVENTS),
  perSecond: { 'delivered (to reach: 50,000)': Math.round(EVENTS / seconds), 'taken in by 4,096 callers': Math.round(EVENTS / takenInSeconds) },
  milliseconds: { opened: Math.round(openedInMs), bareSyncP50: Number(bareSync().toFixed(3)) },
  peakRssMb: peakMb,
};
rmSync(directory, { recursive: true });
console.log(JSON.stringify(result, null, 2));
if (values.save) saveResult(result);

async function openRealLog() {
  const path = join(directory, 'log');
  const signer = parseSigningKey(createSigningKey('bench.example/spool').secret);
  await createLog(path, { signer });
  return openLog({ store: fileStore(path), signer, app: 'bench', instance: 'bench-1', heartbeatMs: 0 });
}

function bareSync() {
  const fd = openSync(join(directory, 'bare'), 'a');
  const line = Buffer.alloc(Math.round(bytes / EVENTS), 'x');
  const times = Array.from({ length: 500 }, () => {
    const t = performance.now();
    writeSync(fd, line);
    fdatasyncSync(fd);
    return performance.now() - t;
  }).sort((a, b) => a - b);
  closeSync(fd);
  return times[250];
}
