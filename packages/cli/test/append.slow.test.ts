import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { BINARY, cleanEnvironment, entriesOf, indelible, json, lines, logins, newLogTemplate, run } from './support/indelible.ts';

let template: Awaited<ReturnType<typeof newLogTemplate>>;
let cwd: string;
beforeAll(async () => {
  template = await newLogTemplate();
});
afterAll(() => template.remove());
beforeEach(() => {
  cwd = template.copy();
});

function users(): unknown[] {
  return entriesOf(cwd).flatMap(({ userId }) => userId ?? []);
}

describe('append', () => {
  test('acknowledges each event, in order', async () => {
    const { status, stdout, stderr } = await indelible(['append', 'audit'], { cwd, stdin: logins(1_000) });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const acks = lines(stdout).map((line) => json<{ id: string; index: number }>(line));
    expect(acks.map(({ index }) => index)).toEqual(Array.from({ length: 1_000 }, (_, i) => i + 1)); // log_started is 0
    expect(lines(stdout)[0]).toMatch(/^\{"id":"[0-9a-f-]{36}","index":1\}$/);
    expect(users()).toEqual(Array.from({ length: 1_000 }, (_, i) => `user-${i}`));
  });

  test('reads a file, skips blank lines, needs no LF at the end, takes CRLF', async () => {
    writeFileSync(join(cwd, 'events'), `\n${logins(1)}\r\n  \n${logins(1, 1).replace('\n', '\r\n')}${logins(1, 2).trimEnd()}`);
    const { status, stdout } = await indelible(['append', '--file', 'events', '--json'], { cwd, env: { INDELIBLE_LOG: 'audit' } });
    expect({ status, acks: lines(stdout).length }).toEqual({ status: 0, acks: 3 });
    expect(users()).toEqual(['user-0', 'user-1', 'user-2']);
  });

  test('no events at all is no error', async () => {
    expect(await indelible(['append', 'audit'], { cwd })).toEqual({ status: 0, stdout: '', stderr: '' });
  });

  test('a retry gives the same indexes, also in another process', async () => {
    const stdin = Array.from({ length: 20 }, (_, i) => `${JSON.stringify({ id: `01a1fb17-9b8c-73d8-aab7-0000000000${10 + i}`, event: 'login', userId: 'u' })}\n`).join('');
    const first = await indelible(['append', 'audit'], { cwd, stdin });
    const second = await indelible(['append', 'audit'], { cwd, stdin });
    expect(second).toEqual(first);
    expect(users()).toHaveLength(20);
  });

  test('an id with other content is refused by line; the other lines are recorded and named', async () => {
    const id = '01a1fb17-9b8c-73d8-aab7-000000000010';
    const event = (userId: string): string => `${JSON.stringify({ id, event: 'login', userId })}\n`;
    await indelible(['append', 'audit'], { cwd, stdin: event('a') });
    const { status, stdout, stderr } = await indelible(['append', 'audit'], { cwd, stdin: logins(2) + event('b') + logins(1, 2) });
    expect(status).toBe(2);
    expect(stderr).toMatch(new RegExp(`^indelible: line 3: the id ${id} is on the record with other content.*--skip 4\n$`));
    expect(lines(stdout)).toHaveLength(3);
  });

  test('app of events that name none: --app, else indelible', async () => {
    await indelible(['append', 'audit'], { cwd, stdin: logins(1) });
    await indelible(['append', 'audit', '--app', 'bank'], { cwd, stdin: logins(1) });
    expect(entriesOf(cwd).filter(({ event }) => event === 'login').map(({ app }) => app)).toEqual(['indelible', 'bank']);
  });
});

