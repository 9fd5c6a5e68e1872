import { describe, expect, it } from 'vitest';
import { runTool } from './support/run-tool.ts';

const lenient = (code: string, path = 'packages/verify/src/a.ts') => runTool('check-parsing', { [path]: `${code}\n` });

describe('check-parsing', () => {
  it.each([
    'const n = parseInt(text);',
    'const n = Number.parseInt(text, 10);',
    'const n = Number(text);',
    'const n = BigInt(text);',
    'const n = parseFloat(text);',
    "const b = Buffer.from(text, 'base64');",
    "const b = Buffer.from(parts.join(''), \"base64url\");",
    'const b = atob(text);',
  ])('finds %s', (code) => {
    expect(lenient(code)).toMatchObject({ passed: false, output: expect.stringContaining('packages/verify/src/a.ts:1') });
  });

  it.each(['// parseInt(x) would be lenient', ' * Number(x)', 'Number.isSafeInteger(n);', "Buffer.from(text, 'utf8');", 'parseDecimal(text); // not Number(text)'])(
    'lets %s pass',
    (code) => expect(lenient(code)).toMatchObject({ passed: true }),
  );

  it('leaves the strict parser and packages without evidence alone', () => {
    expect(lenient('Number(text)', 'packages/tlog/src/parse.ts').passed).toBe(true);
    expect(lenient('Number(text)', 'packages/event/src/time.ts').passed).toBe(true);
  });

  it('finds an exception that is not needed any more', () => {
    expect(lenient('', 'packages/tlog/src/cosignature.ts').output).toContain('needs no exception any more');
  });
});
