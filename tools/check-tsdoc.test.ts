import { describe, expect, it } from 'vitest';
import { runTool } from './support/run-tool.ts';

const GOOD = {
  'packages/tlog/package.json': JSON.stringify({ imports: { '#hash': { node: './dist/hash-node.js' } }, exports: { '.': { types: './dist/index.d.ts' }, './schema.json': './schema.json' } }),
  'packages/tlog/dist/index.d.ts': "export { sha256 } from '#hash';\nexport { a as b } from './a.ts';\nexport type { C } from './a.ts';\nexport type { D } from '@indelible/event';\n",
  'packages/tlog/dist/hash-node.d.ts': '/**\n * Returns the digest.\n */\nexport declare function sha256(): void;\nexport declare function sha256(x: 1): void;\n',
  'packages/tlog/dist/a.d.ts': '/** Makes what is needed. */\nexport declare const a: 1;\n/** What is needed. */\nexport interface C {\n}\n',
};

describe('check-tsdoc', () => {
  it('passes when every export has a comment', () => {
    expect(runTool('check-tsdoc', GOOD)).toMatchObject({ passed: true, output: expect.stringContaining('3 exported symbols') });
  });

  const bad: readonly (readonly [string, Record<string, string>, string])[] = [
    ['an export without a comment', { 'packages/tlog/dist/a.d.ts': '/** Makes it, somehow. */\nexport declare const a: 1;\nexport interface C {\n}\n' }, 'dist/a.d.ts: C has no doc comment'],
    ['an empty comment', { 'packages/tlog/dist/hash-node.d.ts': '/** */\nexport declare function sha256(): void;\n' }, 'sha256 has an empty doc comment'],
    ['an export of everything', { 'packages/tlog/dist/index.d.ts': "export * from './a.ts';\n" }, 'export names one by one'],
    ['a declaration in the entry itself', { 'packages/tlog/dist/index.d.ts': 'export declare const x: 1;\n' }, 'index.d.ts: x has no doc comment'],
    ['an entry that is not built', { 'packages/tlog/package.json': '{"exports":{".":{"types":"./dist/gone.d.ts"}}}' }, './dist/gone.d.ts is not built'],
  ];
  it.each(bad)('finds %s', (_, files, problem) => {
    expect(runTool('check-tsdoc', { ...GOOD, ...files })).toMatchObject({ passed: false, output: expect.stringContaining(problem) });
  });
});
