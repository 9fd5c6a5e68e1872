import { fork, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as later } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { judge, makeLog, runVictim } from './kill/judge.mjs';
import { directoryFiles } from './support/record-oracle.ts';
import { expectSound } from './support/sound.ts';
import { temporaryDirectory } from './support/temporary.ts';

const root = temporaryDirectory('deployments');
const event = (entry: string | undefined): string => (JSON.parse(entry ?? '{}') as { event: string }).event;
const LOG = import.meta.resolve('@indelible/log');

describe('a rolling restart', () => {
  test('the new process waits for the old one to end; nothing is lost in between', { timeout: 60_000 }, async () => {
    const log = await makeLog(root);
    let end = (): unknown => undefined;
    let acknowledged = 0;
    const first = runVictim(log, { batches: 20, idle: true, closeOn: ['SIGTERM'] }, { onStart: (child) => void (end = () => child.kill('SIGTERM')), onLine: (line) => void (acknowledged += line.startsWith('ack') ? 1 : 0) });
    await expect.poll(() => acknowledged, { timeout: 20_000 }).toBe(60);
    let openedAt = 0;
    const second = runVictim(log, { batches: 20 }, { onLine: (line) => void (openedAt = line === 'opened' ? Date.now() : openedAt) });
    await later(700);
    expect(openedAt).toBe(0);
    const endedAt = Date.now();
    end();
    const [saidFirst, saidSecond] = await Promise.all([first, second]);
    expect(saidFirst.signal).toBe('SIGTERM');
    expect(saidSecond).toMatchObject({ closed: true, acknowledged: 60, refused: [] });
    expect(openedAt - endedAt).toBeLessThan(3_000);
    expect((await judge(log, saidSecond)).findings).toEqual([]);
  });

  test('a writer that does not go is named, with the remedy, and left in peace', { timeout: 60_000 }, async () => {
    const log = await makeLog(root);
    let end = (): unknown => undefined;
    let acknowledged = 0;
    const first = runVictim(log, { batches: 40, idle: true, closeOn: ['SIGTERM'] }, { onStart: (child) => void (end = () => child.kill('SIGTERM')), onLine: (line) => void (acknowledged += line.startsWith('ack') ? 1 : 0) });
    await expect.poll(() => acknowledged, { timeout: 20_000 }).toBe(120);
    const second = await runVictim(log, { batches: 1, lockWaitMs: 200 });
    expect(second).toMatchObject({ opened: false, failed: 'ERR_LOG_LOCKED' });
    end();
    const said = await first;
    expect(said).toMatchObject({ signal: 'SIGTERM', acknowledged: 120, refused: [] });
    expect((await judge(log, said)).findings).toEqual([]);
  });
});

describe('cluster', () => {
  test('of four workers one writes, three are told the remedy', { timeout: 60_000 }, async () => {
    const log = await makeLog(root);
    const script = join(mkdtempSync(join(root, 'cluster-')), 'app.mjs');
    writeFileSync(
      script,
      `import cluster from 'node:cluster';
       import { fileStore, openLog, readSigningKey } from ${JSON.stringify(LOG)};
       const [directory, key] = process.argv.slice(2);
       if (cluster.isPrimary) {
         let answers = 0;
         for (let i = 0; i < 4; i++) cluster.fork().on('message', (message) => {
           process.send(message);
           if (++answers === 4) for (const worker of Object.values(cluster.workers)) worker.send('end');
         });
       } else {
         process.on('message', async () => { await log?.close(); process.exit(); });
         var log = await openLog({ store: fileStore(directory, { lockWaitMs: 400 }), signer: readSigningKey(key), heartbeatMs: 0 }).catch((error) => {
           process.send({ code: error.code, message: error.message });
         });
         if (log !== undefined) process.send({ index: (await log.append({ event: 'login', userId: 'u' })).index });
       }`,
    );
    const answers: { index?: number; code?: string; message?: string }[] = [];
    const child = fork(script, [log.directory, log.key]);
    child.on('message', (message) => answers.push(message as object));
    await once(child, 'exit');
    expect(answers.filter(({ index }) => index !== undefined)).toHaveLength(1);
    const refused = answers.filter(({ code }) => code === 'ERR_LOG_LOCKED');
    expect(refused).toHaveLength(3);
    for (const { message } of refused) expect(message).toContain('run `indelible serve` and point the workers at it');
    const { entries } = expectSound(directoryFiles(log.directory), log.vkey);
    expect(entries.map(event)).toEqual(['log_started', 'login', 'log_stopped']);
  });
});

