import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished } from 'vitest';
import { createLog, createSigningKey, openReader, parseSigningKey, readPin } from '@indelible/log';
import { verifyLog, type Report } from '@indelible/verify';

/** What an application may be told on its way (see log-writer.mjs). */
export interface Orders {
  readonly who?: string;
  readonly callers?: number;
  readonly everyMs?: number;
  /** Events a caller appends; no limit by default. */
  readonly stopAfter?: number;
  readonly closeAfterMs?: number;
  readonly lockWaitMs?: number;
  readonly segmentBytes?: number;
  readonly closeOn?: readonly string[];
  readonly lingerMs?: number;
}

/** What an application told on stdout. */
export interface Told {
  readonly pid: number;
  readonly id?: string;
  readonly index?: number;
  readonly error?: string;
  readonly message?: string;
  readonly warning?: string;
  readonly starting?: boolean;
  readonly opened?: boolean;
  readonly closed?: boolean;
  readonly finished?: boolean;
}

/** A started application, or several under one launcher. */
export interface App {
  readonly child: ChildProcess;
  readonly told: readonly Told[];
  readonly stderr: () => string;
  /** Resolves when it has told so much; fails after 15 s. */
  readonly until: (holds: (told: readonly Told[]) => boolean, what: string) => Promise<void>;
  /** Kills the launcher and whatever it has started, with SIGKILL. */
  readonly kill: () => Promise<void>;
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
}

/** A new log with its key beside it, for one test. */
export interface Deployment {
  readonly directory: string;
  readonly keyFile: string;
  readonly vkey: string;
  readonly place: string;
  readonly start: (orders: Orders, launch?: readonly string[], ipc?: boolean) => App;
  /** Everything acknowledged by these is on the record at its index, once; the record is sound. */
  readonly check: (...apps: readonly App[]) => Promise<{ readonly report: Report; readonly acknowledged: number; readonly events: readonly string[] }>;
}

/** The application's file, and that of the cluster. */
export const WRITER: string = fileURLToPath(new URL('./log-writer.mjs', import.meta.url));
export const CLUSTER: string = fileURLToPath(new URL('./cluster-app.mjs', import.meta.url));

const PATIENCE_MS = 15_000;

/** Makes a log for one test. Whatever is started on it ends with the test. */
export async function deploy(place: string = mkdtempSync(join(tmpdir(), 'indelible-deployment-'))): Promise<Deployment> {
  const directory = join(place, 'audit');
  const keyFile = join(place, 'audit.key');
  const { secret, vkey } = createSigningKey('deployment.example/log');
  writeFileSync(keyFile, `${secret}\n`, { mode: 0o600 });
  await createLog(directory, { signer: parseSigningKey(secret) });
  const started: App[] = [];
  onTestFinished(async () => {
    await Promise.all(started.map((app) => app.kill()));
    rmSync(place, { recursive: true, force: true });
  });

  function start(orders: Orders, launch: readonly string[] = [process.execPath, WRITER], ipc = false): App {
    const app = startApp(launch, { ...orders, directory, keyFile }, ipc, directory);
    started.push(app);
    return app;
  }

  async function check(...apps: readonly App[]): Promise<{ report: Report; acknowledged: number; events: string[] }> {
    const pin = readPin(`${keyFile}.pin`); // not there yet where nobody wrote for a second
    const report = await verifyLog(directory, { key: vkey, cores: 1, ...(pin === undefined ? {} : { pin }) });
    expect(report.findings.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(report.verdict).toBe('sound');
    const ids: string[] = [];
    const events: string[] = [];
    for await (const { index, bytes } of (await openReader(directory)).entries()) {
      const { id, event } = JSON.parse(new TextDecoder().decode(bytes)) as { id: string; event: string };
      ids[index] = id;
      events[index] = event;
    }
    expect(ids).toHaveLength(report.coverage.entries);
    expect(new Set(ids).size).toBe(ids.length);
    const acks = apps.flatMap(({ told }) => told.filter(({ index }) => index !== undefined));
    expect(acks.filter(({ id, index }) => ids[index!] !== id)).toEqual([]);
    return { report, acknowledged: acks.length, events };
  }
  return { directory, keyFile, vkey, place, start, check };
}

function startApp([file = '', ...args]: readonly string[], orders: object, ipc: boolean, directory: string): App {
  const child = spawn(file, args, { env: { ...process.env, LOG_WRITER: JSON.stringify(orders) }, stdio: ['ignore', 'pipe', 'pipe', ipc ? 'ipc' : 'ignore'] });
  const told: Told[] = [];
  let [rest, stderr, over] = ['', '', false];
  let wake: () => void = () => undefined;
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    told.push(...lines.filter((line) => line.startsWith('{"pid":')).map((line) => JSON.parse(line) as Told));
    wake();
  });
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.on('close', (code, signal) => {
      over = true;
      resolve({ code, signal });
      wake();
    });
  });
  async function until(holds: (sofar: readonly Told[]) => boolean, what: string): Promise<void> {
    const deadline = Date.now() + PATIENCE_MS;
    while (!holds(told)) {
      if (over || Date.now() > deadline) throw new Error(`${what}: not seen; it told ${JSON.stringify(told.slice(-5))} ${stderr}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 500);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
  async function kill(): Promise<void> {
    child.kill('SIGKILL');
    while (!over) {
      // One that was being started tells its process id when its launcher has gone already.
      for (const pid of new Set(told.map((one) => one.pid))) if (runsOn(directory, pid)) process.kill(pid, 'SIGKILL');
      await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 50))]);
    }
  }
  return { child, told, stderr: () => stderr, until, kill, ended };
}

/** Whether a process id is still that of an application which we started on this log, and not used anew by another program. */
function runsOn(directory: string, pid: number): boolean {
  try {
    return process.platform === 'linux' ? readFileSync(`/proc/${pid}/environ`, 'utf8').includes(directory) : false;
  } catch {
    return false;
  }
}

/** How many acknowledgements were told, by one process or by all. */
export function acks(told: readonly Told[], pid?: number): number {
  return told.filter((one) => one.index !== undefined && (pid === undefined || one.pid === pid)).length;
}
