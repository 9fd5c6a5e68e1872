import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { EventInput } from '@indelible/event';
import type { Log } from '@indelible/log';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { memoryLog, sessionEntries } from '../support/tracker-world.ts';

type FromChild = { readonly id: number; readonly name: 'append' | 'entries'; readonly argument: unknown } | { readonly id?: undefined; readonly done: number; readonly value?: unknown; readonly error?: string };

/** A tracker in another operating system process, over a log of this one. */
class TrackerProcess {
  readonly child: ChildProcess;
  readonly #log: Log;
  readonly #waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  #last = 0;

  constructor(log: Log) {
    this.#log = log;
    this.child = fork(fileURLToPath(new URL('../support/tracker-process.mjs', import.meta.url)), { serialization: 'advanced' });
    this.child.on('message', (message: FromChild) => void this.#receive(message));
  }

  ask(action: string, argument: unknown = {}): Promise<unknown> {
    const done = ++this.#last;
    this.child.send({ action, argument, done });
    return new Promise((resolve, reject) => this.#waiting.set(done, { resolve, reject }));
  }

  /** As a crash ends it. */
  async kill(): Promise<void> {
    const gone = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill('SIGKILL');
    await gone;
  }

  async #receive(message: FromChild): Promise<void> {
    if (message.id === undefined) {
      const waiting = this.#waiting.get(message.done);
      if (message.error === undefined) waiting?.resolve(message.value);
      else waiting?.reject(new Error(message.error));
      return;
    }
    try {
      const value = message.name === 'append' ? await this.#log.append(message.argument as EventInput) : await this.#entries(message.argument as number);
      this.child.send({ id: message.id, value });
    } catch (error) {
      this.child.send({ id: message.id, error: String(error), code: (error as { code?: string }).code });
    }
  }

  async #entries(from: number): Promise<{ index: number; line: string }[]> {
    const entries: { index: number; line: string }[] = [];
    if (from >= this.#log.size) return entries;
    for await (const { index, bytes } of this.#log.follow({ from, follow: false })) entries.push({ index, line: new TextDecoder().decode(bytes) });
    return entries;
  }
}

let log: Log;
let processes: TrackerProcess[];
beforeEach(async () => {
  log = await memoryLog();
  processes = [new TrackerProcess(log), new TrackerProcess(log)];
});
afterEach(async () => {
  for (const one of processes) if (one.child.exitCode === null && one.child.signalCode === null) await one.kill();
  await log.close();
});

const of = async (event: string): Promise<Record<string, unknown>[]> => (await sessionEntries(log)).filter((entry) => entry['event'] === event);

it('of two logins at the same moment in two processes the later one carries the warning', async () => {
  const [one, two] = processes as [TrackerProcess, TrackerProcess];
  await Promise.all(processes.map((each, i) => each.ask('open', { app: 'bank', instance: `p${i}`, policy: { idleMs: 600_000 } })));
  for (let round = 0; round < 20; round++) {
    const userId = `user-${round}`;
    await Promise.all([one.ask('login', { sid: `${userId}-1`, userId, ip: '192.0.2.1' }), two.ask('login', { sid: `${userId}-2`, userId, ip: '198.51.100.1' })]);
  }
  await Promise.all(processes.map((each) => each.ask('close')));
  const logins = await of('login');
  const later = Array.from({ length: 20 }, (_, round) => logins.filter((entry) => entry['userId'] === `user-${round}`)[1]?.['sessionId']);
  const warned = (await of('concurrent_warning')).map((entry) => entry['sessionId']);
  expect(warned).toHaveLength(20);
  expect(new Set(warned)).toEqual(new Set(later));
});

it('two processes write each timeout once, also that of a third that was killed', async () => {
  const [one, two] = processes as [TrackerProcess, TrackerProcess];
  const third = new TrackerProcess(log);
  processes.push(third);
  const policy = { idleMs: 300, extendEveryMs: 0 };
  await Promise.all(processes.map((each, i) => each.ask('open', { app: 'bank', instance: `p${i}`, policy })));
  await Promise.all(processes.flatMap((each, p) => Array.from({ length: 20 }, (_, i) => each.ask('login', { sid: `sid-${p}-${i}`, userId: `user-${p}-${i}` }))));
  await third.kill();
  for (let i = 0; i < 100 && (await one.ask('find', { sid: 'sid-1-19' })) === null; i++) await new Promise((resolve) => setTimeout(resolve, 20));
  await new Promise((resolve) => setTimeout(resolve, 500));
  await Promise.all([one.ask('sweep'), two.ask('sweep')]);
  await Promise.all([one.ask('sweep'), two.ask('sweep')]);
  const timeouts = await of('timeout');
  expect(new Set(timeouts.map((entry) => entry['sessionId'])).size).toBe(60);
  expect(timeouts).toHaveLength(60);
});

it('a session that one process opened is ended in another', async () => {
  const [one, two] = processes as [TrackerProcess, TrackerProcess];
  await Promise.all(processes.map((each, i) => each.ask('open', { app: 'bank', instance: `p${i}` })));
  await one.ask('login', { sid: 'a', userId: 'maria' });
  for (let i = 0; i < 100 && (await two.ask('find', { sid: 'a' })) === null; i++) await new Promise((resolve) => setTimeout(resolve, 20));
  await two.ask('logout', { sid: 'a' });
  for (let i = 0; i < 100 && (await one.ask('find', { sid: 'a' })) !== null; i++) await new Promise((resolve) => setTimeout(resolve, 20));
  expect(await one.ask('find', { sid: 'a' })).toBeNull();
  expect((await sessionEntries(log)).map((entry) => entry['event'])).toEqual(['login', 'logout']);
});
