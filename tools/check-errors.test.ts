import { describe, expect, it } from 'vitest';
import { runTool } from './support/run-tool.ts';

const GOOD = {
  'packages/tlog/package.json': '{}',
  'packages/tlog/src/error.ts': "export type TlogErrorCode = 'ERR_TLOG_A' | 'ERR_TLOG_B';\nexport const shorthand = () => fail('ERR_TLOG_B');\n",
  'packages/tlog/src/a.ts': "fail('ERR_TLOG_A');\n",
  'packages/verify/package.json': '{}',
  'packages/verify/src/finding-codes.ts': "export type FindingCode =\n  | 'fork'\n  | 'recovery';\nexport const CODES = {\n  fork: {\n    severity: 'error',\n    meaning: '',\n  },\n  recovery: {\n    severity: 'warning',\n    withholdsSound: true,\n  },\n};\n",
  'docs/reference/errors.md': '| code | meaning | what to do |\n| --- | --- | --- |\n| `ERR_TLOG_A` | this | that |\n| `ERR_TLOG_B` | this \\| that | these |\n',
  'docs/reference/findings.md': '| `sound` | a | b |\n| `fork` | error | a | b |\n| `recovery` | warning, not proven | a | b |\n',
};

describe('check-errors', () => {
  it('passes when code and pages agree', () => {
    expect(runTool('check-errors', GOOD)).toMatchObject({ passed: true, output: expect.stringContaining('2 error codes and 2 findings') });
  });

  const bad: readonly (readonly [string, Record<string, string>, string])[] = [
    ['a code without a row', { 'docs/reference/errors.md': '| `ERR_TLOG_A` | a | b |' }, 'ERR_TLOG_B has no row'],
    ['a row without a code', { 'docs/reference/errors.md': `${GOOD['docs/reference/errors.md']}| \`ERR_TLOG_C\` | a | b |` }, 'errors.md:5: ERR_TLOG_C does not exist'],
    ['a row without a remedy', { 'docs/reference/errors.md': '| `ERR_TLOG_A` | a | |\n' }, 'errors.md:1: ERR_TLOG_A needs a meaning and a remedy'],
    ['a row that is there twice', { 'docs/reference/findings.md': '| `fork` | error | a | b |\n| `fork` | error | a | b |\n' }, 'findings.md:2: fork is there twice'],
    ['a code that nothing throws', { 'packages/tlog/src/a.ts': '' }, 'ERR_TLOG_A is never thrown'],
    ['a code that no list has', { 'packages/tlog/src/b.ts': "fail('ERR_TLOG_Z');" }, 'ERR_TLOG_Z is used in this package'],
    ['a code with the name of another package', { 'packages/event/package.json': '{}', 'packages/event/src/error.ts': "export type EventErrorCode = 'ERR_TLOG_A';" }, 'does not begin with ERR_EVENT_'],
    ['a finding without a row', { 'docs/reference/findings.md': '| `fork` | error | a | b |' }, 'recovery has no row'],
    ['another severity', { 'docs/reference/findings.md': '| `fork` | warning | a | b |' }, 'fork is "warning" there, "error" in the code'],
  ];
  it.each(bad)('finds %s', (_, files, problem) => {
    expect(runTool('check-errors', { ...GOOD, ...files })).toMatchObject({ passed: false, output: expect.stringContaining(problem) });
  });
});
