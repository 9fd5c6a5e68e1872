import { execFile, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { lockSpool } from '../dist/delivery/spool-lock.js';
import { openReporting } from './support/delivered.ts';
import { recordingPort } from './support/recording-port.ts';

const root = mkdtempSync(join(tmpdir(), 'indelible-spool-process-'));
afterAll(() => rmSync(root, { recursive: true }));
const CHILD = fileURLToPath(new URL('support/spool-child.mjs', import.meta.url));
const KEY = new Uint8Array(32).fill(7);
const KILLS = process.env['SLOW'] === '1' ? 300 : 60;

interface Work {
  readonly directory: string;
  readonly sink: string;
  readonly from: number;
  readonly count: number;
  readonly flipEvery: number;
  readonly report?: boolean;
}

/** The numbers that a child printed behind a word. */
function numbers(output: string, word: string): number[] {
  return [...output.matchAll(new RegExp(`^${word} (\\d+)$`, 'gm'))].map(([, n]) => Number(n));
}

/** Runs a child, kills it `afterMs` from when it is ready; says what it printed. */
function runAndKill(work: Work, afterMs: number): Promise<string> {
  return new Promise((resolve) => {
    const child: ChildProcess = spawn(process.execPath, [CHILD, JSON.stringify(work)], { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout!.on('data', (chunk: Buffer) => {
      if (output === '') setTimeout(() => child.kill('SIGKILL'), afterMs);
      output += chunk.toString('latin1');
    });
    child.on('close', () => resolve(output));
  });
}

describe('processes that are killed', () => {
  it(`at ${KILLS} random moments: what was acknowledged is delivered, in order, and nothing is reported but what happened`, async () => {
    const [directory, sink] = [join(root, 'killed'), join(root, 'killed.ndjson')];
    const acknowledged: number[] = [];
    const errors = new Set<string>();
    for (let run = 0; run < KILLS; run++) {
      // Now and then the log is away for a whole process, else it comes and goes under its hands.
      const output = await runAndKill({ directory, sink, from: run * 100_000, count: 100_000, flipEvery: run % 3 === 0 ? 0 : 5 + (run % 40) }, Math.random() * 60);
      acknowledged.push(...numbers(output, 'ack'));
      for (const [, code] of output.matchAll(/^error (\S+)$/gm)) errors.add(code!);
      expect(output).not.toContain('refused');
    }
    expect(acknowledged.length).toBeGreaterThan(KILLS);
    const log = recordingPort(true);
    const { delivery, codes } = await openReporting({ log, mode: 'spool', spool: { directory, key: KEY, ephemeral: 'accept-loss' } });
    await delivery.drain();
    await delivery.close();
    const early = existsSync(sink) ? readFileSync(sink, 'utf8').split('\n').slice(0, -1).map((line) => JSON.parse(line) as { id: string; event: string; userId?: string }) : [];
    const seen = new Set<string>();
    const firsts = [...early, ...log.events.map((event) => ({ ...event, id: event.id ?? '' }))].filter(({ id }) => !seen.has(id) && seen.add(id));
    const delivered = firsts.filter(({ event }) => event === 'login').map(({ userId }) => Number(userId?.slice(1)));
    const held = new Set(delivered);
    expect(acknowledged.filter((n) => !held.has(n))).toEqual([]);
    expect(delivered).toEqual([...delivered].sort((a, b) => a - b));
    expect(held.size).toBe(delivered.length);
    expect(firsts.some(({ event }) => event === 'capture_gap')).toBe(true);
    expect([...errors, ...codes()].filter((code) => code !== 'ERR_SESSION_DELAYED' && code !== 'ERR_SESSION_SPOOL_TORN')).toEqual([]);
    expect(readdirSync(directory).filter((name) => !name.endsWith('.damaged'))).toEqual(['position']);
  }, 120_000);

  it('let go of the spool at that moment, and one at a time has it', async () => {
    const directory = join(root, 'locked');
    const work: Work = { directory, sink: join(root, 'locked.ndjson'), from: 0, count: 1_000_000, flipEvery: 0 };
    const child = spawn(process.execPath, [CHILD, JSON.stringify(work)], { stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise((ready) => child.stdout.once('data', ready));
    child.stdout.resume();
    await expect(lockSpool(directory, 0)).rejects.toMatchObject({ code: 'ERR_SESSION_SPOOL_LOCKED', message: expect.stringContaining(directory) as string });
    const waiting = lockSpool(directory, 5_000); // a restart waits for the one before
    child.kill('SIGKILL');
    const release = await waiting;
    await expect(lockSpool(directory, 0)).rejects.toMatchObject({ code: 'ERR_SESSION_SPOOL_LOCKED' });
    await release();
    await (await lockSpool(directory, 0))();
  });
});

const NAME_SPACE = ['-Urn'];
const hasNameSpaces = process.platform === 'linux' && spawnSync('unshare', [...NAME_SPACE, 'true']).status === 0;
describe.skipIf(!hasNameSpaces)('containers that share a directory', () => {
  it('have one spool one at a time, however busy its process is, and at once when that is killed', async () => {
    const directory = join(root, 'shared');
    const work: Work = { directory, sink: join(root, 'shared.ndjson'), from: 0, count: 1_000_000, flipEvery: 0 };
    const child = spawn('unshare', [...NAME_SPACE, process.execPath, CHILD, JSON.stringify(work)], { stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise((ready) => child.stdout.once('data', ready));
    child.stdout.resume();
    await expect(lockSpool(directory, 0)).rejects.toMatchObject({ code: 'ERR_SESSION_SPOOL_LOCKED' });
    child.kill('SIGSTOP');
    await expect(lockSpool(directory, 0)).rejects.toMatchObject({ code: 'ERR_SESSION_SPOOL_LOCKED' });
    child.kill('SIGKILL');
    await (await lockSpool(directory, 5_000))();
    expect(readdirSync(directory)).not.toContain('owner');
  });
});

const hasLimits = process.platform === 'linux' && existsSync('/usr/bin/prlimit');
describe.skipIf(!hasLimits)('a write that is cut off by a limit', () => {
  it('goes into the next file, and what was acknowledged is delivered', async () => {
    const [directory, sink] = [join(root, 'limited'), join(root, 'limited.ndjson')];
    const work: Work = { directory, sink, from: 0, count: 300, flipEvery: 0 };
    const output = await new Promise<string>((resolve) => {
      execFile('/usr/bin/prlimit', ['--fsize=20000', process.execPath, CHILD, JSON.stringify(work)], { timeout: 30_000 }, (_error, stdout) => resolve(stdout));
    });
    expect(numbers(output, 'ack')).toHaveLength(300);
    expect(output).toContain('closed');
    const log = recordingPort(true);
    const { delivery, codes } = await openReporting({ log, mode: 'spool', spool: { directory, key: KEY, ephemeral: 'accept-loss' } });
    await delivery.drain();
    await delivery.close();
    expect(log.users()).toEqual(Array.from({ length: 300 }, (_, n) => `u${n}`));
    expect(codes()).toEqual([]);
  });
});

/** Runs a command with a disk of 192 kB at `$1`, in name spaces of its own: no rights are needed where the system allows that at all. */
const SMALL_DISK = ['-Urm', 'sh', '-c', 'mount -t tmpfs -o size=192k none "$1" && shift && exec "$@"', 'sh'];
const hasSmallDisk = process.platform === 'linux' && spawnSync('unshare', [...SMALL_DISK, root, 'true']).status === 0;
describe.skipIf(!hasSmallDisk)('a full disk', () => {
  it('refuses logins, lets logouts proceed, and delivers all that was acknowledged when the log is back', async () => {
    const [directory, sink] = [join(root, 'full'), join(root, 'full.ndjson')];
    mkdirSync(directory);
    const work: Work = { directory: join(directory, 'spool'), sink, from: 0, count: 10_000, flipEvery: 0, report: true };
    const output = await new Promise<string>((resolve) => {
      execFile('unshare', [...SMALL_DISK, directory, process.execPath, CHILD, JSON.stringify(work)], { timeout: 30_000 }, (_error, stdout) => resolve(stdout));
    });
    const acknowledged = numbers(output, 'ack');
    expect(acknowledged.length).toBeGreaterThan(100);
    expect(output).toContain('refused ERR_SESSION_NOT_DURABLE ERR_SESSION_SPOOL_FULL');
    expect(numbers(output, 'pending')).toEqual([acknowledged.length, 0]);
    expect(output).toContain('closed');
    const users = readFileSync(sink, 'utf8').split('\n').slice(0, -1).map((line) => (JSON.parse(line) as { userId?: string }).userId);
    expect(users).toEqual([...acknowledged.map((n) => `u${n}`), 'out0', 'out1', 'out2', undefined]);
  });
});

const isTmpfs = process.platform === 'linux' && existsSync('/dev/shm') && statfsSync('/dev/shm').type === 0x01021994;
describe.skipIf(!isTmpfs)('a disk that a restart empties', () => {
  it('has to be accepted', async () => {
    const directory = mkdtempSync('/dev/shm/indelible-spool-');
    try {
      const open = (ephemeral?: 'accept-loss') => openReporting({ log: recordingPort(true), mode: 'spool', spool: { directory, key: KEY, ...(ephemeral === undefined ? {} : { ephemeral }) } });
      await expect(open()).rejects.toMatchObject({ code: 'ERR_SESSION_SPOOL_EPHEMERAL', message: expect.stringContaining('tmpfs') as string });
      const { delivery } = await open('accept-loss');
      await delivery.close();
      expect(statSync(join(directory, 'position')).size).toBe(2_048);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
