// Measures the detector on real repositories that people read by hand: a table for each event, for the storage and for the verdict.
//
//   node tools/measure-detect.mjs CHECKOUTS [--set development|measure] [--markdown]
//   node tools/measure-detect.mjs --fetch CHECKOUTS
//
// CHECKOUTS is a folder with one checkout for each label in packages/detect/test/corpus/labels, named `owner+name`. `--fetch` makes them
// with git, each at its fixed commit. Their code is never part of this repository.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const LABELS = fileURLToPath(new URL('../packages/detect/test/corpus/labels/', import.meta.url));
const EVENTS = ['login', 'logout', 'timeout', 'extension', 'concurrent_warning'];
const args = process.argv.slice(2);
const folder = args.find((arg) => !arg.startsWith('--') && args[args.indexOf(arg) - 1] !== '--set');
const set = args.includes('--set') ? args[args.indexOf('--set') + 1] : undefined;
if (folder === undefined) {
  console.error('name the folder of the checkouts: node tools/measure-detect.mjs CHECKOUTS');
  process.exit(2);
}

const labels = readdirSync(LABELS).filter((name) => name.endsWith('.json')).sort().map((name) => JSON.parse(readFileSync(join(LABELS, name), 'utf8'))).filter((label) => set === undefined || label.set === set);
if (args.includes('--fetch')) for (const label of labels) fetchOne(label);
else await measure();

function fetchOne({ repository, commit }) {
  const target = join(folder, repository.replace('/', '+'));
  if (existsSync(target)) return;
  mkdirSync(target, { recursive: true });
  const git = (...words) => execFileSync('git', ['-C', target, ...words], { stdio: ['ignore', 'ignore', 'inherit'] });
  git('init', '--quiet');
  git('fetch', '--quiet', '--depth', '1', `https://github.com/${repository}`, commit);
  git('-c', 'advice.detachedHead=false', 'checkout', '--quiet', 'FETCH_HEAD');
}

async function measure() {
  const { detect } = await import('@indelible/detect');
  const counts = Object.fromEntries(EVENTS.map((event) => [event, { tp: 0, fp: 0, fn: 0, tn: 0 }]));
  const right = { numerator: 0, storage: 0, verdict: 0 };
  const total = { numerator: 0, storage: 0, verdict: 0 };
  const wrong = [];
  for (const label of labels) {
    const checkout = join(folder, label.repository.replace('/', '+'));
    if (!existsSync(checkout)) {
      console.error(`passed over, no checkout: ${label.repository}`);
      continue;
    }
    const report = detect(checkout);
    for (const event of EVENTS) {
      const is = report.events[event].status === 'logged';
      const should = label.events[event] !== undefined;
      counts[event][is ? (should ? 'tp' : 'fp') : should ? 'fn' : 'tn']++;
      if (is !== should) wrong.push(`${label.repository}: ${event} ${is ? 'found, but not there' : 'missed'}${is ? ` (${report.events[event].evidence[0]?.file}:${report.events[event].evidence[0]?.line})` : ` (${label.events[event].place})`}`);
    }
    score('numerator', Number(report.ratio.required[0]) === EVENTS.slice(0, 4).filter((event) => label.events[event] !== undefined).length, label, report.ratio.required);
    score('storage', report.storageClass === label.storageClass, label, report.storageClass);
    if (label.result !== null) score('verdict', report.result === label.result, label, report.result);
  }
  const sum = Object.values(counts).reduce((all, one) => ({ tp: all.tp + one.tp, fp: all.fp + one.fp, fn: all.fn + one.fn, tn: all.tn + one.tn }), { tp: 0, fp: 0, fn: 0, tn: 0 });
  console.log(`| event | logged, found | not logged, found | logged, missed | not logged, not found | precision | recall |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: |`);
  for (const [event, one] of Object.entries({ ...counts, all: sum })) console.log(`| ${event} | ${one.tp} | ${one.fp} | ${one.fn} | ${one.tn} | ${share(one.tp, one.tp + one.fp)} | ${share(one.tp, one.tp + one.fn)} |`);
  console.log(`\n| measure | right | of | share |\n| --- | ---: | ---: | ---: |`);
  for (const key of Object.keys(right)) console.log(`| ${key} | ${right[key]} | ${total[key]} | ${share(right[key], total[key])} |`);
  if (wrong.length > 0) console.log(`\n${wrong.map((line) => `- ${line}`).join('\n')}`);

  function score(key, isRight, label, got) {
    total[key]++;
    if (isRight) right[key]++;
    else wrong.push(`${label.repository}: ${key} is ${got}`);
  }
}

function share(part, whole) {
  return whole === 0 ? '' : (part / whole).toFixed(2);
}
