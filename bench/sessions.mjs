// What a million open sessions cost in the tracker: memory, the time to compute them from the record, the time to record ten
// thousand timeouts.
//
//   node bench/sessions.mjs [--sessions 1000000] [--timeouts 10000] [--save]

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createId, sidHash } from '@indelible/event';
import { createLog, createSigningKey, fileStore, openLog, parseSigningKey } from '@indelible/log';
import { saveResult } from './support/save-result.mjs';

const { values } = parseArgs({
  options: {
    sessions: { type: 'string', default: '1000000' },
    timeouts: { type: 'string', default: '10000' },
    save: { type: 'boolean', default: false },
    measure: { type: 'string' },
    secret: { type: 'string' },
  },
});
const SESSIONS = Number(values.sessions);
const TIMEOUTS = Number(values.timeouts);
const HOUR_MS = 3_600_000;
const DUE_IN_MS = 20_000;
const sidKey = new Uint8Array(32).fill(7);
const BROWSERS = ['Chrome/126.0.0.0 Safari/537.36', 'Firefox/127.0', 'Version/17.5 Safari/605.1.15'];
const SYSTEMS = ['Windows NT 10.0; Win64; x64', 'Macintosh; Intel Mac OS X 10_15_7', 'X11; Linux x86_64', 'Linux; Android 14; Mobile'];

if (values.measure === undefined) await main();
else await measure(values.measure);

async function main() {
  const directory = mkdtempSync(join(tmpdir(), 'indelible-bench-'));
  try {
    const { secret } = createSigningKey('bench.example/sessions');
    await write(directory, parseSigningKey(secret));
    // In a process of its own: what writing a million logins left behind is not the tracker's.
    const args = ['--expose-gc', fileURLToPath(import.meta.url), '--measure', directory, '--secret', secret, '--sessions', `${SESSIONS}`, '--timeouts', `${TIMEOUTS}`];
    const result = JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }));
    console.log(JSON.stringify(result, null, 2));
    if (values.save) saveResult(result);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** As many logins as there are to be sessions; the last of them are to time out in a moment. */
async function write(directory, signer) {
  await createLog(directory, { signer });
  const log = await openLog({ store: fileStore(directory), signer, app: 'bench', instance: 'bench-1', heartbeatMs: 0 });
  const nowMs = Date.now();
  for (let from = 0; from < SESSIONS; from += 5000) {
    const events = [];
    for (let i = from; i < Math.min(SESSIONS, from + 5000); i++) {
      const timestamp = nowMs - 2 * HOUR_MS + Math.floor((i / SESSIONS) * HOUR_MS);
      const id = createId(timestamp);
      events.push({
        id, timestamp, event: 'login', userId: `user-${i}@bank.example`, sessionId: id, sidHash: sidHash(sidKey, `raw-session-id-${i}`),
        outcome: 'success', initiator: 'user', ip: `${10 + (i % 200)}.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`,
        userAgent: `Mozilla/5.0 (${SYSTEMS[i % 4]}) AppleWebKit/537.36 (KHTML, like Gecko) ${BROWSERS[i % 3]}`,
        idleDeadline: i < SESSIONS - TIMEOUTS ? nowMs + HOUR_MS : Date.now() + DUE_IN_MS, absoluteDeadline: nowMs + 8 * HOUR_MS, policy: 'idle-1h-absolute-8h',
      });
    }
    await log.appendAll(events);
  }
  await log.close();
}

async function measure(directory) {
  const { openTracker } = await import('@indelible/session');
  const log = await openLog({ store: fileStore(directory), signer: parseSigningKey(values.secret), app: 'bench', instance: 'bench-1', heartbeatMs: 0 });
  gc();
  const before = process.memoryUsage().rss;
  const cpuBegin = process.cpuUsage();
  const begin = performance.now();
  const tracker = await openTracker({ log, sidKey, sweepEveryMs: 0, heartbeatMs: 0, policy: { idleMs: HOUR_MS, absoluteMs: 8 * HOUR_MS, extendEveryMs: 1000 } });
  const rebuildMs = performance.now() - begin;
  const rebuildCpu = process.cpuUsage(cpuBegin);
  if (tracker.openCount !== SESSIONS) throw new Error(`${tracker.openCount} sessions are open, not ${SESSIONS}`);
  const peak = process.resourceUsage().maxRSS * 1024;
  const lookups = 100_000;
  const lookupBegin = performance.now();
  for (let i = 0; i < lookups; i++) if (tracker.find(`raw-session-id-${(i * 7919) % SESSIONS}`) === undefined) throw new Error('lost');
  const lookupUs = ((performance.now() - lookupBegin) / lookups) * 1000;
  const activityBegin = performance.now();
  for (let i = 0; i < lookups; i++) void tracker.activity(`raw-session-id-${i % 1000}`, { ip: '10.0.0.1' });
  const activityUs = ((performance.now() - activityBegin) / lookups) * 1000;
  await new Promise((resolve) => setTimeout(resolve, DUE_IN_MS + 1000)); // all deadlines have passed
  gc();
  await new Promise((resolve) => setTimeout(resolve, 500)); // memory goes back in another thread
  gc();
  const rebuilt = process.memoryUsage();
  const sweepCpuBegin = process.cpuUsage();
  const sweepBegin = performance.now();
  const timeouts = await tracker.sweep();
  const sweepMs = performance.now() - sweepBegin;
  const sweepCpu = process.cpuUsage(sweepCpuBegin);
  if (timeouts !== TIMEOUTS) throw new Error(`${timeouts} timeouts, not ${TIMEOUTS}`);
  gc();
  const rss = process.memoryUsage().rss;
  await tracker.close();
  await log.close();
  const mb = (bytes) => Math.round(bytes / 1e6);
  console.log(
    JSON.stringify({
      bench: 'sessions',
      sessions: SESSIONS,
      timeouts: TIMEOUTS,
      targets: {
        'resident memory of the process with all of them open, MB (under 500)': mb(rebuilt.rss),
        'rebuilt from the record, seconds (under 15)': Number((rebuildMs / 1000).toFixed(2)),
        'timeouts recorded, seconds (under 1)': Number((sweepMs / 1000).toFixed(3)),
      },
      // On a machine that others use too, these say more than the clock does.
      cpuSeconds: { rebuild: Number(((rebuildCpu.user + rebuildCpu.system) / 1e6).toFixed(2)), sweep: Number(((sweepCpu.user + sweepCpu.system) / 1e6).toFixed(2)) },
      megabytes: { beforeTracker: mb(before), peak: mb(peak), buffers: mb(rebuilt.arrayBuffers), heap: mb(rebuilt.heapUsed), after: mb(rss) },
      microseconds: { lookup: Number(lookupUs.toFixed(2)), activity: Number(activityUs.toFixed(2)) },
    }),
  );
}
