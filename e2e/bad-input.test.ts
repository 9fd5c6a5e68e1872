import { spawn } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parseEventLine, type EventInput } from '@indelible/event';
import { createLog, createSigningKey, fileStore, openLog, openReader, parseSigningKey, type Log, type Signer } from '@indelible/log';
import { verifyLog } from '@indelible/verify';
import { run, whyNot } from './support/machine.ts';

// What comes in from outside and cannot be used: refused in one sentence, and the record is as if it had never come.

const BINARY = fileURLToPath(new URL('../packages/cli/dist/main.js', import.meta.url));
const NOBODY = 65_534;

interface Place {
  readonly root: string;
  readonly directory: string;
  readonly keyFile: string;
  readonly signer: Signer;
}

async function newPlace(root: string = mkdtempSync(join(tmpdir(), 'indelible-bad-input-'))): Promise<Place> {
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const { secret } = createSigningKey('bad-input.example/log');
  const signer = parseSigningKey(secret);
  const place = { root, directory: join(root, 'audit'), keyFile: join(root, 'audit.key'), signer };
  writeFileSync(place.keyFile, `${secret}\n`, { mode: 0o600 });
  await createLog(place.directory, { signer });
  return place;
}

function open({ directory, signer }: Place, more: { readonly onError?: () => void } = {}): Promise<Log> {
  return openLog({ store: fileStore(directory, { lockWaitMs: 0 }), signer, heartbeatMs: 0, ...more });
}

function login(userId: string, more: Partial<EventInput> = {}): EventInput {
  return { event: 'login', userId, ...more } as EventInput;
}

/** The users on the record, which is sound, whole, and has nothing behind its end but what is given. */
async function usersOf({ directory, signer }: Place, deadBytes = 0): Promise<string[]> {
  const { verdict, coverage, findings } = await verifyLog(directory, { key: signer.vkey, cores: 1 });
  expect(findings.filter(({ severity }) => severity === 'error')).toEqual([]);
  expect({ verdict, unsealed: coverage.unsealedBytes, foreign: coverage.foreignBytes }).toEqual({ verdict: 'sound', unsealed: 0, foreign: 0 });
  if (deadBytes === 0) expect(coverage.deadBytes).toBe(0);
  const users: string[] = [];
  let count = 0;
  for await (const { bytes } of (await openReader(directory)).entries()) {
    const { userId } = JSON.parse(new TextDecoder().decode(bytes)) as { userId?: string };
    if (userId !== undefined) users.push(userId);
    count++;
  }
  expect(count).toBe(coverage.entries);
  return users;
}

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function indelible(args: readonly string[], cwd: string, stdin: string, uid?: number): Promise<Outcome> {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('INDELIBLE_')));
  const child = spawn(process.execPath, [BINARY, ...args], { cwd, env, ...(uid === undefined ? {} : { uid, gid: uid }) });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin.on('error', () => undefined);
  child.stdin.end(stdin);
  return new Promise((resolve, reject) => child.on('error', reject).on('close', (status) => resolve({ status, stdout, stderr })));
}

const LOGIN = '{"event":"login","userId":"alice"}\n';

/** One line on stderr, exit code 2. */
function expectRefusal({ status, stderr }: Outcome, message: RegExp): void {
  expect(stderr).toMatch(/^indelible: [^\n]+\n$/);
  expect(stderr).toMatch(message);
  expect(status).toBe(2);
}

