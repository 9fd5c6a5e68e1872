// Prevents error codes that nobody can look up, and documented ones that no longer exist: the code is what callers branch
// on and what operators search for. Every code of `packages/*/src/error.ts` must be thrown somewhere in its package and
// have a complete row in `docs/reference/errors.md`, every finding of `verify` a row in `docs/reference/findings.md`,
// and the two pages must name nothing else.
//
//   node tools/check-errors.mjs [ROOT]

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { conclude, listFiles, listPackages, readText, root } from './support/source-tree.mjs';

const ERRORS = 'docs/reference/errors.md';
const FINDINGS = 'docs/reference/findings.md';
const FINDING_CODES = 'packages/verify/src/finding-codes.ts';
const problems = [];

const OURS = new RegExp(`'(ERR_(?:${listPackages().join('|').toUpperCase()})_[A-Z0-9_]*[A-Z0-9])'`, 'g');
const codes = new Set();
const mentioned = new Map();
for (const name of listPackages()) {
  const file = `packages/${name}/src/error.ts`;
  if (!existsSync(join(root, file))) continue;
  const source = listFiles(`packages/${name}/src`).filter((path) => path !== file).map(readText).join('\n');
  const text = readText(file);
  const union = /export type \w+ErrorCode =[^;]*;/.exec(text)?.[0] ?? '';
  const rest = text.replace(union, '') + source;
  for (const code of unique(rest, OURS)) mentioned.set(code, file);
  for (const code of unique(union, /'(ERR_[A-Z0-9_]+)'/g)) {
    codes.add(code);
    if (!code.startsWith(`ERR_${name.toUpperCase()}_`)) problems.push(`${file}: ${code} does not begin with ERR_${name.toUpperCase()}_`);
    if (!rest.includes(`'${code}'`)) problems.push(`${file}: ${code} is never thrown; remove it`);
  }
}
for (const [code, file] of mentioned) {
  if (!codes.has(code)) problems.push(`${file}: ${code} is used in this package, but no list of codes has it`);
}
compare(ERRORS, codes, /^\|\s*`(ERR_[A-Z0-9_]+)`/);

let findings = new Set();
if (existsSync(join(root, FINDING_CODES))) {
  findings = unique(readText(FINDING_CODES), /^\s+\| '([a-z_]+)'/gm);
  compare(FINDINGS, findings, /^\|\s*`([a-z_]+)`\s*\|\s*(?:error|warning|note)\b/);
  compareSeverities(readText(FINDING_CODES));
}
conclude(problems, `${codes.size} error codes and ${findings.size} findings, all thrown and documented`);

function unique(text, pattern) {
  return new Set([...text.matchAll(pattern)].map((match) => match[1]));
}

/** The page may not call an error what the code calls a warning, nor the other way round. */
function compareSeverities(source) {
  if (!existsSync(join(root, FINDINGS))) return;
  const page = readText(FINDINGS);
  for (const [, code, severity, more] of source.matchAll(/^ {2}(\w+): \{\n {4}severity: '(\w+)',\n(.*)/gm)) {
    const wanted = more.includes('withholdsSound: true') ? `${severity}, not proven` : severity;
    const row = page.split('\n').find((line) => line.startsWith(`| \`${code}\` |`));
    const given = row?.split('|')[2]?.trim();
    if (row !== undefined && given !== wanted) problems.push(`${FINDINGS}: ${code} is "${given}" there, "${wanted}" in the code`);
  }
}

/** Both directions: a code without a row, a row without a code, a row given twice or with an empty cell. */
function compare(page, known, row) {
  if (!existsSync(join(root, page))) {
    problems.push(`${page}: is missing`);
    return;
  }
  const documented = new Set();
  for (const [index, line] of readText(page).split('\n').entries()) {
    const code = row.exec(line)?.[1];
    if (code === undefined) continue;
    const cells = line.split(/(?<!\\)\|/).slice(1, -1).map((cell) => cell.trim());
    if (cells.length < 3 || cells.includes('')) problems.push(`${page}:${index + 1}: ${code} needs a meaning and a remedy`);
    if (documented.has(code)) problems.push(`${page}:${index + 1}: ${code} is there twice`);
    if (!known.has(code)) problems.push(`${page}:${index + 1}: ${code} does not exist in the code`);
    documented.add(code);
  }
  for (const code of known) {
    if (!documented.has(code)) problems.push(`${page}: ${code} has no row`);
  }
}