describe('watch mode', () => {
  // `tsx watch` restarts as `node --watch` does: SIGTERM, then a new process as soon as the old one has ended.
  test('each restart goes on where the one before was stopped', { timeout: 60_000 }, async () => {
    const log = await makeLog(root);
    const script = join(mkdtempSync(join(root, 'watch-')), 'app.mjs');
    const source = `
      import { fileStore, openLog, readSigningKey } from ${JSON.stringify(LOG)};
      const [directory, key] = process.argv.slice(2);
      const log = await openLog({ store: fileStore(directory), signer: readSigningKey(key), heartbeatMs: 0 });
      const { index } = await log.append({ event: 'login', userId: 'u' });
      console.log('started');
      console.log('index', index);
      setInterval(() => void log.append({ event: 'logout', userId: 'u' }).then(({ index }) => console.log('index', index)), 5);`;
    writeFileSync(script, source);
    const child = spawn(process.execPath, ['--watch', script, log.directory, log.key], { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
    const indexes = (): number[] => [...output.matchAll(/^index (\d+)$/gm)].map(([, index]) => Number(index));
    try {
      const starts = (): number => output.split('started\n').length - 1;
      for (let restart = 1; restart <= 4; restart++) {
        // A change that falls into a restart is not noticed: it is made again until it is.
        await expect.poll(() => {
          if (restart > 1) writeFileSync(script, `${source}\n// ${restart}`);
          return starts();
        }, { timeout: 30_000, interval: 700 }).toBeGreaterThanOrEqual(restart);
        const seen = indexes().length;
        await expect.poll(() => indexes().length, { timeout: 20_000 }).toBeGreaterThan(seen + 5);
      }
    } finally {
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
    expect(output).not.toContain('ERR_LOG');
    const { entries } = await pollSound(log);
    expect(entries.filter((entry) => event(entry) === 'log_started').length).toBeGreaterThan(3);
    const all = indexes();
    expect(new Set(all).size).toBe(all.length);
    for (const index of all) expect(['login', 'logout']).toContain(event(entries[index]));
  });
});

/** The record once nobody writes to it any more. */
async function pollSound(log: { readonly directory: string; readonly vkey: string }): Promise<ReturnType<typeof expectSound>> {
  let record = expectSound(directoryFiles(log.directory), log.vkey);
  for (let before = -1; before !== record.entries.length; ) {
    before = record.entries.length;
    await later(200);
    record = expectSound(directoryFiles(log.directory), log.vkey);
  }
  return record;
}

describe('signals', () => {
  test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('%s with closeOn: what was taken is recorded, then log_stopped, then the end', { timeout: 60_000 }, async (signal) => {
    const log = await makeLog(root);
    const said = await runVictim(log, { batches: 100_000, size: 2, callers: 8, segmentBytes: 1e6, closeOn: [signal] }, { onLine: (line, child) => line === 'opened' && setTimeout(() => child.kill(signal), 150) });
    expect(said.signal).toBe(signal);
    expect(said.acknowledged).toBeGreaterThan(10);
    const { entries } = expectSound(directoryFiles(log.directory), log.vkey);
    expect(event(entries.at(-1))).toBe('log_stopped');
    expect((await judge(log, said)).findings).toEqual([]);
  });

  test('SIGTERM without closeOn ends the process at once; nothing acknowledged is lost', { timeout: 60_000 }, async () => {
    const log = await makeLog(root);
    const said = await runVictim(log, { batches: 100_000, size: 2, callers: 8, segmentBytes: 1e6 }, { onLine: (line, child) => line === 'opened' && setTimeout(() => child.kill('SIGTERM'), 150) });
    expect(said.signal).toBe('SIGTERM');
    const { entries } = expectSound(directoryFiles(log.directory), log.vkey);
    expect(entries.map(event)).not.toContain('log_stopped');
    expect((await judge(log, said)).findings).toEqual([]);
  });

  test('a process that forgets to close ends when it has nothing left to do', { timeout: 60_000 }, async () => {
    const log = await makeLog(root);
    const script = `import { fileStore, openLog, readSigningKey } from ${JSON.stringify(LOG)};
      const log = await openLog({ store: fileStore(${JSON.stringify(log.directory)}), signer: readSigningKey(${JSON.stringify(log.key)}) });
      for (let i = 0; i < 50; i++) void log.append({ event: 'login', userId: 'u' }).then(({ index }) => console.log(index));`;
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8', timeout: 30_000 });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout.trim().split('\n')).toHaveLength(50);
    expectSound(directoryFiles(log.directory), log.vkey);
  });
});

describe('two containers without a common lock', () => {
  const isRoot = process.getuid?.() === 0;
  const canUnshare = isRoot && process.platform === 'linux' && spawnSync('unshare', ['-n', 'true']).status === 0;
  const reason = canUnshare ? '' : ` (skipped: ${isRoot ? 'unshare -n does not work here' : 'needs root and Linux'})`;

  test.skipIf(!canUnshare)(`one of them stops, nothing acknowledged is lost${reason}`, { timeout: 120_000 }, async () => {
    const stops: string[] = [];
    for (let round = 0; round < 4; round++) {
      const log = await makeLog(root);
      const options = { batches: 150, size: 2, callers: 3, segmentBytes: round % 2 === 0 ? 4_000 : 1e6, restless: true };
      const first = runVictim(log, options);
      await later(round * 60);
      const second = runVictim(log, options, { wrap: ['unshare', '-n'] });
      const both = await Promise.all([first, second]);
      for (const said of both) {
        const codes = new Set(said.refused.map(({ code }) => code));
        if (said.failed !== undefined) codes.add(said.failed);
        stops.push([...codes].join('+') || 'done');
        expect((await judge(log, said)).findings, `round ${round}`).toEqual([]);
      }
    }
    process.stdout.write(`two writers: ${stops.join(', ')}\n`);
    expect(stops.some((stop) => stop !== 'done')).toBe(true);
    expect(stops.every((stop) => ['done', 'ERR_LOG_SECOND_WRITER', 'ERR_LOG_WRITE_FAILED'].includes(stop))).toBe(true);
  });
});
