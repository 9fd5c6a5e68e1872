import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { runTool } from './support/run-tool.ts';

const check = (...steps: string[]) => spawnSync(process.execPath, [fileURLToPath(new URL('check.mjs', import.meta.url)), ...steps], { encoding: 'utf8' });

describe('check', () => {
  it('runs the step that is named, prints its line, and gives a verdict', () => {
    const { status, stdout } = check('lock');
    expect(stdout).toMatch(/^ok {6}lock +\d+\.\d s\n\ncheck passed in \d+\.\d s\n$/);
    expect(status).toBe(0);
  });

  it('does not pass where nothing was run', () => {
    const { status, stderr } = check('lnit');
    expect(stderr).toContain('there is no step lnit; the steps are build, tests, lint,');
    expect(status).toBe(2);
  });
});

describe('clean', () => {
  it('removes output and nothing else', () => {
    const before = { 'packages/tlog/src/a.ts': '', 'packages/tlog/dist/gone.js': '', 'packages/tlog/tsconfig.tsbuildinfo': '', 'packages/tlog/tsconfig.json': '' };
    expect(runTool('clean', before)).toMatchObject({ passed: true, left: ['packages/tlog/src/a.ts', 'packages/tlog/tsconfig.json'] });
  });
});
