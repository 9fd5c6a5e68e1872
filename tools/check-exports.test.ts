import { describe, expect, it } from 'vitest';
import { runTool } from './support/run-tool.ts';

const WORKSPACE = { name: 'w', private: true, version: '0.1.0', license: 'Apache-2.0', type: 'module', engines: { node: '>=20.19' }, workspaces: ['packages/*'] };
const MANIFEST = {
  version: '0.1.0',
  description: 'trees',
  license: 'Apache-2.0',
  type: 'module',
  engines: { node: '>=20.19' },
  exports: { '.': { types: './dist/index.d.ts', default: './dist/index.js' } },
  files: ['dist', 'src'],
};

/** Each is a package with one mistake: what is other than in a good one, and what must be said about it. */
const MISTAKES: Readonly<Record<string, { manifest?: object; files?: Record<string, string | undefined>; problem: string }>> = {
  'export-not-built': { manifest: { exports: { '.': { types: './dist/index.d.ts', default: './dist/gone.js' } } }, problem: './dist/gone.js, which is not built' },
  'types-too-late': { manifest: { exports: { '.': { default: './dist/index.js', types: './dist/index.d.ts' } } }, problem: '"types" must be the first condition' },
  'export-not-in-archive': { manifest: { files: ['src'] }, problem: './dist/index.js, which is not in the archive' },
  'other-engine': { manifest: { engines: { node: '>=22' } }, problem: 'engines differ' },
  'other-version': { manifest: { version: '0.2.0' }, problem: 'version is 0.2.0, in the workspace it is 0.1.0' },
  'other-sibling': { manifest: { dependencies: { '@indelible/tlog': '9.9.9' } }, problem: '@indelible/tlog is 9.9.9, not 0.1.0' },
  'third-party': { manifest: { dependencies: { express: '5.0.0' } }, problem: 'express is a third-party dependency' },
  'command-without-first-line': { manifest: { bin: { indelible: './dist/index.js' } }, problem: 'does not begin with #!/usr/bin/env node' },
  'stale-output': { files: { 'dist/old.js': '' }, problem: 'dist/old.js was built from a file that is gone' },
  'test-in-archive': { files: { 'src/a.test.ts': '' }, problem: 'src/a.test.ts does not belong' },
  'other-licence': { files: { LICENSE: 'mine\n' }, problem: 'is not the LICENSE at the root' },
  'no-licence': { files: { LICENSE: undefined }, problem: 'its archive has no LICENSE' },
};

describe('check-exports', () => {
  it('passes a package that can be published', () => {
    expect(runTool('check-exports', tree({ good: { problem: '' } }))).toMatchObject({ passed: true, output: expect.stringContaining('1 packages, 6 files') });
  });

  const { passed, output } = runTool('check-exports', tree(MISTAKES));
  it.each(Object.entries(MISTAKES))('finds %s', (name, { problem }) => {
    expect(passed).toBe(false);
    const said = output.split('\n').filter((line) => line.startsWith(`packages/${name}`));
    expect(said.join('\n')).toContain(problem);
  });
});

function tree(packages: typeof MISTAKES): Record<string, string> {
  const files: Record<string, string> = { 'package.json': JSON.stringify(WORKSPACE), LICENSE: 'text\n' };
  for (const [name, { manifest, files: others }] of Object.entries(packages)) {
    const good = { 'package.json': JSON.stringify({ name: `@indelible/${name}`, ...MANIFEST, ...manifest }), LICENSE: 'text\n', 'README.md': '# a\n', 'src/index.ts': '', 'dist/index.js': '', 'dist/index.d.ts': '' };
    for (const [path, text] of Object.entries({ ...good, ...others })) {
      if (text !== undefined) files[`packages/${name}/${path}`] = text;
    }
  }
  return files;
}
