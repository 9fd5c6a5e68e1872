import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { compareBaseline, detect, DetectError, EVENTS, formatAuditbuffet, formatBaseline, formatExplanation, formatMarkdown, formatSarif, formatText, makeBaseline, parseBaseline, parseDetectConfig, type DetectReport } from '@indelible/detect';
import { readFixtures, withFiles } from './support/fixture.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const fixtures = new Map(readFixtures().map((fixture) => [fixture.name, fixture]));
const passing = fixtures.get('file-pino-append')!;
const failing = fixtures.get('table-plain')!;

function of(name: string): DetectReport {
  return withFiles(fixtures.get(name)!.files, (folder) => detect(folder));
}

function code(run: () => unknown): string | undefined {
  try {
    run();
  } catch (error) {
    return error instanceof DetectError ? error.code : String(error);
  }
  return undefined;
}

describe('bad input', () => {
  const folder = mkdtempSync(join(tmpdir(), 'indelible-bad-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('refuses what is no folder, and a folder without code', () => {
    writeFileSync(join(folder, 'file.txt'), 'x');
    expect(code(() => detect(join(folder, 'missing')))).toBe('ERR_DETECT_PATH_INVALID');
    expect(code(() => detect(join(folder, 'file.txt')))).toBe('ERR_DETECT_PATH_INVALID');
    expect(code(() => detect(folder))).toBe('ERR_DETECT_NO_CODE');
  });

  it('names what it passes over and judges the rest', () => {
    const report = withFiles(new Map<string, string | Uint8Array>([
      ...passing.files,
      ['src/bundle.js', Buffer.alloc(2_000_000, 'x=1;')],
      ['src/minified.js', `var login=1;${'audit("login");'.repeat(2_000)}`],
      ['src/utf16.ts', Buffer.from('\ufeffexport const session = "ü";\r\n', 'utf16le')],
      ['src/binary.ts', new Uint8Array([1, 0, 0, 0, 2, 0, 3])],
      ['src/broken.ts', 'export function login( {{{'],
      ['src/deep.ts', `// session\nexport const x = ${'[\n'.repeat(30_000)}${']\n'.repeat(30_000)};`],
      ['src/chain.ts', `// session\nexport const x = ${'!\n'.repeat(60_000)}1;`],
      ['src/sum.ts', `// session\nexport const x = ${'a+\n'.repeat(60_000)}1;`],
      ['src/arrows.ts', `// session\nexport const x = ${'a=>\n'.repeat(40_000)}1;`],
      ['src/elses.ts', `// session\n${'if(a){}else\n'.repeat(30_000)}{}`],
      ['src/elements.tsx', `// session\nexport const x = ${'<a>\n'.repeat(20_000)}${'</a>\n'.repeat(20_000)};`],
      ['src/self.ts', 'export let session = {};\nsession = { ...session, login: session };\nlet q = session.where();\nq = q.where().login(q);\nq = q.log(q).x;\n'],
      ['src/circle-a.ts', "export * from './circle-b';\nexport { login } from './circle-b';\n"],
      ['src/circle-b.ts', "export * from './circle-a';\nexport { login } from './circle-a';\n"],
      ['package-broken/package.json', '{ not json'],
      ['tsconfig.json', '{ "compilerOptions": { "paths": { "@/*": ["./src/*"] }, }, // comment\n}'],
    ]), (place) => {
      symlinkSync('..', join(place, 'src/loop'));
      symlinkSync('nowhere', join(place, 'src/dangling.ts'));
      mkdirSync(join(place, 'node_modules/x'), { recursive: true });
      writeFileSync(join(place, 'node_modules/x/index.js'), 'login');
      mkdirSync(join(place, 'closed'));
      chmodSync(join(place, 'closed'), 0o000);
      try {
        return detect(place);
      } finally {
        chmodSync(join(place, 'closed'), 0o755);
      }
    });
    expect(report.result).toBe('pass');
    const reasons = report.files.passedOver.map(({ reason }) => reason);
    for (const reason of ['binary', 'larger than 1.5 MB', 'minified', 'nested too deeply to be parsed', 'node_modules', 'symbolic link']) expect(reasons).toContain(reason);
    expect(report.files.passedOver.find(({ reason }) => reason === 'nested too deeply to be parsed')?.count).toBe(6);
    expect(report.files.skipped).toBe(report.files.passedOver.reduce((sum, { count }) => sum + count, 0));
  });

  it('reads what is .gitignored by nobody else', () => {
    const report = withFiles(new Map([...passing.files, ['.gitignore', 'src/audit.ts\n']]), (place) => detect(place));
    expect(report.ratio.required).toBe('0/4');
  });
});

describe('determinism', () => {
  it('gives the same bytes wherever the files lie, in whatever order they were written', () => {
    const first = JSON.stringify(of('names-enum'));
    const reversed = new Map([...fixtures.get('names-enum')!.files].reverse());
    expect(JSON.stringify(withFiles(reversed, (folder) => detect(folder)))).toBe(first);
    expect(JSON.stringify(of('names-enum'))).toBe(first);
    expect(first).not.toContain(tmpdir());
  });
});

