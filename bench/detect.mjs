// How long `detect` takes on a codebase, and how long oxc-parser alone takes for what the prefilter lets through.
//
//   node bench/detect.mjs [FOLDER]      default: two thousand files that it writes itself
//
// Each figure is the median of five new processes: a command line is used cold.

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const RUNS = 5;
const own = fileURLToPath(import.meta.url);

if (process.argv[2] === '--child') await child(process.argv[3], process.argv[4]);
else await main(process.argv[2]);

async function main(given) {
  const folder = given ?? writeCodebase();
  try {
    const whole = measure('detect', folder);
    const alone = measure('parse', folder);
    const startup = measure('startup', folder);
    console.log(`detect               ${Math.round(whole.ms)} ms, ${Math.round(whole.rssMb)} MB, ${whole.files} files read, ${whole.parsed} parsed`);
    console.log(`oxc-parser alone     ${Math.round(alone.ms)} ms for the same ${alone.parsed} files`);
    console.log(`start of the process ${Math.round(startup.ms)} ms`);
    console.log(`ratio                ${(whole.ms / alone.ms).toFixed(2)}`);
  } finally {
    if (given === undefined) rmSync(folder, { recursive: true, force: true });
  }
}

function measure(what, folder) {
  const runs = [];
  for (let i = 0; i < RUNS; i++) {
    const begin = performance.now();
    const result = JSON.parse(execFileSync(process.execPath, [own, '--child', what, folder], { encoding: 'utf8' }));
    runs.push({ ...result, ms: performance.now() - begin });
  }
  runs.sort((a, b) => a.ms - b.ms);
  return runs[Math.floor(RUNS / 2)];
}

async function child(what, folder) {
  let result = {};
  if (what === 'detect') {
    const { detect } = await import('@indelible/detect');
    const { files } = detect(folder);
    result = { files: files.read, parsed: files.parsed };
  } else if (what === 'parse') {
    // The parser is a dependency of the package, not of this workspace.
    const parser = ['oxc', 'parser'].join('-');
    const { parseSync } = createRequire(new URL('../packages/detect/package.json', import.meta.url))(parser);
    const { walk } = await import(new URL('../packages/detect/dist/files/walk.js', import.meta.url));
    const { readText, isMinified } = await import(new URL('../packages/detect/dist/files/read-text.js', import.meta.url));
    const { isWorthParsing } = await import(new URL('../packages/detect/dist/files/prefilter.js', import.meta.url));
    let parsed = 0;
    for (const { path, kind } of walk(folder).files) {
      if (kind !== 'code') continue;
      const { text } = readText(join(folder, path), 1_500_000);
      if (text === undefined || isMinified(text) || !isWorthParsing(text)) continue;
      if (parseSync(path, text).program.body !== undefined) parsed++;
    }
    result = { parsed };
  }
  console.log(JSON.stringify({ ...result, rssMb: process.resourceUsage().maxRSS / 1024 }));
}

/** Two thousand files of 5.5 kB, a third of them about sessions, as a large application has them. */
function writeCodebase() {
  const folder = mkdtempSync(join(tmpdir(), 'indelible-bench-'));
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'bench', dependencies: { express: '5', pino: '10' } }));
  for (let i = 0; i < 2_000; i++) {
    const path = join(folder, `src/part-${i % 40}`);
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, `file-${i}.ts`), fileText(i));
  }
  return folder;
}

function fileText(i) {
  const about = i % 3 === 0 ? 'session' : 'invoice';
  const lines = [`import { helper${i} } from '../part-${(i + 1) % 40}/file-${(i + 1) % 2_000}.ts';`, `export interface Item${i} { readonly id: string; readonly amount: number; readonly tags: readonly string[] }`];
  for (let k = 0; lines.join('\n').length < 5_300; k++) {
    lines.push(
      `export function ${about}Part${i}x${k}(items: readonly Item${i}[], limit = ${k + 3}): number {`,
      `  const chosen = items.filter((item) => item.amount > limit && item.tags.includes('t${k}')).map((item) => ({ ...item, label: \`\${item.id}-${k}\` }));`,
      `  for (const item of chosen) if (item.label.length > 40) throw new Error('too long: ' + item.label);`,
      '  return chosen.reduce((sum, item) => sum + item.amount, 0);', '}',
    );
  }
  lines.push(`export const helper${i} = (id: string): string => id.toUpperCase();`);
  return lines.join('\n');
}
