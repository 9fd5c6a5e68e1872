// Prevents lenient parsing of evidence. `parseInt('12abc')` is 12, `BigInt('')` is 0, `Number(' 5 ')` is 5 and
// `Buffer.from('!!!!', 'base64')` is empty bytes without an error: through any of them two different texts mean the same
// checkpoint, and a forger may choose. Texts in `tlog`, `log` and `verify` go through `packages/tlog/src/parse.ts`. The linter
// cannot tell a call on a number from a call on a text, so the calls on numbers are listed here.
//
//   node tools/check-parsing.mjs [ROOT]

import { conclude, listFiles, readText } from './support/source-tree.mjs';

const STRICT = ['packages/tlog/src/', 'packages/log/src/', 'packages/verify/src/'];
const PARSER = 'packages/tlog/src/parse.ts';

const LENIENT = [
  { name: 'parseInt', pattern: /\bparseInt\(/ },
  { name: 'parseFloat', pattern: /\bparseFloat\(/ },
  { name: 'Number', pattern: /(?<![.\w])Number\(/ },
  { name: 'BigInt', pattern: /\bBigInt\(/ },
  { name: 'atob', pattern: /\batob\(/ },
  { name: 'base64', pattern: /\bfrom\([^;]*,\s*['"`]base64(?:url)?['"`]/ },
];

/** Where a call is right, and why. */
const ALLOWED = [
  { file: 'packages/tlog/src/cosignature.ts', names: ['BigInt', 'Number'], why: 'between number and the 64 bits of a timestamp' },
  { file: 'packages/tlog/src/sha256-portable.ts', names: ['BigInt', 'Number'], why: 'arithmetic that makes the constants' },
  { file: 'packages/tlog/src/ed25519-portable.ts', names: ['atob'], why: 'base64url that WebCrypto wrote, not evidence' },
  { file: 'packages/log/src/commit/entry-id.ts', names: ['Number'], why: 'eight hexadecimal digits, matched before' },
  { file: 'packages/log/src/record/segment-name.ts', names: ['Number'], why: 'a name of six digits or more, matched before' },
  { file: 'packages/verify/src/record/segment-name.ts', names: ['Number'], why: 'a name of six digits or more, matched before' },
];

const problems = [];
const used = new Set();
const files = listFiles('packages').filter((path) => path !== PARSER && path.endsWith('.ts') && STRICT.some((folder) => path.startsWith(folder)));
for (const path of files) {
  for (const [index, line] of readText(path).split('\n').entries()) {
    const code = line.replace(/^\s*(?:\/?\*|\/\/).*|\s\/\/ .*/, '');
    for (const { name, pattern } of LENIENT) {
      if (!pattern.test(code)) continue;
      const rule = ALLOWED.find((allowed) => allowed.file === path && allowed.names.includes(name));
      if (rule === undefined) problems.push(`${path}:${index + 1}: ${name} is too lenient for evidence; use ${PARSER}`);
      else used.add(rule);
    }
  }
}
for (const rule of ALLOWED) {
  if (files.includes(rule.file) && !used.has(rule)) problems.push(`tools/check-parsing.mjs: ${rule.file} needs no exception any more`);
}
conclude(problems, `${files.length} files parse evidence strictly; ${used.size} files convert numbers`);
