// Kills and starves the writer of a log at every step, and looks what is left each time: nothing acknowledged may be missing, no
// batch may be there by half, a retry of everything must give the same places, and the verifier must call the record sound.
//
//   node tools/kill-matrix.mjs [--sample] [--only steps,random,calls,limit] [--random 200]
//
// steps: SIGKILL before, after and half way through every named step of a commit, each time it occurs in a short life of a log.
// random: SIGKILL at random moments of a busy log.
// calls: with strace, errors, short writes and SIGKILL at every write, sync and open of a file of the record.
// limit: a file size limit (RLIMIT_FSIZE), a real short write, at every size around two batches.
// Prints a table; ends with 1 where anything was lost. --sample runs a part of it, in about half a minute.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { judge, makeLog, runVictim } from '../packages/log/test/kill/judge.mjs';

const { values } = parseArgs({
  options: { sample: { type: 'boolean', default: false }, only: { type: 'string', default: 'steps,random,calls,limit' }, random: { type: 'string' }, jobs: { type: 'string', default: '2' } },
});
const SAMPLE = values.sample;
const JOBS = Number(values.jobs);
/** A log is judged as a whole: a new one after so many runs keeps that short. */
const RUNS_PER_LOG = 25;
const STRACE = spawnSync('strace', ['-V'], { encoding: 'utf8' }).status === 0;
const PRLIMIT = spawnSync('prlimit', ['--version'], { encoding: 'utf8' }).status === 0;

const root = mkdtempSync(join(tmpdir(), 'indelible-kill-'));
/** Per row of the table. */
const rows = new Map();
let failed = false;

function note(step, fault, { lost = 0, half = 0, findings = [], acknowledged = 0, recorded = true }) {
  const name = `${step}\t${fault}`;
  const row = rows.get(name) ?? { step, fault, runs: 0, acknowledged: 0, lost: 0, half: 0, unsound: 0 };
  rows.set(name, row);
  row.runs++;
  row.acknowledged += acknowledged;
  row.lost += lost;
  row.half += half;
  if (findings.length > 0 || !recorded) row.unsound++;
  if (findings.length > 0) {
    failed = true;
    console.error(`${step}, ${fault}: ${findings.slice(0, 3).join(' | ')}`);
  }
}

/** Runs cells, `JOBS` at a time, each job on logs of its own. A cell says whether there may be a next one of its kind. */
async function runAll(series) {
  const queue = [...series];
  await Promise.all(
    Array.from({ length: JOBS }, async () => {
      let log;
      let runs = 0;
      for (let one = queue.shift(); one !== undefined; one = queue.shift()) {
        for (let nth = 1; nth <= one.most; nth += one.stride ?? 1) {
          // A new one now and then, but not while something of the old one is to be looked at.
          if (log === undefined || (++runs % RUNS_PER_LOG === 0 && log.unseen === undefined)) log = await makeLog(root);
          if (!(await one.run(log, nth))) break;
        }
      }
    }),
  );
}

async function finish(log, step, fault, said) {
  const verdict = await judge(log, said).catch((error) => ({ findings: [`the log does not open: ${error.message}`] }));
  note(step, fault, { ...verdict, acknowledged: said.acknowledged });
}

// ---- steps

function stepSeries() {
  const series = [];
  for (const step of ['open', 'create', 'write', 'sync', 'syncDirectory', 'sign', 'sealed']) {
    for (const when of step === 'write' ? ['before', 'half', 'after'] : ['before', 'after']) {
      series.push({
        most: SAMPLE ? 4 : 60,
        stride: SAMPLE ? 2 : 1,
        run: async (log, nth) => {
          const said = await runVictim(log, { batches: 8, segmentBytes: 2_000, kill: { step, nth, when } });
          if (said.signal !== 'SIGKILL') return false; // the step does not occur so often
          await finish(log, `step ${step}`, `KILL ${when}`, said);
          return true;
        },
      });
    }
  }
  return series;
}

// ---- random

/** So many kills come between one look and the next; the processes between recover by themselves. */
const KILLS_PER_LOOK = SAMPLE ? 5 : 2;

function randomSeries(count) {
  return Array.from({ length: JOBS }, () => ({
    most: Math.ceil(count / JOBS),
    run: async (log, nth) => {
      const whileOpening = Math.random() < 0.2;
      const kill = (child, ms) => setTimeout(() => child.kill('SIGKILL'), ms);
      const said = await runVictim(
        log,
        { batches: 3_000, size: 1 + Math.floor(Math.random() * 3), callers: 8, segmentBytes: 50_000 },
        {
          onStart: (child) => whileOpening && kill(child, 30 + Math.random() * 80),
          onLine: (line, child) => !whileOpening && line === 'opened' && kill(child, Math.random() * 25),
        },
      );
      const fault = whileOpening ? 'KILL while opening' : 'KILL while appending';
      log.unseen = { ...said, batches: [...(log.unseen?.batches ?? []), ...said.batches], conflicts: [...(log.unseen?.conflicts ?? []), ...said.conflicts] };
      if (nth % KILLS_PER_LOOK !== 0 && nth < Math.ceil(count / JOBS)) {
        note('any moment', fault, { acknowledged: said.acknowledged });
        return true;
      }
      await finish(log, 'any moment', fault, log.unseen);
      log.unseen = undefined;
      return true;
    },
  }));
}

// ---- system calls