describe('an event that cannot be recorded', () => {
  // [what, as a caller gives it or as a line, what the message says: the field and the fix]
  const rows: readonly (readonly [string, string, RegExp])[] = [
    ['not JSON', 'login alice', /not strict JSON/],
    ['unknown event', '{"event":"logout2","userId":"a"}', /event logout2 .*logout/],
    ['userId missing', '{"event":"login"}', /userId is missing/],
    ['userId null', '{"event":"login","userId":null}', /userId/],
    ['userId a number', '{"event":"login","userId":7}', /userId/],
    ['70 kB', `{"event":"login","userId":"a","details":{"note":"${'x'.repeat(70_000)}"}}`, /larger than an entry may be \(65535 bytes\)/],
    ['lone surrogate', '{"event":"login","userId":"\\udc00x"}', /userId.*lone surrogate/],
    ['lone surrogate in a key', '{"event":"login","userId":"a","details":{"\\ud83d":1}}', /details.*lone surrogate/],
    ['NUL', '{"event":"login","userId":"a","details":{"note":"\\u0000"}}', /details.*NUL/],
    ['duplicate key', '{"event":"login","event":"logout","userId":"a"}', /event stands here a second time/],
    ['duplicate key, escaped', '{"event":"login","userId":"a","user\\u0049d":"b"}', /userId stands here a second time/],
    ['__proto__', '{"event":"login","userId":"a","details":{"__proto__":{"admin":true}}}', /__proto__ is refused/],
    ['poses as a control line', '{"indelible":"seal","offset":0,"length":9,"first":0,"note":""}', /indelible is refused/],
    ['poses as an entry of the log', '{"event":"log_recovered"}', /written by the log itself/],
    ['clock in the future', `{"event":"login","userId":"a","timestamp":"${new Date(Date.now() + 400_000).toISOString()}"}`, /timestamp .*5 minutes/],
    ['a time that is none', '{"event":"login","userId":"a","timestamp":"2024-02-30T00:00:00.000Z"}', /timestamp/],
    ['deeply nested', `{"event":"login","userId":"a","details":${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}}`, /deep|nest/i],
  ];

  test('is refused with its field named; what comes before and after is recorded', async () => {
    const place = await newPlace();
    const log = await open(place);
    const expected: string[] = [];
    for (const [what, line, message] of rows) {
      const before = await log.append(login(`before ${what}`));
      const refusal = await (async () => log.append(parseEventLine(new TextEncoder().encode(line))))().then(
        () => undefined,
        (error: unknown) => error as Error & { code: string },
      );
      expect(refusal?.message, what).toMatch(message);
      expect(refusal?.message, what).not.toContain('\n');
      expect(refusal?.message.length, what).toBeLessThan(400);
      expect(refusal?.code, what).toMatch(/^ERR_EVENT_/);
      expect((await log.append(login(`after ${what}`))).index).toBe(before.index + 1);
      expected.push(`before ${what}`, `after ${what}`);
    }
    await expect(log.appendAll([login('all-1'), { event: 'login' } as EventInput, login('all-2')])).rejects.toThrow(/userId/);
    await log.close();
    expect(await usersOf(place)).toEqual(expected);
  });

  test('control characters, quotes and separators are data: escaped, one line, given back as they came', async () => {
    const place = await newPlace();
    const log = await open(place);
    const odd = ['a\nb', 'a\r\nb', '\u0001\u001f\u007f', '"},{"event":"login"', '\u2028\u2029\u0085', '\u202eevil', '\uFEFFbom', '\n{"indelible":"seal"}\n', '👩‍👩‍👧'];
    for (const note of odd) await log.append(login('odd', { details: { note } }));
    await log.close();
    expect(await usersOf(place)).toHaveLength(odd.length);
    const notes: unknown[] = [];
    for await (const { bytes } of (await openReader(place.directory)).entries({ from: 1 })) {
      expect(bytes.every((byte) => byte >= 0x20)).toBe(true);
      notes.push((JSON.parse(new TextDecoder().decode(bytes)) as { details?: { note?: unknown } }).details?.note);
    }
    expect(notes.slice(0, -1)).toEqual(odd);
  });

  test('a line of 10 MB in a file: refused with its number; what comes before it is recorded', async () => {
    const place = await newPlace();
    writeFileSync(join(place.root, 'events'), `${LOGIN}{"event":"login","userId":"${'x'.repeat(10_000_000)}"}\n${LOGIN}`);
    const outcome = await indelible(['append', 'audit', '--file', 'events'], place.root, '');
    expectRefusal(outcome, /line 2: it is longer than an entry may be, 65535 bytes: shorten it; line 1 is recorded.*--skip 1/);
    expect(await usersOf(place)).toEqual(['alice']);
  });
});