describe('a bad line: everything before it is recorded and acknowledged, nothing after', () => {
  const good = JSON.stringify({ event: 'login', userId: 'good' });
  test.each([
    ['no JSON', 'login alice', /not strict JSON at character 0/],
    ['cut off', '{"event":"login"', /not strict JSON/],
    ['a list', '[]', /must be a JSON object/],
    ['unknown event', '{"event":"logni","userId":"a"}', /event logni .* did you mean login/],
    ['event missing', '{"userId":"a"}', /event is missing/],
    ['userId missing', '{"event":"login"}', /userId is missing: login needs it/],
    ['unknown field', '{"event":"login","userId":"a","colour":1}', /colour/],
    ['duplicate key', '{"event":"login","userId":"a","userId":"b"}', /userId stands here a second time/],
    ['__proto__', '{"event":"login","userId":"a","__proto__":{}}', /__proto__ is refused/],
    ['poses as a control line', '{"indelible":"seal","offset":1}', /indelible is refused/],
    ['NUL', '{"event":"login","userId":"a\\u0000"}', /NUL/],
    ['lone surrogate', '{"event":"login","userId":"\\ud800"}', /lone surrogate/],
    ['raw control character', '{"event":"login","userId":"a\u0007"}', /control character/],
    ['clock in the future', '{"event":"login","userId":"a","timestamp":"2999-01-01T00:00:00.000Z"}', /timestamp .* more than 5 minutes/],
    ['the log\'s own event', '{"event":"key_changed"}', /written by the log itself/],
    ['70 kB', `{"event":"login","userId":"a","userAgent":"${'x'.repeat(70_000)}"}`, /longer than an entry may be, 65535 bytes/],
    ['just too large once encoded', `{"event":"login","userId":"a","userAgent":"${'x'.repeat(65_400)}"}`, /too large.*userAgent/],
  ])('%s', async (_what, bad, message) => {
    const { status, stdout, stderr } = await indelible(['append', 'audit'], { cwd, stdin: `${good}\n${good}\n${bad}\n${good}\n` });
    expect(status).toBe(2);
    expect(stderr).toMatch(/^indelible: line 3: [^\n]*; lines 1 to 2 are recorded, nothing after them; correct it and go on with --skip 2\n$/);
    expect(stderr).toMatch(message);
    expect(lines(stdout)).toHaveLength(2);
    expect(users()).toEqual(['good', 'good']);
  });

  test('not UTF-8', async () => {
    const { stderr } = await indelible(['append', 'audit'], { cwd, stdin: Buffer.from([0x7b, 0xff, 0x7d, 0x0a]) });
    expect(stderr).toMatch(/^indelible: line 1: the line is not UTF-8; nothing is recorded; correct it and try again\n$/);
  });

  test('--skip goes on behind it, with the same line numbers', async () => {
    const stdin = `${logins(2)}bad\n${logins(1, 2)}worse\n`;
    expect((await indelible(['append', 'audit'], { cwd, stdin })).stderr).toContain('--skip 2');
    const { status, stderr } = await indelible(['append', 'audit', '--skip', '3'], { cwd, stdin });
    expect(status).toBe(2);
    expect(stderr).toContain('line 5:');
    expect(stderr).toContain('line 4 is recorded');
    expect(users()).toEqual(['user-0', 'user-1', 'user-2']);
  });

  test('a line of 10 MB is refused before it has been read', async () => {
    const child = spawn(process.execPath, [BINARY, 'append', 'audit'], { cwd, env: cleanEnvironment() });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.stdin.on('error', () => undefined);
    child.stdin.write(logins(1));
    child.stdin.write('x'.repeat(1_000_000)); // and the line never ends
    const [status] = (await once(child, 'close')) as [number];
    expect(status).toBe(2);
    expect(stderr).toContain('line 2: it is longer than an entry may be');
    expect(users()).toEqual(['user-0']);
  });

  test('--json says it to programs', async () => {
    const { stdout } = await indelible(['append', 'audit', '--json'], { cwd, stdin: `${logins(1)}bad\n` });
    expect(lines(stdout)).toHaveLength(2);
    expect(json(lines(stdout)[1]!)).toMatchObject({ error: { code: 'ERR_CLI_INPUT_INVALID' } });
  });
});

