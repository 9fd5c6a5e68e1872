// Judges what a process left behind: everything it acknowledged is there, nothing is there by half, a retry of everything gives
// the same places, and the verifier calls the record sound.

import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createLog, createSigningKey, fileStore, openLog, pinPath, readPin, readSigningKey, writeSigningKey } from '@indelible/log';
import { verifyLog } from '@indelible/verify';
import { testEvent } from './victim.mjs';

const VICTIM = fileURLToPath(new URL('victim.mjs', import.meta.url));

/** An empty log below `root`, with its key beside it. */
export async function makeLog(root) {
  const folder = mkdtempSync(join(root, 'log-'));
  const directory = join(folder, 'record');
  const path = join(folder, 'signing.key');
  const key = createSigningKey('test.example/log');
  await writeSigningKey(path, key);
  mkdirSync(directory);
  await createLog(directory, { signer: readSigningKey(path) });
  return { directory, key: path, vkey: key.vkey, next: 0, places: new Map(), batches: [] };
}

/**
 * Runs a victim on the log to its end, however it comes; `wrap` may put a command before it, `onOutput` may kill it. Returns what
 * it said.
 */
export function runVictim(log, options, { wrap = [], onStart = () => undefined, onLine = () => undefined, timeoutMs = 30_000, uid } = {}) {
  const settings = { directory: log.directory, key: log.key, first: log.next, batches: 10, size: 3, ...options };
  log.next += settings.batches * settings.size;
  const [command, ...args] = [...wrap, process.execPath, VICTIM, JSON.stringify(settings)];
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], uid });
    let text = '';
    let errors = '';
    let partial = '';
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    child.stdout.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
      const lines = (partial + chunk).split('\n');
      partial = lines.pop();
      for (const line of lines) onLine(line, child);
    });
    child.stderr.setEncoding('utf8').on('data', (chunk) => {
      errors += chunk;
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, errors, ...readOutput(log, text) });
    });
    onStart(child);
  });
}

function readOutput(log, text) {
  const said = { opened: false, closed: false, failed: undefined, acknowledged: 0, refused: [], batches: [], conflicts: [] };
  for (const line of text.split('\n').slice(0, -1)) {
    const [word, a, b] = line.split(' ');
    if (word === 'opened') said.opened = true;
    else if (word === 'closed') said.closed = true;
    else if (word === 'failed') said.failed = line.slice(7);
    else if (word === 'refused') said.refused.push({ first: Number(a), code: b, message: line });
    else if (word === 'submit') {
      const batch = Array.from({ length: Number(b) }, (_, i) => Number(a) + i);
      said.batches.push(batch);
      log.batches.push(batch);
    } else if (word === 'ack') {
      said.acknowledged++;
      const before = log.places.get(Number(a));
      if (before !== undefined && before !== Number(b)) said.conflicts.push(`event ${a} was acknowledged at ${before} and at ${b}`);
      log.places.set(Number(a), Number(b));
    }
  }
  return said;
}

/** Opens the log again and looks. `retry: false` leaves the record as the process left it. */
export async function judge(log, said, { retry = true } = {}) {
  const findings = [...said.conflicts];
  let lost = 0;
  let half = 0;
  const signer = readSigningKey(log.key);
  const opened = await openLog({ store: fileStore(log.directory, { segmentBytes: 3_000 }), signer, pin: pinPath(log.key), app: 'victim', instance: 'judge', heartbeatMs: 0, onError: () => undefined });
  try {
    const there = new Map();
    for await (const { index, bytes } of opened.reader().entries()) {
      const found = /"sessionId":"session-(\d+)"/.exec(Buffer.from(bytes).toString('latin1'));
      if (found === null) continue;
      if (there.has(Number(found[1]))) findings.push(`event ${found[1]} is there twice`);
      there.set(Number(found[1]), index);
    }
    for (const [n, index] of log.places) {
      if (there.get(n) === index) continue;
      lost++;
      findings.push(`event ${n}, acknowledged at ${index}, is at ${there.get(n)}`);
    }
    for (const batch of said.batches) {
      const count = batch.filter((n) => there.has(n)).length;
      if (count === 0 || count === batch.length) continue;
      half++;
      findings.push(`of batch ${batch[0]} to ${batch.at(-1)} only ${count} are there`);
    }
    if (retry) {
      for (const batch of said.batches) {
        const acks = await opened.appendAll(batch.map(testEvent));
        acks.forEach(({ index }, i) => {
          const before = there.get(batch[i]);
          if (before !== undefined && before !== index) findings.push(`a retry of event ${batch[i]} gave ${index} instead of ${before}`);
          log.places.set(batch[i], index);
        });
      }
    }
  } finally {
    await opened.close();
  }
  const report = await verifyLog(log.directory, { key: log.vkey, cores: 1, pin: readPin(pinPath(log.key)) });
  if (report.verdict !== 'sound') findings.push(`verify: ${report.verdict}, ${report.findings.filter(({ severity }) => severity === 'error').map(({ code, meaning }) => `${code} ${meaning}`).join('; ')}`);
  return { lost, half, verdict: report.verdict, findings };
}