describe('formats', () => {
  it('text says verdict, events, storage and what to do', () => {
    const text = formatText(of('table-plain'));
    expect(text).toContain('FAIL  4 of 4 required event types logged — but stored in mutable table audit_log');
    expect(text).toMatch(/✓ timeout\s+src\/server\.ts:\d+\s+→ mutable table audit_log/);
    expect(text).toContain('BEFORE UPDATE OR DELETE ON "audit_log"');
    expect(formatText(of('file-pino-append'), true)).toContain('\u001b[32mPASS');
  });

  it('SARIF has one result on fail and none on pass, with a fingerprint that knows no lines', () => {
    const sarif = JSON.parse(formatSarif(of('table-plain'), '0.1.0')) as { runs: { results: { partialFingerprints: Record<string, string>; locations: unknown[] }[] }[] };
    expect(sarif.runs[0]!.results).toHaveLength(1);
    const moved = withFiles(new Map([...failing.files, ['src/server.ts', `\n\n${failing.files.get('src/server.ts')!}`]]), (folder) => JSON.parse(formatSarif(detect(folder), '0.1.0')) as typeof sarif);
    expect(moved.runs[0]!.results[0]!.partialFingerprints).toEqual(sarif.runs[0]!.results[0]!.partialFingerprints);
    expect((JSON.parse(formatSarif(of('file-pino-append'), '0.1.0')) as typeof sarif).runs[0]!.results).toHaveLength(0);
  });

  it('Markdown lets nothing through that is markup', () => {
    const report = withFiles(new Map([...failing.files, ['src/audit.ts', failing.files.get('src/audit.ts')!.replaceAll('audit_log', 'audit_log')]]), (folder) => detect(folder));
    expect(formatMarkdown({ ...report, detail: '[x](https://evil) <img> `a` @all | \u001b[31m' })).toContain('\\[x\\](https://evil) \\<img\\>'.replace('(', '\\(').replace(')', '\\)'));
    expect(formatMarkdown(report)).toContain('| login | ✓ logged | `src/server.ts:10` |');
  });

  it('the telemetry record holds no path, no address, no code, and no detail on pass', () => {
    const failed = JSON.parse(formatAuditbuffet(of('remote-http'), '0.1.0')) as { submission_id: string; checks: { detail: string | null; result: string }[] };
    expect(failed.checks[0]!.result).toBe('fail');
    expect(JSON.stringify(failed)).not.toMatch(/https?:|src\/|\.ts/);
    expect(failed.submission_id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
    expect((JSON.parse(formatAuditbuffet(of('file-pino-append'), '0.1.0')) as typeof failed).checks[0]!.detail).toBeNull();
  });

  it('explains one event with its lines', () => {
    expect(formatExplanation(of('table-trigger'), 'timeout')).toContain('trigger audit_log_frozen refuses UPDATE and DELETE on audit_log');
  });

  it('keeps terminal codes of a codebase out', () => {
    const report = of('file-pino-append');
    expect(formatText({ ...report, detail: 'a\u001b[2Jb' })).toContain('a\\u001b[2Jb');
  });
});

describe('baseline and configuration', () => {
  it('accepts what was, and nothing worse', () => {
    const before = of('dead-wrapper');
    const baseline = parseBaseline(formatBaseline(makeBaseline(before)), 'b.json');
    expect(compareBaseline(before, baseline)).toEqual({ worse: [], expired: [] });
    expect(compareBaseline(of('declared-only'), baseline).worse).toContain('login is no longer logged');
    expect(compareBaseline(of('file-pino-append'), baseline).expired).toEqual(['timeout is logged now']);
    expect(code(() => parseBaseline('{}', 'b.json'))).toBe('ERR_DETECT_CONFIG_INVALID');
  });

  it('wants a reason for every statement', () => {
    expect(code(() => parseDetectConfig('{"sinks":[{"sink":"x","class":"append-only"}]}', 'c.json'))).toBe('ERR_DETECT_CONFIG_INVALID');
    expect(code(() => parseDetectConfig('{"sink":[]}', 'c.json'))).toBe('ERR_DETECT_CONFIG_INVALID');
    expect(code(() => parseDetectConfig('[', 'c.json'))).toBe('ERR_DETECT_CONFIG_INVALID');
    expect(parseDetectConfig('{ "compliance": { "subject": false, "reason": "An internal toy without data." } }', 'c.json').compliance?.subject).toBe(false);
  });
});

it('says pass, five of five, on our own examples', () => {
  const example = join(ROOT, 'examples/bank-express');
  expect(existsSync(example)).toBe(true);
  const report = detect(example);
  expect(report.result).toBe('pass');
  expect(EVENTS.map((event) => report.events[event].status)).toEqual(['logged', 'logged', 'logged', 'logged', 'logged']);
});