describe('append cannot', () => {
  test('read a file that is not there: nothing is recorded, not even a start', async () => {
    const { status, stderr } = await indelible(['append', 'audit', '--file', 'nowhere'], { cwd });
    expect({ status, stderr }).toEqual({ status: 2, stderr: 'indelible: nowhere: there is no such file or directory; check the path\n' });
    expect(entriesOf(cwd)).toEqual([]);
  });

  test('sign with another key', async () => {
    await indelible(['init', 'other'], { cwd });
    const { status, stderr } = await indelible(['append', 'audit', '--signing-key', 'other.key'], { cwd, stdin: logins(1) });
    expect(status).toBe(2);
    expect(stderr).toMatch(/^indelible: the signing key is for the log indelible\.local\/other/);
  });

  test('sign without a key', async () => {
    await run('mv', ['audit.key', 'elsewhere.key'], { cwd });
    const { status, stderr } = await indelible(['append', 'audit'], { cwd, stdin: logins(1) });
    expect(status).toBe(2);
    expect(stderr).toMatch(/there is no signing key at .*audit\.key: .*--signing-key/);
    expect((await indelible(['append', 'audit'], { cwd, stdin: logins(1), env: { INDELIBLE_SIGNING_KEY_FILE: 'elsewhere.key' } })).status).toBe(0);
    const env = { INDELIBLE_SIGNING_KEY: readFileSync(join(cwd, 'elsewhere.key'), 'utf8') };
    expect((await indelible(['append', 'audit'], { cwd, stdin: logins(1), env })).status).toBe(0);
  });

  test('go on where the record was rolled back: exit 1', async () => {
    await indelible(['append', 'audit'], { cwd, stdin: logins(1) });
    await run('cp', ['-r', 'audit', 'older'], { cwd });
    await indelible(['append', 'audit'], { cwd, stdin: logins(1) });
    await run('sh', ['-c', 'rm -r audit && mv older audit'], { cwd });
    const { status, stderr } = await indelible(['append', 'audit'], { cwd, stdin: logins(1) });
    expect(status).toBe(1);
    expect(stderr).toMatch(/rolled back/);
  });

  test('make a log of any directory', async () => {
    mkdirSync(join(cwd, 'empty'));
    await indelible(['append', 'empty'], { cwd, stdin: logins(1) });
    expect((await run('ls', ['-A', 'empty'], { cwd })).stdout).toBe('');
  });
});

describe('interruptions', () => {
  test('whoever reads the acknowledgements may go: quiet', async () => {
    writeFileSync(join(cwd, 'events'), logins(20_000));
    const script = `"${process.execPath}" "${BINARY}" append audit < events | head -n 1; echo "\${PIPESTATUS[0]}"`;
    const { stdout, stderr } = await run('bash', ['-c', script], { cwd });
    expect(stderr).toBe('');
    expect(lines(stdout)).toHaveLength(2);
    expect((await indelible(['verify', 'audit'], { cwd })).status).toBe(2); // consistent, no key given
  });

  test.each(['SIGINT', 'SIGTERM'] as const)('%s ends it in good order', async (signal) => {
    const child = spawn(process.execPath, [BINARY, 'append', 'audit'], { cwd, env: cleanEnvironment() });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.stdin.write(logins(3));
    let acks = '';
    for await (const text of child.stdout.setEncoding('utf8')) {
      acks += text as string;
      if (lines(acks).length === 3) break;
    }
    child.kill(signal);
    const [status] = (await once(child, 'exit')) as [number];
    expect(status).toBe(2);
    expect(stderr).toContain(`stopped by ${signal}; lines 1 to 3 are recorded, nothing after them; go on with --skip 3`);
    expect(entriesOf(cwd).at(-1)).toMatchObject({ event: 'log_stopped' });
  });
});
