import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadCommands } from '../dist/commands/index.js';
import { indelible, scratch } from './support/indelible.ts';
import { inProcess } from './support/in-process.ts';

const COMMANDS = await loadCommands();
describe('help', () => {
  test('of the binary lists every command and exits 0', async () => {
    const { status, stdout, stderr } = await indelible(['--help']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    for (const { name, summary } of COMMANDS) {
      expect(stdout).toContain(`  ${name}`);
      expect(stdout).toContain(summary);
    }
  });

  test.each(COMMANDS.map(({ name }) => name))('of %s has usage, options, example and exit status', async (name) => {
    const { status, stdout, stderr } = await inProcess([...name.split(' '), '--help']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(new RegExp(`^Usage: indelible ${name}`));
    expect(stdout).toMatch(/\nOptions:\n[^]*--json[^]*--help[^]*\nExamples?:\n {2}.*indelible [^]*\nExit status:\n {2}0 {2}/);
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(140);
  });

  test('wins over everything else that is asked', async () => {
    expect((await inProcess(['append', 'a', 'b', '--help'])).status).toBe(0);
    expect((await inProcess(['help', 'key', 'rotate'])).stdout).toContain('Usage: indelible key rotate');
    expect((await inProcess(['help'])).stdout).toContain('Usage: indelible <command>');
  });

  test('nothing at all prints the help on stderr and exits 2', async () => {
    const { status, stdout, stderr } = await indelible([]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain('Usage: indelible <command>');
  });

  test('--version prints the version', async () => {
    expect(await indelible(['--version'])).toEqual({ status: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) as string, stderr: '' });
  });
});

describe('bad usage exits 2 and says in one sentence what to do', () => {
  test.each([
    [['verfy'], /no command "verfy": did you mean verify\?/],
    [['xyzzy'], /no command "xyzzy": there are init, append/],
    [['key'], /`indelible key rotate` and `indelible key show`/],
    [['key', 'rotat'], /`indelible key rotate`/],
    [['--foo'], /unknown option --foo/],
    [['tail', '--folow', 'audit'], /unknown option --folow: did you mean --follow\?/],
    [['tail', '-x', 'audit'], /unknown option -x: tail has --follow/],
    [['tail', 'audit', 'more'], /"more" is one too many/],
    [['tail'], /name the log: indelible tail STORE, or set INDELIBLE_LOG/],
    [['tail', 'audit', '--lines'], /--lines needs a value: --lines=N/],
    [['tail', 'audit', '-n', 'x'], /--lines needs a whole number/],
    [['tail', 'audit', '--from', '1', '-n', '1'], /exclude each other/],
    [['tail', 'audit', '--json=yes'], /--json takes no value/],
    [['append', 'audit', '--skip', '-1'], /--skip needs/],
    [['status', 'audit', '--max-age', '5'], /number and a unit/],
    [['prove', 'audit'], /--index N or --id ID/],
    [['prove', 'audit', '--index', '1', '--id', 'x'], /one of them/],
    [['prove', 'audit', '--id', 'x'], /UUID in lower case/],
    [['prove', 'audit', '--index', '01'], /whole number/],
    [['tiles', 'audit'], /--out DIR/],
    [['append', 'postgres://db/x'], /directories only, so append cannot use a postgres:\/\/ store/],
    [['append', 's3://bucket/x'], /s3:\/\//],
    [['tail', 'https://logs.example/'], /can be checked with `indelible verify`/],
    [['verify', 'postgres://db/x'], /directories only/],
    [['init', 'a', '--after', 'b'], /--after and --reason go together/],
    [['key', 'show'], /name the log, or the key/],
  ])('%j', async (args, message) => {
    const { status, stdout, stderr } = await inProcess(args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^indelible: [^\n]*\n$/);
    expect(stderr).toMatch(message);
  });

  test('the process ends with the same status', async () => {
    expect(await indelible(['verfy'])).toMatchObject({ status: 2, stdout: '', stderr: expect.stringMatching(/^indelible: .*did you mean verify/) as string });
  });

  test('a log that is not there, in each command', async () => {
    const nowhere = join(scratch(), 'nowhere');
    const commands = [['append'], ['tail'], ['verify'], ['status'], ['seal'], ['rebuild'], ['tiles', '--out', 't'], ['prove', '--index', '0'], ['key', 'rotate'], ['key', 'show']];
    for (const command of commands) {
      const { status, stdout, stderr } = await inProcess([...command, nowhere]);
      expect({ command, status, stdout }).toEqual({ command, status: 2, stdout: '' });
      expect(stderr).toMatch(/^indelible: [^\n]*(nowhere)[^\n]*\n$/);
    }
  });

  test('--json gives the error to programs too; INDELIBLE_DEBUG=1 gives the stack', async () => {
    const { stdout, stderr } = await indelible(['tail', 'nowhere', '--json'], { cwd: scratch(), env: { INDELIBLE_DEBUG: '1' } });
    expect(JSON.parse(stdout)).toEqual({ error: { code: 'ERR_LOG_NOT_FOUND', message: expect.stringContaining('nowhere') as string } });
    expect(stderr).toMatch(/\n\s+at /);
  });

  test.each([['tail', 'KEY'], ['seal', 'audit', '--signing-key', 'KEY'], ['seal', 'audit', '--signing-key=KEY'], ['KEY'], ['verify', 'audit', '--key', 'xKEY'], ['tail', 'a', 'xKEY']])(
    'a private key in an argument is never shown: %j', async (...words) => {
      const args = words.map((word) => word.replace('KEY', 'PRIVATE+KEY+log+00000000+c2VjcmV0'));
      const { status, stdout, stderr } = await indelible([...args, '--json'], { cwd: scratch(), env: { INDELIBLE_DEBUG: '1' } });
      expect(status).toBe(2);
      expect(stdout + stderr).not.toContain('c2VjcmV0');
      if (words.every((word) => !word.includes('xKEY'))) expect(stderr).toMatch(/is the key itself: name its file/);
    },
  );

  test('the stack cannot steer the terminal either', async () => {
    const { stderr } = await indelible(['tail', 'a\u001b[2J'], { cwd: scratch(), env: { INDELIBLE_DEBUG: '1' } });
    expect(stderr).not.toContain('\u001b');
  });

  test('an argument cannot steer the terminal through an error', async () => {
    const { stderr } = await indelible(['tail', 'a\u001b[2J\u202eb'], { cwd: scratch() });
    expect(stderr).not.toMatch(/[\p{Cf}]|\p{Cc}(?!$)/u);
    expect(stderr).toContain('\\u001b[2J');
  });
});
