import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { verifyLog, type Verdict } from '@indelible/verify';
import { scratchDirectory } from './support/bench.ts';
import { RecordWriter, makeKey } from './support/record-writer.mjs';
import { TamperBench } from './support/tamper.mjs';
import { TAMPER_ROWS } from './support/tamper-rows.mjs';
import { KEY } from './support/victim.mjs';

const SCRIPT = fileURLToPath(new URL('../../../docs/spec/verify_record.py', import.meta.url));
// One process for all rows: verify_record is called as a function, once a line of input.
const DRIVER = `
import runpy, sys
verify = runpy.run_path(sys.argv[1])["verify_record"]
for line in sys.stdin:
    try: status, claim = verify(*line.rstrip("\\n").split("\\t"))
    except Exception as error: status, claim = 1, error
    print(status, claim)
`;
const VERDICTS: readonly Verdict[] = ['sound', 'not_sound', 'not_proven'];
const python = spawnSync('python3', ['--version'], { encoding: 'utf8' });
const missing = python.status === 0 ? undefined : 'python3 is not installed: the verifier in docs/spec/verify_record.py was not run';
const bench = new TamperBench();
const scratch = scratchDirectory();
afterAll(() => {
  bench.close();
  scratch.remove();
});

/** What Python says about each directory. */
function judge(logs: readonly { directory: string; vkey: string }[]): { verdict: Verdict; claim: string }[] {
  const input = logs.map(({ directory, vkey }) => `${directory}\t${vkey}\n`).join('');
  const output = execFileSync('python3', ['-c', DRIVER, SCRIPT], { input, encoding: 'utf8' });
  return output.trimEnd().split('\n').map((line) => ({ verdict: VERDICTS[Number(line[0])]!, claim: line.slice(2) }));
}

test('python3 is there, or this machine says why not', () => {
  if (missing === undefined) return;
  process.stderr.write(`skipped: ${missing}\n`);
  expect(process.env['REQUIRE_SERVICES'], missing).not.toBe('1');
});

describe.skipIf(missing !== undefined)('a verifier in plain Python, written from the specification', () => {
  test('agrees on every row of the tamper table that needs no kept seal', () => {
    const rows = TAMPER_ROWS.filter(({ since, key }) => since === undefined && key !== null);
    expect(rows.length).toBeGreaterThan(100);
    const logs = rows.map((row, i) => {
      const directory = scratch.at(`row-${i}`);
      cpSync(bench.prepare(row).directory, directory, { recursive: true });
      return { directory, vkey: row.key ?? KEY.vkey };
    });
    const verdicts = judge(logs);
    expect(rows.map(({ name }, i) => `${name}: ${verdicts[i]?.verdict}`)).toEqual(rows.map(({ name, verdict }) => `${name}: ${verdict}`));
  });

  test('agrees on the size and root of a sound log, by its command line', async () => {
    const report = await verifyLog(bench.original, { key: KEY.vkey });
    const { stdout, status } = spawnSync('python3', [SCRIPT, bench.original, KEY.vkey], { encoding: 'utf8' });
    expect({ stdout, status }).toEqual({ stdout: `sound: ${report.seal?.treeSize} entries, root ${report.seal?.rootHash}\n`, status: 0 });
  });

  test('agrees on logs with one byte changed, anywhere', async () => {
    const key = makeKey('python.example', 4);
    const writer = new RecordWriter(scratch.at('whole'), key);
    writer.fill(3).raw('x').fill(1).raw('foreign\n').fill(2).next('foreign', { dead: '\n{"indelible":' }).fill(1).fill(2);
    const logs: { directory: string; vkey: string }[] = [];
    for (const name of ['000000.ndjson', '000001.ndjson']) {
      const bytes = readFileSync(join(scratch.at('whole'), name));
      for (let at = 7; at < bytes.length; at += process.env['SLOW'] === '1' ? 1 : 61) {
        const directory = scratch.at(`byte-${name}-${at}`);
        cpSync(scratch.at('whole'), directory, { recursive: true });
        const changed = Buffer.from(bytes);
        changed[at] = changed[at]! ^ (1 << (at % 7));
        writeFileSync(join(directory, name), changed);
        logs.push({ directory, vkey: key.vkey });
      }
    }
    const ours = await Promise.all(logs.map(({ directory }) => verifyLog(directory, { key: key.vkey })));
    const theirs = judge(logs);
    const size = (claim: string): string | undefined => /^(\d+) entries/.exec(claim)?.[1];
    expect(theirs.map(({ verdict, claim }, i) => [logs[i]?.directory, verdict, size(claim)])).toEqual(
      ours.map(({ verdict, seal }, i) => [logs[i]?.directory, verdict, verdict === 'sound' ? String(seal?.treeSize) : undefined]),
    );
  });
});
