// A long-lived log: memory while it grows, what is derived beside it, how fast and how lean it opens again.
//
//   node bench/endurance.mjs [--events 10000000] [--save] [--keep DIR]
//
// 10 million events take some 4 GB of disk below the system's temporary directory (TMPDIR) and a few minutes.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createLog, createSigningKey, fileStore, openLog, parseSigningKey } from '@indelible/log';
import { saveResult } from './support/save-result.mjs';
import { sessionEvent } from './support/session-events.mjs';

const { values } = parseArgs({ options: { events: { type: 'string', default: '10000000' }, save: { type: 'boolean', default: false }, open: { type: 'string' } } });

if (values.open !== undefined) {
  await openOnly(JSON.parse(values.open));
} else {
  await endurance(Number(values.events));
}

/** In a process of its own: opens a log once, says how long it took and what the process weighs. */
async function openOnly({ path, secret }) {
  const signer = parseSigningKey(secret);
  const before = process.memoryUsage().rss;
  const begin = performance.now();
  const log = await openLog({ store: fileStore(path), signer, app: 'bench', heartbeatMs: 0 });
  const milliseconds = performance.now() - begin;
  console.log(JSON.stringify({ milliseconds, rssMB: process.memoryUsage().rss / 1e6, rssBeforeMB: before / 1e6, size: log.size }));
  await log.close();
}

async function endurance(events) {
  const directory = mkdtempSync(join(tmpdir(), 'indelible-endurance-'));
  const path = join(directory, 'audit');
  const { secret } = createSigningKey('bench.example/endurance');
  const signer = parseSigningKey(secret);
  await createLog(path, { signer });
  const log = await openLog({ store: fileStore(path), signer, app: 'bench', heartbeatMs: 60_000 });
  const memory = [];
  const begin = performance.now();
  let next = 0;
  let reported = 0;
  await Promise.all(
    Array.from({ length: 512 }, async () => {
      while (next < events) {
        const i = next++;
        await log.append(sessionEvent(i));
        if (i - reported >= events / 20) {
          reported = i;
          memory.push(Math.round(process.memoryUsage().rss / 1e6));
          process.stderr.write(`${(i / 1e6).toFixed(1)} M entries, ${Math.round(i / ((performance.now() - begin) / 1000) / 1000)} k/s, ${memory.at(-1)} MB\n`);
        }
      }
    }),
  );
  const seconds = (performance.now() - begin) / 1000;
  // A retry of an old event must still find its entry.
  const old = { ...sessionEvent(1), id: '01932f6e-5b7a-7c11-9d2e-000000000001' };
  const placed = await log.append(old);
  const again = await log.append(old);
  if (placed.index !== again.index) throw new Error('a retry was recorded twice');
  await log.close();

  const derived = readdirSync(join(path, 'cache')).reduce((sum, name) => sum + statSync(join(path, 'cache', name)).size, 0);
  const opens = Array.from({ length: 5 }, () => JSON.parse(execFileSync(process.execPath, [fileURLToPath(import.meta.url), '--open', JSON.stringify({ path, secret })], { encoding: 'utf8' })));
  opens.sort((a, b) => a.milliseconds - b.milliseconds);
  const lone = await oneEventASecond(join(directory, 'lone'), signer);
  const result = {
    bench: 'endurance',
    events,
    perSecond: Math.round(events / seconds),
    memoryMB: { first: memory[0], highest: Math.max(...memory), last: memory.at(-1), limit: 200 },
    derivedBytesPerEvent: { value: Number((derived / events).toFixed(1)), limit: 100 },
    open: {
      medianMilliseconds: Number(opens[2].milliseconds.toFixed(1)),
      limit: 100,
      rssMB: Math.round(opens[2].rssMB),
      rssBeforeMB: Math.round(opens[2].rssBeforeMB),
      limitMB: 100,
      entries: opens[2].size,
    },
    sealAndHeartbeatBytesToEventBytesAtOneEventASecond: { value: Number(lone.toFixed(2)), limit: 1.5 },
  };
  rmSync(directory, { recursive: true });
  console.log(JSON.stringify(result, null, 2));
  if (values.save) saveResult(result);
}

/** An hour of one event a second, without the waiting: each has a seal of its own, every sixtieth a heartbeat beside it. */
async function oneEventASecond(path, signer) {
  await createLog(path, { signer });
  const log = await openLog({ store: fileStore(path), signer, app: 'bench', heartbeatMs: 0 });
  const before = log.size;
  for (let i = 0; i < 600; i++) {
    await log.append(sessionEvent(i));
    if (i % 60 === 0) await log.append({ event: 'heartbeat', app: 'bench', instance: 'bench-1', details: { beat: i, intervalMs: 60_000 } });
  }
  await log.close();
  let overhead = 0;
  let bytes = 0;
  for (const line of readFileSync(join(path, '000000.ndjson'), 'utf8').split('\n').slice(2 * before + 1)) {
    if (line.startsWith('{"indelible":') || line.includes('"event":"heartbeat"')) overhead += line.length + 1;
    else bytes += line.length + 1;
  }
  return overhead / bytes;
}