describe('keys', () => {
  test('another key with the right name is refused, nothing is written', async () => {
    const place = await newPlace();
    await indelible(['append', 'audit'], place.root, LOGIN);
    const before = readFileSync(join(place.directory, '000000.ndjson'));
    const { secret } = createSigningKey('bad-input.example/log');
    writeFileSync(join(place.root, 'other.key'), `${secret}\n`, { mode: 0o600 });
    const outcome = await indelible(['append', 'audit', '--signing-key', 'other.key'], place.root, LOGIN);
    expectRefusal(outcome, /is signed by the key .*Use the key in force/);
    expect(readFileSync(join(place.directory, '000000.ndjson'))).toEqual(before);
    expect(await usersOf(place)).toEqual(['alice']);
  });

  test('a key file cut short is refused without a word of it', async () => {
    const place = await newPlace();
    const text = readFileSync(place.keyFile, 'utf8');
    truncateSync(place.keyFile, text.length - 20);
    const outcome = await indelible(['append', 'audit'], place.root, LOGIN);
    expectRefusal(outcome, /audit\.key cannot be used: .*PRIVATE\+KEY\+<name>/);
    expect(outcome.stderr).not.toContain(text.trim().slice(-60, -25));
  });
});

describe('two writers', () => {
  test('in one process: the second is refused at once, the first goes on', async () => {
    const place = await newPlace();
    const first = await open(place);
    await first.append(login('first'));
    await expect(open(place)).rejects.toMatchObject({ code: 'ERR_LOG_LOCKED', message: expect.stringContaining('indelible serve') as string });
    await first.append(login('still first'));
    await first.close();
    expect(await usersOf(place)).toEqual(['first', 'still first']);
  });
});

describe('rights', () => {
  const reason = process.getuid?.() === 0 ? undefined : 'needs root, to run as another user';

  test.for([
    ['an unreadable directory', 0o700, 'audit', /audit cannot be used \(EACCES\): give this user read access/],
    ['a record file that may be read only', 0o644, 'audit/000000.ndjson', /EACCES.*give this user read and write access/],
  ] as const)('%s', async ([_what, mode, name, message], context) => {
    if (reason !== undefined) return context.skip(reason);
    const place = await newPlace();
    await indelible(['append', 'audit'], place.root, LOGIN);
    chownAll(place.root, NOBODY);
    chownSync(join(place.root, name), 0, 0);
    chmodSync(join(place.root, name), mode);
    const before = readdirSync(place.directory).sort();
    expectRefusal(await indelible(['append', 'audit'], place.root, LOGIN, NOBODY), message);
    expect(readdirSync(place.directory).sort()).toEqual(before);
    chownAll(place.root, 0);
    expect((await indelible(['append', 'audit'], place.root, LOGIN)).status).toBe(0);
    expect(await usersOf(place)).toEqual(['alice', 'alice']);
  });

  test('a record file that nobody may write, not even root', async (context) => {
    const probe = mkdtempSync(join(tmpdir(), 'indelible-bad-input-'));
    onTestFinished(() => rmSync(probe, { recursive: true, force: true }));
    const noChattr = whyNot('sh', '-c', `touch ${probe}/f && chattr +i ${probe}/f && chattr -i ${probe}/f`);
    if (noChattr !== undefined) return context.skip(noChattr);
    const place = await newPlace();
    const log = await open(place);
    await log.append(login('before'));
    await log.close();
    const segment = join(place.directory, '000000.ndjson');
    run('chattr', '+i', segment);
    onTestFinished(() => run('chattr', '-i', segment));
    const outcome = await indelible(['append', 'audit'], place.root, LOGIN);
    run('chattr', '-i', segment);
    expectRefusal(outcome, /EPERM.*give this user read and write access/);
    expect(await usersOf(place)).toEqual(['before']);
  });

  function chownAll(path: string, uid: number): void {
    chownSync(path, uid, uid);
    if (statSync(path).isDirectory()) for (const name of readdirSync(path)) chownAll(join(path, name), uid);
  }
});