/** Files of the record that the victim will touch; strace looks at these only. */
function pathsOf(log, calls) {
  const segments = Array.from({ length: 200 }, (_, i) => join(log.directory, `${String(i).padStart(6, '0')}.ndjson`));
  const cache = ['tiles-0', 'tiles-1', 'offsets', 'ids', 'state.json.new'].map((name) => join(log.directory, 'cache', name));
  return calls === 'pwrite64' ? cache : [log.directory, ...segments];
}

function callSeries() {
  const faults = [
    ['write', ['error=EIO', 'error=ENOSPC', 'signal=KILL', 'retval=7', 'retval=0']],
    ['writev', ['error=EIO', 'error=ENOSPC', 'signal=KILL', 'retval=300']],
    ['fdatasync', ['error=EIO', 'error=ENOSPC', 'signal=KILL']],
    ['fsync', ['error=EIO', 'signal=KILL']],
    ['openat', ['error=EIO', 'error=ENOSPC', 'error=EMFILE', 'signal=KILL']],
    ['pwrite64', ['error=EIO', 'error=ENOSPC', 'signal=KILL']],
  ];
  const series = [];
  for (const [call, injections] of /** @type {[string, string[]][]} */ (faults)) {
    for (const injection of injections) {
      series.push({
        most: SAMPLE ? 1 : 40,
        run: async (log, nth) => {
          const trace = join(root, `trace-${call}-${injection}-${nth}`.replaceAll('=', '-'));
          const watched = pathsOf(log, call).flatMap((path) => ['-P', path]);
          const wrap = ['strace', '-f', '-qq', '-o', trace, ...watched, '-e', `trace=${call}`, '-e', `inject=${call}:${injection}:when=${nth}`];
          const said = await runVictim(log, { batches: 20, size: 2, callers: 6, segmentBytes: 6_000, patient: true, restless: true }, { wrap, timeoutMs: 60_000 });
          const happened = readFileSync(trace, 'latin1').includes('INJECTED') || said.signal === 'SIGKILL' || said.code === 137;
          rmSync(trace);
          if (!happened) {
            if (said.closed) return false; // the call does not occur so often
            note(call, injection, { findings: [`the victim ended for another reason: ${said.failed ?? said.errors}`] });
            return false;
          }
          await finish(log, call, injection.replace('error=', '').replace('signal=', '').replace('retval=', 'short write, '), said);
          return true;
        },
      });
    }
  }
  return series;
}

// ---- a limit

function limitSeries() {
  const series = [];
  for (let offset = 700; offset < 2_300; offset += SAMPLE ? 700 : 23) {
    series.push({
      most: 1,
      run: async (_log, _nth) => {
        const log = await makeLog(root);
        const said = await runVictim(log, { batches: 6, segmentBytes: 1e9, callers: 2 }, { wrap: ['prlimit', `--fsize=${offset}`] });
        if (said.opened && said.refused.length === 0) note('write', 'RLIMIT_FSIZE', { findings: [`a limit of ${offset} bytes did not matter`] });
        const other = said.refused.find(({ code }) => code !== 'ERR_LOG_STORAGE_FULL');
        if (other !== undefined) note('write', 'RLIMIT_FSIZE', { findings: [`the error is ${other.code}`] });
        await finish(log, 'write', 'RLIMIT_FSIZE', said);
        return true;
      },
    });
  }
  return series;
}

// ---- the table

const wanted = values.only.split(',');
const begin = Date.now();
const skipped = [];
try {
  if (wanted.includes('steps')) await runAll(stepSeries());
  if (wanted.includes('random')) await runAll(randomSeries(Number(values.random ?? (SAMPLE ? 40 : 400))));
  if (wanted.includes('calls')) {
    if (STRACE) await runAll(callSeries());
    else skipped.push('system calls: strace is not installed');
  }
  if (wanted.includes('limit')) {
    if (PRLIMIT) await runAll(limitSeries());
    else skipped.push('a file size limit: prlimit is not installed');
  }
} finally {
  rmSync(root, { recursive: true, force: true });
}

const columns = [
  ['step', (row) => row.step],
  ['fault', (row) => row.fault],
  ['runs', (row) => String(row.runs)],
  ['acknowledged', (row) => String(row.acknowledged)],
  ['lost', (row) => String(row.lost)],
  ['half', (row) => String(row.half)],
  ['verdict', (row) => (row.unsound === 0 ? 'sound' : `NOT SOUND in ${row.unsound}`)],
];
const table = [columns.map(([name]) => name), ...[...rows.values()].map((row) => columns.map(([, text]) => text(row)))];
const widths = columns.map((_, i) => Math.max(...table.map((line) => line[i].length)));
for (const line of table) console.log(line.map((text, i) => (i >= 2 && i <= 5 ? text.padStart(widths[i]) : text.padEnd(widths[i]))).join('  ').trimEnd());
const total = [...rows.values()].reduce((sum, row) => sum + row.runs, 0);
for (const reason of skipped) console.log(`SKIPPED: ${reason}`);
console.log(`${total} runs in ${Math.round((Date.now() - begin) / 1_000)} s: ${failed ? 'SOMETHING WAS LOST OR CHANGED' : 'nothing lost, nothing by half, every record sound'}`);
if (skipped.length > 0 && process.env.REQUIRE_SERVICES === '1') process.exitCode = 1;
if (failed) process.exitCode = 1;
