import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createLog, createSigningKey, openReader, parseSigningKey, writeSigningKey } from '@indelible/log';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { startLogService } from './support/log-service.ts';

const root = mkdtempSync(join(tmpdir(), 'indelible-pino-'));
afterAll(() => rmSync(root, { recursive: true }));
let made = 0;
const APP = fileURLToPath(new URL('support/pino-app.mjs', import.meta.url));

/** A log with its key beside it, as `indelible init` leaves them. */
async function makeLog(): Promise<string> {
  const directory = join(root, `audit-${made++}`);
  const key = createSigningKey('test.example/pino');
  await writeSigningKey(`${directory}.key`, key);
  await createLog(directory, { signer: parseSigningKey(key.secret) });
  return directory;
}

interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stderr: string;
}

function run(work: { options: object; count: number; end?: string; lines?: unknown[][] }, env: Record<string, string> = {}): Promise<Ended> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [APP, JSON.stringify(work)], { timeout: 30_000, env: { ...process.env, npm_package_name: 'bank', ...env } }, (_error, _stdout, stderr) => {
      resolve({ code: child.exitCode, signal: child.signalCode, stderr });
    });
  });
}

async function entriesOf(directory: string): Promise<Record<string, unknown>[]> {
  const entries: Record<string, unknown>[] = [];
  for await (const { bytes } of (await openReader(directory)).entries()) entries.push(JSON.parse(Buffer.from(bytes).toString('utf8')) as Record<string, unknown>);
  return entries.filter(({ event }) => !String(event).startsWith('log_'));
}

const users = (entries: readonly Record<string, unknown>[]): unknown[] => entries.map(({ userId }) => userId);
const named = (count: number): string[] => Array.from({ length: count }, (_, n) => `u${n}`);

describe('the guide', () => {
  it('shows a snippet that works as it stands', async () => {
    const page = readFileSync(new URL('../../../docs/guide/pino.md', import.meta.url), 'utf8');
    const snippet = /```js\n([^]*?)```/.exec(page)?.[1];
    const place = join(root, 'guide');
    mkdirSync(place);
    symlinkSync(fileURLToPath(new URL('../../../node_modules', import.meta.url)), join(place, 'node_modules'));
    writeFileSync(join(place, 'app.mjs'), snippet!);
    const key = createSigningKey('test.example/guide');
    await writeSigningKey(join(place, 'audit.key'), key);
    await createLog(join(place, 'audit'), { signer: parseSigningKey(key.secret) });
    const stderr = await new Promise((resolve) => execFile(process.execPath, ['app.mjs'], { cwd: place, timeout: 30_000 }, (_error, _stdout, text) => resolve(text)));
    expect(stderr).toBe('');
    expect(await entriesOf(join(place, 'audit'))).toMatchObject([{ event: 'login', userId: 'maria', ip: '203.0.113.7', details: { requestId: 'r-17' } }]);
  });
});

