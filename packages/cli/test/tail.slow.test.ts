import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { BINARY, cleanEnvironment, entriesOf, indelible, json, lines, logins, newLogTemplate, run } from './support/indelible.ts';

let template: Awaited<ReturnType<typeof newLogTemplate>>;
let cwd: string;
beforeAll(async () => {
  template = await newLogTemplate();
  const directory = template.copy();
  await indelible(['append', 'audit'], { cwd: directory, stdin: logins(20) });
  template.adopt(directory);
});
afterAll(() => template.remove());
beforeEach(() => {
  cwd = template.copy();
});

describe('tail for people', () => {
  test('shows the last 10 entries, aligned', async () => {
    const { status, stdout, stderr } = await indelible(['tail', 'audit'], { cwd });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const [header = '', ...rows] = lines(stdout);
    expect(header).toMatch(/^TIME +EVENT +USER +SESSION +IP +INDEX +REASON$/);
    expect(rows).toHaveLength(10);
    expect(rows[8]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z {2}login +user-19 +s-19 +203\.0\.113\.7 +20$/);
    expect(rows[9]).toContain('log_stopped');
    for (const row of rows) expect(row[header.indexOf('USER') - 1]).toBe(' ');
  });

  test('says why a session timed out and why something failed, in columns that hold the longest name', async () => {
    const events = [
      { event: 'timeout', userId: 'u', sessionId: 's', reason: 'idle' },
      { event: 'concurrent_warning', userId: 'u', outcome: 'failure', reason: '2 sessions are open' },
      { event: 'session_use_after_end', userId: 'u', outcome: 'failure' },
      { event: 'logout', userId: 'u', reason: 'signed_out' },
    ];
    await indelible(['append', 'audit'], { cwd, stdin: events.map((event) => `${JSON.stringify(event)}\n`).join('') });
    const [header = '', ...rows] = lines((await indelible(['tail', 'audit', '-n', '5'], { cwd })).stdout);
    expect(rows.slice(0, 4).map((row) => row.slice(header.indexOf('REASON')))).toEqual(['idle', '2 sessions are open', '', '']);
    for (const row of rows.slice(0, 4)) expect(row.slice(header.indexOf('USER')).startsWith('u ')).toBe(true);
  });

  test.skipIf(process.platform !== 'linux')('of an empty log says so on a terminal, and nowhere else', async (context) => {
    await indelible(['init', 'empty'], { cwd });
    expect(lines((await indelible(['tail', 'empty'], { cwd })).stdout)).toHaveLength(1);
    const terminal = await run('script', ['-qec', `"${process.execPath}" "${BINARY}" tail empty`, '/dev/null'], { cwd }).catch(() => undefined);
    if (terminal === undefined) return context.skip('script(1) is not installed');
    expect(terminal.stdout.trimEnd().split('\r\n').slice(1)).toEqual(['no entries yet']);
    const events = await run('script', ['-qec', `"${process.execPath}" "${BINARY}" tail empty --events`, '/dev/null'], { cwd });
    expect(events.stdout).toBe('');
  });

  test('-n and --from choose', async () => {
    expect(lines((await indelible(['tail', 'audit', '-n', '3'], { cwd })).stdout)).toHaveLength(4);
    expect(lines((await indelible(['tail', 'audit', '--from', '0'], { cwd })).stdout)).toHaveLength(23);
    expect(lines((await indelible(['tail', 'audit', '--from', '99'], { cwd })).stdout)).toHaveLength(1);
  });

  test('what the record says cannot steer a terminal or fake a line', async () => {
    const userId = 'a\u202eb\u2066';
    const userAgent = 'x\u001b[2J\u009b31m\r\n2026-01-01 faked line';
    await indelible(['append', 'audit'], { cwd, stdin: `${JSON.stringify({ event: 'login', userId, ip: 'i\np', userAgent })}\n` });
    const people = await indelible(['tail', 'audit', '-n', '2'], { cwd });
    expect(people.stdout).toContain('a\\u202eb\\u2066');
    expect(lines(people.stdout)).toHaveLength(3);
    expect(people.stdout.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    const { stdout } = await indelible(['tail', 'audit', '--events', '-n', '2'], { cwd });
    expect(json(lines(stdout)[0]!)).toMatchObject({ userId, userAgent, ip: 'i\np' });
  });

  test.skipIf(process.platform !== 'linux')('on a terminal, --events is made harmless and stays the same JSON', async (context) => {
    const userId = 'a\u202eb';
    await indelible(['append', 'audit'], { cwd, stdin: `${JSON.stringify({ event: 'login', userId })}\n` });
    const terminal = await run('script', ['-qec', `"${process.execPath}" "${BINARY}" tail audit --events -n 2`, '/dev/null'], { cwd }).catch(() => undefined);
    if (terminal === undefined) return context.skip('script(1) is not installed');
    expect(terminal.stdout).toContain('a\\u202eb');
    expect(json(terminal.stdout.split('\r\n')[0]!)).toMatchObject({ userId });
  });
});

describe('tail for programs', () => {
  test('--events prints the entries, to the byte, and nothing else', async () => {
    const { status, stdout } = await indelible(['tail', 'audit', '--events'], { cwd });
    expect(status).toBe(0);
    expect(lines(stdout).map((line) => json(line))).toEqual(entriesOf(cwd));
    expect(stdout).not.toContain('{"indelible":');
    expect(lines((await indelible(['tail', 'audit', '--events', '--from', '21'], { cwd })).stdout)).toHaveLength(1);
  });

  test('--json adds the index', async () => {
    const { stdout } = await indelible(['tail', 'audit', '--json', '-n', '2'], { cwd });
    expect(lines(stdout).map((line) => json<{ index: number; entry: { event: string } }>(line))).toMatchObject([
      { index: 20, entry: { event: 'login', userId: 'user-19' } },
      { index: 21, entry: { event: 'log_stopped' } },
    ]);
  });

  test('what no seal covers is not shown', async () => {
    appendFileSync(join(cwd, 'audit/000000.ndjson'), '{"id":"01a1fb17-9b8c-73d8-aab7-0df1ec368487","timestamp":"2026-01-01T00:00:00.000Z","event":"login","userId":"mallory"}\n');
    expect((await indelible(['tail', 'audit', '--events'], { cwd })).stdout).not.toContain('mallory');
  });

  test('an empty log is empty', async () => {
    await indelible(['init', 'empty'], { cwd });
    expect(await indelible(['tail', 'empty', '--events'], { cwd })).toEqual({ status: 0, stdout: '', stderr: '' });
  });

  test('a reader that goes ends it quietly', async () => {
    const { stdout, stderr } = await run('bash', ['-c', `"${process.execPath}" "${BINARY}" tail audit --events | head -n 1`], { cwd });
    expect({ lines: lines(stdout).length, stderr }).toEqual({ lines: 1, stderr: '' });
  });
});

describe('tail --follow', () => {
  test.each(['SIGINT', 'SIGTERM'] as const)('shows what another process appends, and ends on %s with 0', async (signal) => {
    const follower = spawn(process.execPath, [BINARY, 'tail', 'audit', '--events', '--follow', '-n', '1'], { cwd, env: cleanEnvironment() });
    let seen = '';
    follower.stdout.setEncoding('utf8').on('data', (text: string) => (seen += text));
    await once(follower.stdout, 'data');
    await indelible(['append', 'audit'], { cwd, stdin: logins(2, 100) });
    while (!/user-101[^]*log_stopped[^]*\n$/.test(seen)) await once(follower.stdout, 'data');
    follower.kill(signal);
    expect(await once(follower, 'exit')).toEqual([0, null]);
    const events = lines(seen).map((line) => json<{ event: string }>(line).event);
    expect(events).toEqual(['log_stopped', 'log_started', 'login', 'login', 'log_stopped']);
  });
});
