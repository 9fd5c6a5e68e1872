import { spawnSync } from 'node:child_process';
import { utimesSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { openReader, type SealedEntry } from '@indelible/log';
import { CLUSTER, WRITER, acks, deploy, type Told } from './support/deployment.ts';
import { whyNot } from './support/machine.ts';

// The ways in which applications are started, restarted and stopped, with real processes on a real directory.

const SECOND_MS = 1_000;

describe('a rolling restart', () => {
  test('the new process waits for the old one, then goes on', async () => {
    const log = await deploy();
    const old = log.start({ who: 'old', closeAfterMs: 1_500 });
    await old.until((told) => acks(told) > 20, 'the old one appends');
    const next = log.start({ who: 'new', closeOn: ['SIGTERM'] });
    await next.until((told) => told.length > 0, 'the new one starts');
    await old.until((told) => told.some(({ closed }) => closed), 'the old one closes');
    await next.until((told) => acks(told) > 20, 'the new one appends');
    next.child.kill('SIGTERM');
    expect(await next.ended).toEqual({ code: null, signal: 'SIGTERM' });
    expect(await old.ended).toEqual({ code: 0, signal: null });
    const { events, report, acknowledged } = await log.check(old, next);
    expect(events.filter((event) => event.startsWith('log_'))).toEqual(['log_started', 'log_stopped', 'log_started', 'log_stopped']);
    expect(report.coverage).toMatchObject({ entries: acknowledged + 4, segments: 1, recoveries: 0 });
  });

  test('one that does not want to wait is told the remedy', async () => {
    const log = await deploy();
    const first = log.start({});
    await first.until((told) => acks(told) > 0, 'the first one appends');
    const second = log.start({ lockWaitMs: 100 });
    expect(await second.ended).toEqual({ code: 0, signal: null });
    expect(second.told.at(-1)).toMatchObject({ error: 'ERR_LOG_LOCKED' });
    expect(second.told.at(-1)?.message).toMatch(/`indelible serve`.*Postgres/);
    const before = acks(first.told);
    await first.until((told) => acks(told) > before, 'the first one goes on');
    await first.kill();
    await log.check(first, second);
  });
});

describe('cluster', () => {
  test('of four workers one writes, three are told the remedy; when it is killed the next one opens at once', async () => {
    const log = await deploy();
    const app = log.start({ lockWaitMs: 300, lingerMs: 60_000 }, [process.execPath, CLUSTER], true);
    await app.until((told) => told.filter(({ error }) => error !== undefined).length === 3 && acks(told) > 20, 'one writes, three do not');
    const errors = app.told.filter(({ error }) => error !== undefined);
    for (const { error, message } of errors) expect([error, message]).toEqual(['ERR_LOG_LOCKED', expect.stringContaining('run `indelible serve` and point the workers at it')]);
    const winners = app.told.filter(({ opened }) => opened);
    expect(winners).toHaveLength(1);

    process.kill(winners[0]!.pid, 'SIGKILL');
    app.child.send('another');
    await app.until((told) => told.filter(({ opened }) => opened).length === 2, 'another one opens');
    const heir = app.told.filter(({ opened }) => opened)[1]!.pid;
    await app.until((told) => acks(told, heir) > 20, 'the other one appends');
    await app.kill();
    await log.check(app);
  });
});

describe('watch mode', () => {
  const require = createRequire(import.meta.url);
  const tsx = require.resolve('tsx/cli');

  test.for([
    ['node --watch', ['--watch'], 'app.mjs', {}],
    ['node --watch, closing on SIGTERM', ['--watch'], 'app.mjs', { closeOn: ['SIGTERM'] }],
    ['tsx watch', [tsx, 'watch'], 'app.mts', {}],
    ['tsx watch, closing on SIGTERM', [tsx, 'watch'], 'app.mts', { closeOn: ['SIGTERM'] }],
  ] as const)('%s: restarts in quick succession lose nothing', async ([_name, launch, name, orders]) => {
    const log = await deploy();
    const file = join(log.place, name);
    writeFileSync(file, `import ${JSON.stringify(pathToFileURL(WRITER).href)};\n`);
    const app = log.start({ lingerMs: 60_000, ...orders }, [process.execPath, ...launch, file]);
    await app.until((told) => acks(told) > 5, 'the first start');
    for (let i = 1; i <= 3; i++) {
      utimesSync(file, new Date(), new Date());
      writeFileSync(file, `import ${JSON.stringify(pathToFileURL(WRITER).href)}; // ${i}\n`);
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
    const at = Date.now();
    await app.until((told) => {
      const last = told.findLast(({ starting }) => starting)!.pid;
      return new Set(told.map(({ pid }) => pid)).size > 1 && acks(told, last) > 20;
    }, 'the last restart appends');
    expect(Date.now() - at).toBeLessThan(8 * SECOND_MS);
    expect(app.told.filter(({ error }) => error !== undefined)).toEqual([]);
    await app.kill();
    const { events } = await log.check(app);
    expect(events.filter((event) => event === 'log_started').length).toBeGreaterThan(1);
  });
});

describe('SIGTERM', () => {
  test('closeOn: the end is on the record, and the process ends by the signal', async () => {
    const log = await deploy();
    const app = log.start({ closeOn: ['SIGTERM'], lingerMs: 60_000 });
    await app.until((told) => acks(told) > 20, 'it appends');
    app.child.kill('SIGTERM');
    expect(await app.ended).toEqual({ code: null, signal: 'SIGTERM' });
    const { events, report } = await log.check(app);
    expect(events.at(-1)).toBe('log_stopped');
    expect(report.coverage.unsealedBytes).toBe(0);
  });

  test('without it nothing acknowledged is lost, and the next start works', async () => {
    const log = await deploy();
    const app = log.start({ lingerMs: 60_000 });
    await app.until((told) => acks(told) > 20, 'it appends');
    app.child.kill('SIGTERM');
    expect(await app.ended).toEqual({ code: null, signal: 'SIGTERM' });
    const next = log.start({ stopAfter: 5 });
    expect(await next.ended).toEqual({ code: 0, signal: null });
    expect(acks(next.told)).toBe(20);
    await log.check(app, next);
  });

  test('as process 1 of a container, which the kernel shields from signals to itself', async (context) => {
    const reason = whyNot('unshare', '--pid', '--fork', '--kill-child', 'true');
    if (reason !== undefined) return context.skip(reason);
    const log = await deploy();
    const app = log.start({ closeOn: ['SIGTERM'], lingerMs: 60_000 }, ['unshare', '--pid', '--fork', '--kill-child', process.execPath, WRITER]);
    await app.until((told) => acks(told) > 20, 'it appends');
    expect(app.told[0]?.pid).toBe(1);
    const [pid] = spawnSync('ps', ['-o', 'pid=', '--ppid', String(app.child.pid)], { encoding: 'utf8' }).stdout.trim().split(/\s+/);
    const at = Date.now();
    process.kill(Number(pid), 'SIGTERM');
    await app.ended;
    expect(Date.now() - at).toBeLessThan(5 * SECOND_MS); // orchestrators kill after 10 s
    const { events } = await log.check(app);
    expect(events.at(-1)).toBe('log_stopped');
  });
});

describe('two containers without a common lock', () => {
  test('on one directory: at least one stops with a clear error, nothing acknowledged by either is lost or contradicted', async (context) => {
    const reason = whyNot('unshare', '--net', 'true');
    if (reason !== undefined) return context.skip(reason);
    const launch = ['unshare', '--net', process.execPath, WRITER];
    const outcomes: string[] = [];
    for (let round = 0; round < 4; round++) {
      const log = await deploy();
      const orders = { callers: 1 + round * 3, everyMs: round % 3, lockWaitMs: 0, segmentBytes: round % 2 === 0 ? 1 << 26 : 20_000, closeOn: ['SIGTERM'] };
      const one = log.start({ ...orders, who: 'one' }, launch);
      if (round > 1) await one.until((told) => acks(told) > 0, 'the first one appends');
      const two = log.start({ ...orders, who: 'two' }, launch);
      const refused = one.until(hasError, 'the first one stops');
      await Promise.any([refused, two.until(hasError, 'the second one stops')]);
      one.child.kill('SIGTERM');
      two.child.kill('SIGTERM');
      await Promise.all([one.ended, two.ended, refused.catch(() => undefined)]);
      const errors = [one, two].flatMap(({ told }) => told.filter(({ error }) => error !== undefined));
      outcomes.push(`${acks(one.told)} + ${acks(two.told)}: ${[...new Set(errors.map(({ error, message }) => `${error} ${message}`))].join(' | ')}`);
      for (const { message } of errors) expect(message, outcomes.join('\n')).toMatch(/another (?:process|writer|program)|only one process/i);
      await log.check(one, two).catch((cause: unknown) => {
        throw new Error(outcomes.join('\n'), { cause });
      });
    }
  });

  function hasError(told: readonly Told[]): boolean {
    return told.some(({ error }) => error !== undefined);
  }
});

describe('a process that forgets to close', () => {
  test('ends by itself, and nothing acknowledged is lost', async () => {
    const log = await deploy();
    const app = log.start({ stopAfter: 10 });
    expect(await app.ended).toEqual({ code: 0, signal: null });
    expect(acks(app.told)).toBe(40);
    const { report } = await log.check(app);
    expect(report.coverage.entries).toBe(41);
  });
});

describe('a follower in another process', () => {
  test('reads up to the last seal, across new segments and a recovery', async () => {
    const log = await deploy();
    const stop = new AbortController();
    const seen: SealedEntry[] = [];
    const following = (async () => {
      for await (const entry of (await openReader(log.directory)).entries({ follow: true, pollMs: 20, signal: stop.signal })) seen.push(entry);
    })();
    const first = log.start({ segmentBytes: 20_000 });
    await first.until((told) => acks(told) > 300, 'several segments');
    await first.kill();
    const second = log.start({ segmentBytes: 20_000, stopAfter: 30, closeOn: ['SIGTERM'], closeAfterMs: 1_000 });
    await second.ended;
    const { report } = await log.check(first, second);
    for (let i = 0; i < 100 && seen.length < report.coverage.entries; i++) await new Promise((resolve) => setTimeout(resolve, 20));
    stop.abort();
    await following;
    expect(seen.map(({ index }) => index)).toEqual(Array.from({ length: report.coverage.entries }, (_, i) => i));
    expect(report.coverage.segments).toBeGreaterThan(3);
  });
});
