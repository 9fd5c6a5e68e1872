import { describe, expect, it } from 'vitest';
import { runTool } from './support/run-tool.ts';

const GOOD = {
  'README.md': '# Title\n\n## The `five` lines, twice\n\n[page](docs/page.md#one-more), [up](#the-five-lines-twice), [web](https://example.com)\n\n`[not](a-link)`\n',
  'docs/page.md': '# Page\n\n## One\n\n## One more\n\nSee docs/page.md.\n\n<!-- from: examples/a.ts#use -->\n```ts\nopen();\n\n  inner();\n```\n',
  'examples/a.ts': 'function f() {\n  // #region use\n  open();\n\n    inner();\n  // #endregion\n}\n',
  'packages/tlog/package.json': '{}',
  'packages/tlog/README.md': '# tlog\n',
};

describe('check-docs', () => {
  it('passes a tree without a lie', () => {
    expect(runTool('check-docs', GOOD)).toMatchObject({ passed: true, output: expect.stringContaining('3 documents, 2 links, 1 quoted') });
  });

  const bad: readonly (readonly [string, Record<string, string>, string])[] = [
    ['a link to no file', { 'docs/b.md': '\n[x](gone.md)' }, 'docs/b.md:2: link to gone.md: there is no such file'],
    ['a link definition to no file', { 'docs/b.md': '[x]: ./gone.md' }, 'link to ./gone.md: there is no such file'],
    ['a link out of the tree', { 'docs/b.md': '[x](../../etc)' }, 'there is no such file'],
    ['a link from the root of a site', { 'docs/b.md': '[x](/README.md)' }, 'write it relative'],
    ['an anchor that no heading has', { 'docs/b.md': '[x](page.md#two)' }, 'docs/page.md has no such heading'],
    ['an example that has drifted', { 'examples/a.ts': '// #region use\nclose();\n// #endregion\n' }, 'docs/page.md:9: example from examples/a.ts#use: is not what the file says'],
    ['an example from no region', { 'examples/a.ts': '// #region other\n// #endregion\n' }, 'there is no such region'],
    ['an example from no file', { 'docs/b.md': '<!-- from: examples/gone.ts -->\n```ts\n```\n' }, 'examples/gone.ts: there is no such file'],
    ['a marker without a code block', { 'docs/b.md': '<!-- from: examples/a.ts#use -->\n\ntext\n' }, 'not followed by a code block'],
    ['a code block that is not closed', { 'docs/b.md': '```ts\n' }, 'a code block is not closed'],
    ['a mentioned path that is not there', { 'packages/tlog/src/a.ts': `// see ${'docs'}/gone.md\n` }, 'packages/tlog/src/a.ts:1: mentions'],
    ['a path of one machine', { 'docs/b.md': `run ${'/ho'}me/ann/x` }, 'is a path of one machine'],
    ['a package registry in the lock file', { 'package-lock.json': `  "resolved": "${'ht'}tps://packages.example/x.tgz"` }, 'names a package registry'],
    ['a package without a README', { 'packages/event/package.json': '{}' }, 'packages/event/README.md: is missing'],
  ];
  it.each(bad)('finds %s', (_, files, problem) => {
    expect(runTool('check-docs', { ...GOOD, ...files })).toMatchObject({ passed: false, output: expect.stringContaining(problem) });
  });
});