describe('the published snippet', () => {
  it('records its events, fields as fields and the rest under details', async () => {
    const dir = await makeLog();
    expect(await run({ options: { dir }, count: 2 })).toEqual({ code: 0, signal: null, stderr: '' });
    const entries = await entriesOf(dir);
    expect(users(entries)).toEqual(['u0', 'u1']);
    expect(entries[0]).toEqual({
      id: expect.any(String) as string,
      timestamp: expect.any(String) as string,
      event: 'login',
      userId: 'u0',
      ip: '203.0.113.7',
      app: 'bank',
      instance: expect.stringMatching(/:\d+$/) as string,
      details: { requestId: 'r0' },
    });
  });

  it('ignores lines that are no session events, and reports those that are bad ones on stderr', async () => {
    const dir = await makeLog();
    const lines = [
      ['started'],
      [{ event: 'http_request', path: '/' }, 'request'],
      [{ msg: 'plain', userId: 'maria' }],
      [{ event: 'login_failed', ip: '192.0.2.1', details: { step: 2 }, id: 7 }, 'bad password'],
      [{ event: 'log-in', userId: 'maria', token: 'hunter2' }],
      [{ event: 'login' }],
      [{ event: 'logout', userId: 'maria', timestamp: '2026-01-01T00:00:00.000Z', password: 'hunter2' }],
    ];
    const { code, stderr } = await run({ options: { dir, app: 'till' }, count: 0, lines });
    expect(code).toBe(0);
    expect(stderr.split('\n').slice(0, -1)).toEqual([
      expect.stringMatching(/^indelible: the log-in was not recorded: .*\(ERR_EVENT_NAME_UNKNOWN\)$/) as string,
      expect.stringMatching(/^indelible: the login was not recorded: userId is missing.*\(ERR_EVENT_FIELD_MISSING\)$/) as string,
    ]);
    const entries = await entriesOf(dir);
    expect(entries).toMatchObject([
      { event: 'login_failed', ip: '192.0.2.1', app: 'till', details: { msg: 'bad password', step: 2, id: 7 } },
      { event: 'logout', userId: 'maria', timestamp: '2026-01-01T00:00:00.000Z', details: { password: '[redacted]' } },
    ]);
    expect(JSON.stringify([entries, stderr])).not.toContain('hunter2');
  });

  it('lets no client keep its failed login off the record by what it sends', async () => {
    const dir = await makeLog();
    const failed = { event: 'login_failed', userId: 'maria', ip: '192.0.2.1' };
    const lines = [
      [{ ...failed, body: { name: 'a\0' } }],
      [{ ...failed, body: 'x'.repeat(70_000) }],
      [{ ...failed, body: { constructor: 1 } }],
      [{ ...failed, userAgent: `a\0${'b'.repeat(5_000)}` }],
      [{ ...failed, userId: 'a\0', resource: '/x\0', body: { prototype: 1 } }],
    ];
    expect(await run({ options: { dir }, count: 0, lines })).toEqual({ code: 0, signal: null, stderr: '' });
    const entries = (await entriesOf(dir)) as { userAgent?: string; userId?: string; details?: Record<string, unknown> }[];
    expect(entries).toHaveLength(5);
    const refused = expect.stringContaining('details') as string;
    expect(entries.slice(0, 3).map(({ userId, details }) => [userId, details])).toEqual(Array.from({ length: 3 }, () => ['maria', { detailsRefused: refused }]));
    expect(entries[3]).toMatchObject({ userAgent: `a\ufffd${'b'.repeat(1_022)}` });
    expect(entries[4]).toMatchObject({ ip: '192.0.2.1', details: { fieldsRefused: ['userId', 'resource'], detailsRefused: refused } });
  });

  it('takes only marked lines where it is told to, and does not record the mark', async () => {
    const dir = await makeLog();
    const login = { event: 'login', userId: 'ceo' };
    const lines = [[login], [{ ...login, audit: 'guess' }], [{ ...login, userId: 'maria', audit: 'm4rk', branch: 'north' }]];
    expect(await run({ options: { dir, only: { audit: 'm4rk' } }, count: 0, lines })).toMatchObject({ code: 0, stderr: '' });
    const entries = await entriesOf(dir);
    expect(entries).toMatchObject([{ userId: 'maria', details: { branch: 'north' } }]);
    expect(JSON.stringify(entries)).not.toContain('m4rk');
    expect((await run({ options: { dir, only: { audit: '' } }, count: 1 })).stderr).toContain('ERR_SESSION_OPTION_INVALID');
  });

  it('sends to a log service', async () => {
    const service = await startLogService();
    onTestFinished(() => service.close());
    expect(await run({ options: { url: service.url }, count: 3 }, { INDELIBLE_TOKEN: 't-1' })).toMatchObject({ code: 0, stderr: '' });
    expect(users(service.record)).toEqual(named(3));
    expect(service.requests[0]?.headers).toMatchObject({ authorization: 'Bearer t-1' });
  });

  it('finds the signing key where it is said to be', async () => {
    const dir = await makeLog();
    const elsewhere = join(root, 'elsewhere.key');
    const other = createSigningKey('test.example/other');
    await writeSigningKey(elsewhere, other);
    expect((await run({ options: { dir }, count: 1 }, { INDELIBLE_SIGNING_KEY_FILE: elsewhere })).stderr).toContain('ERR_LOG_KEY_MISMATCH');
    expect((await run({ options: { dir, signingKey: elsewhere }, count: 1 })).stderr).toContain('ERR_LOG_KEY_MISMATCH');
    expect((await run({ options: { dir }, count: 1 }, { INDELIBLE_SIGNING_KEY: other.secret })).stderr).toContain('ERR_LOG_KEY_MISMATCH');
    expect(await run({ options: { dir, signingKey: `${dir}.key` }, count: 1 }, { INDELIBLE_SIGNING_KEY_FILE: elsewhere })).toMatchObject({ code: 0, stderr: '' });
  });

  it('stops the application where there is no log, rather than let it run without one', async () => {
    const nowhere = await run({ options: { dir: join(root, 'nowhere') }, count: 1 });
    expect(nowhere.code).not.toBe(0);
    expect(nowhere.stderr).toContain('ERR_LOG_');
    expect(readdirSync(root)).not.toContain('nowhere');
    expect((await run({ options: {}, count: 1 })).stderr).toContain('ERR_SESSION_OPTION_INVALID');
  });
});

