// The edges of the package graph are lint rules; this feeds them the imports that they are there to refuse.

import { describe, expect, it } from 'vitest';
import { runLint } from './support/run-tool.ts';

const CASES: readonly (readonly [file: string, allowed: readonly string[], refused: readonly string[]])[] = [
  ['packages/tlog/src/a.ts', ['./b.ts', '#sha256'], ['node:crypto', '@indelible/event', 'express']],
  ['packages/tlog/src/a-node.ts', ['./b.ts', 'node:crypto'], ['@indelible/event', 'express']],
  ['packages/event/src/a.ts', ['./b.ts'], ['node:crypto', '@indelible/tlog', 'express']],
  ['packages/event/src/crypto.ts', ['node:crypto'], ['node:fs', '@indelible/tlog']],
  ['packages/log/src/x/a.ts', ['../b.ts', 'node:fs', 'node:fs/promises', '@indelible/tlog', '@indelible/event'], ['@indelible/verify', '@indelible/session', 'pg']],
  ['packages/session/src/a.ts', ['./b.ts', '@indelible/event'], ['@indelible/tlog', '@indelible/log', 'express']],
  ['packages/geo/src/a.ts', ['./b.ts', 'node:fs'], ['mmdb-lib', '@indelible/event']],
  ['packages/verify/src/x/a.ts', ['../b.ts', 'node:fs', '@indelible/tlog', '@indelible/event'], ['@indelible/log', '@indelible/session', 'undici']],
  ['packages/cli/src/a.ts', ['@indelible/log', '@indelible/verify', 'node:util'], []],
];

describe('import edges', () => {
  const files = CASES.map(([file, allowed, refused]) => [file, [...allowed, ...refused].map((name, index) => `import { x${index} } from '${name}';\nx${index}();`).join('\n')]);
  const { output } = runLint(Object.fromEntries(files));
  it.each(CASES)('%s', (file, _, refused) => {
    const found = output.split('\n').filter((line) => line.startsWith(`${file}:`) && line.includes('no-restricted-imports'));
    expect(found.map((line) => /'(.*?)'/.exec(line)?.[1])).toEqual(refused);
  });

  it('refuses a dynamic import as well', () => {
    expect(runLint({ 'packages/verify/src/a.ts': "export const log = await import('@indelible/log');\n" }).output).toContain('no-restricted-imports');
  });
});

describe('other rules', () => {
  it.each([
    ['a default export', 'export default 1;\n', 'no-default-export'],
    ['any', 'export const x: any = 1;\n', 'no-explicit-any'],
    ['console', 'console.log(1);\n', 'no-console'],
    ['a file over 400 lines of code', 'globalThis.name = 1;\n'.repeat(401), 'max-lines'],
  ])('find %s', (_, code, rule) => {
    expect(runLint({ 'packages/log/src/a.ts': code }).output).toContain(rule);
  });
});