describe('a full disk', () => {
  test.for(['in the log that is open', 'by the command line'])('%s: a typed error, everything acknowledged is kept, and it goes on when there is room', async (how, context) => {
    const root = mkdtempSync(join(tmpdir(), 'indelible-bad-input-'));
    const reason = whyNot('mount', '-t', 'tmpfs', '-o', 'size=1m', 'indelible-test', root);
    if (reason !== undefined) {
      rmSync(root, { recursive: true, force: true });
      return context.skip(reason);
    }
    const place = await newPlace(root);
    onTestFinished(() => run('umount', '--lazy', root)); // the last one is called first
    const ballast = join(root, 'ballast');
    writeFileSync(ballast, Buffer.alloc(400_000));
    const acknowledged = how === 'by the command line' ? await fillByCommand(place, ballast) : await fill(place, ballast);
    const users = await usersOf(place, Number.POSITIVE_INFINITY);
    expect(users.filter((user, i) => users.indexOf(user) !== i)).toEqual([]);
    expect(acknowledged.filter((user) => !users.includes(user))).toEqual([]);
  });

  /** Appends until the disk is full, makes room, goes on with the same log. */
  async function fill(place: Place, ballast: string): Promise<string[]> {
    const log = await open(place, { onError: () => undefined });
    const acknowledged: string[] = [];
    let full: { code?: string; message: string } | undefined;
    for (let n = 0; full === undefined && n < 5_000; n += 10) {
      const batch = Array.from({ length: 10 }, (_, i) => `full-${n + i}`);
      const settled = await Promise.allSettled(batch.map((user) => log.append(login(user, { details: { note: 'x'.repeat(500) } }))));
      for (const [i, one] of settled.entries()) {
        if (one.status === 'fulfilled') acknowledged.push(batch[i]!);
        else full = one.reason as { code?: string; message: string };
      }
    }
    expect(full).toMatchObject({ code: 'ERR_LOG_STORAGE_FULL', message: expect.stringMatching(/(ENOSPC|disk is full).*[Mm]ake room/) as string });
    expect(acknowledged.length).toBeGreaterThan(100);
    await expect(log.append(login('still full'))).rejects.toMatchObject({ code: 'ERR_LOG_STORAGE_FULL' });
    rmSync(ballast);
    for (let tries = 0; ; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 300)); // it looks for room once a second
      const error = await log.append(login('there is room', { id: '01a1fb17-9b8c-73d8-aab7-000000000000' })).then(() => undefined, (reason: unknown) => reason);
      if (error === undefined) break;
      if (tries === 10) throw error;
    }
    await log.close();
    return [...acknowledged, 'there is room'];
  }

  /** The same with the command, which stops and says from where to go on. */
  async function fillByCommand(place: Place, ballast: string): Promise<string[]> {
    const lines = Array.from({ length: 3_000 }, (_, n) => `${JSON.stringify({ id: `01a1fb17-9b8c-73d8-aab7-${String(n).padStart(12, '0')}`, ...login(`full-${n}`, { details: { note: 'x'.repeat(300) } }) })}\n`);
    const first = await indelible(['append', 'audit'], place.root, lines.join(''));
    const error = first.stderr.split('\n').filter((line) => line !== '' && !line.startsWith('indelible: warning: '));
    expect(error).toHaveLength(1);
    expect(error[0]).toMatch(/^indelible: line \d+.* could not be recorded: .*(ENOSPC|disk is full).*[Mm]ake room.*what was acknowledged is safe; go on with --skip \d+/);
    expect(first.status).toBe(2);
    const acknowledged = first.stdout.split('\n').filter((line) => line !== '');
    rmSync(ballast);
    const skip = /--skip (\d+)/.exec(error[0]!)![1]!;
    const second = await indelible(['append', 'audit', '--skip', skip], place.root, lines.slice(0, Number(skip) + 20).join(''));
    expect(second.stderr).toBe('');
    expect(second.status).toBe(0);
    return Array.from({ length: acknowledged.length }, (_, n) => `full-${n}`);
  }
});