describe('the end of the process', () => {
  const COUNT = 2_000;
  it.each(['return', 'exit', 'sigterm-handled'])('%s: everything logged before is kept', async (end) => {
    const dir = await makeLog();
    expect(await run({ options: { dir }, count: COUNT, end })).toEqual({ code: 0, signal: null, stderr: '' });
    expect(users(await entriesOf(dir))).toEqual(named(COUNT));
  });

  it('SIGKILL behind flush: everything logged before is kept', async () => {
    const dir = await makeLog();
    expect(await run({ options: { dir }, count: COUNT, end: 'flush-kill' })).toMatchObject({ signal: 'SIGKILL' });
    expect(users(await entriesOf(dir))).toEqual(named(COUNT));
  });

  it('SIGTERM without a handler: what was recorded until then is sound, the rest is gone', async () => {
    const dir = await makeLog();
    expect(await run({ options: { dir }, count: COUNT, end: 'sigterm' })).toMatchObject({ signal: 'SIGTERM' });
    const kept = users(await entriesOf(dir));
    expect(kept).toEqual(named(kept.length));
    expect(await run({ options: { dir }, count: 1 })).toMatchObject({ code: 0, stderr: '' });
  });

  it('a service that is away: the spool keeps it for the next start, memory says what is lost', async () => {
    const service = await startLogService();
    onTestFinished(() => service.close());
    for (let i = 0; i < 200; i++) service.answers.push((_, response) => response.writeHead(500).end());
    const lost = await run({ options: { url: service.url, timeoutMs: 300 }, count: 3, end: 'exit' });
    expect(lost.stderr).toContain('ERR_SESSION_EVENT_LOST');
    const options = { url: service.url, timeoutMs: 300, spool: { directory: join(root, 'spool'), key: [...new Uint8Array(32).fill(5)], ephemeral: 'accept-loss' } };
    const spooled = await run({ options, count: 3, end: 'exit' });
    expect(spooled).toMatchObject({ code: 0, stderr: expect.stringContaining('ERR_SESSION_DELAYED') as string });
    expect(spooled.stderr).not.toContain('ERR_SESSION_EVENT_LOST');
    service.answers.length = 0;
    expect(await run({ options, count: 0, end: 'return' })).toMatchObject({ code: 0 });
    expect(users(service.record)).toEqual([...named(3), undefined]);
  });
});
