import { execFile, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createLog, createSigningKey, fileStore, openLog, openReader, parseSigningKey } from '@indelible/log';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
let place: string;

beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), 'guide-'));
});
afterEach(() => rm(place, { recursive: true, force: true }));

/** A code block of a guide, and the line above it that says where it comes from. */
interface Block {
  readonly language: string;
  readonly text: string;
  readonly from: string | undefined;
}

async function readBlocks(guide: string): Promise<Block[]> {
  const page = await readFile(join(root, 'docs', 'guide', guide), 'utf8');
  const blocks = page.matchAll(/(?:<!-- from: (\S+) -->\n)?^( *)```(\w+)\n([^]*?)^ *```$/gm);
  return [...blocks].map(([, from, indent = '', language = '', text = '']) => ({ language, text: text.replaceAll(new RegExp(`^${indent}`, 'gm'), ''), from }));
}

function runShell(script: string, path: string): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve) => {
    const env = { ...process.env, PATH: path + delimiter + (process.env['PATH'] ?? '') };
    const child = execFile('sh', ['-e', '-c', script], { cwd: place, env, timeout: 60_000 }, (_error, stdout, stderr) => {
      resolve({ code: child.exitCode, output: stdout + stderr });
    });
  });
}

/** Instead of an installation: the built packages, and an `npx` that finds the command among them. */
async function install(): Promise<string> {
  await symlink(join(root, 'node_modules'), join(place, 'node_modules'));
  const bin = join(place, 'bin');
  await mkdir(bin);
  const command = join(root, 'packages', 'cli', 'dist', 'main.js');
  await writeFile(join(bin, 'npx'), `#!/bin/sh\nshift\nexec '${process.execPath}' '${command}' "$@"\n`);
  await chmod(join(bin, 'npx'), 0o755);
  return bin;
}

/** Runs every shell block of a guide in its order, with the quoted examples saved under the names that the guide gives them. */
async function followGuide(guide: string, savedAs: Readonly<Record<string, string>>): Promise<string> {
  const bin = await install();
  const outputs = [];
  for (const { language, text, from } of await readBlocks(guide)) {
    const name = from === undefined ? undefined : savedAs[from];
    if (name !== undefined) await writeFile(join(place, name), text);
    if (language !== 'sh') continue;
    const { code, output } = await runShell(text.replace(/^npm install .*\n/m, ''), bin);
    expect({ text, code, output }).toMatchObject({ text, code: 0 });
    outputs.push(output);
  }
  return outputs.join('\n');
}

describe('docs/guide/quickstart.md', () => {
  it('works as it is written, command by command', async () => {
    const all = await followGuide('quickstart.md', { 'examples/snippets/quickstart.mjs': 'app.mjs' });
    expect(all).toMatch(/entry 1, [0-9a-f-]{36}/);
    expect(all).toMatch(/ login +alice .* 203\.0\.113\.7 +1\n/);
    expect(all.match(/^SOUND /gm)).toHaveLength(3);
    expect(all).toContain('kept at elsewhere/audit.seals');
  });
});

describe('README.md', () => {
  it('captures a login and a logout without a call in a route', async () => {
    const run = (...args: string[]) => promisify(execFile)(process.execPath, args, { cwd: place });
    const command = join(root, 'packages/cli/bin/indelible.js');
    await run(command, 'init', 'audit');
    await writeFile(join(place, 'sid.key'), randomBytes(32));
    await run(join(root, 'examples/snippets/capture.mjs'), join(place, 'audit'));
    const { stdout } = await run(command, 'tail', 'audit', '--events');
    const entries = stdout.trimEnd().split('\n').map((line) => JSON.parse(line) as { event: string; userId?: string });
    expect(entries.flatMap(({ event, userId }) => (userId === undefined ? [] : [`${event} ${userId}`]))).toEqual(['login alice', 'logout alice']);
  });
});

describe('the guides of frameworks', () => {
  const right = { user: 'alice', username: 'alice', password: 'a demonstration only' };

  /** What a guide has one make and save, then a day of its program: a wrong password, a login, a use, a logout. Gives what the record says. */
  async function spendADay(guide: string, snippet: string, change: (program: string) => string = (program) => program): Promise<Record<string, unknown>[]> {
    await followGuide(guide, { [`examples/snippets/${snippet}`]: 'app.mjs' });
    await writeFile(join(place, 'app.mjs'), change(await readFile(join(place, 'app.mjs'), 'utf8')));
    await whileServed('app.mjs', 0, async (base) => {
      const post = (body: object): Promise<Response> => fetch(`${base}/login`, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } });
      expect((await post({ ...right, password: 'wrong' })).status).toBe(401);
      const { status, headers } = await post(right);
      expect(status).toBe(200);
      // As a browser: of two cookies of one name the later one counts.
      const jar = new Map(headers.getSetCookie().map((line) => (line.split(';')[0] ?? '').split(/=(.*)/s, 2) as [string, string]));
      const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
      expect(await (await fetch(base, { headers: { cookie } })).text()).toBe('alice\n');
      expect(await (await fetch(`${base}/logout`, { method: 'POST', headers: { cookie } })).text()).toBe('bye\n');
    });
    return sessionEntries();
  }

  async function sessionEntries(): Promise<Record<string, unknown>[]> {
    const found = [];
    for await (const { bytes } of (await openReader(join(place, 'audit'))).entries()) found.push(JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>);
    return found.filter(({ event }) => !String(event).startsWith('log_'));
  }

  it.each([
    ['express-session.md', 'capture-express.mjs'],
    ['fastify.md', 'capture-fastify.mjs'],
    ['koa.md', 'capture-koa.mjs'],
    ['hono.md', 'capture-hono.mjs'],
    ['own-sessions.md', 'capture-own-sessions.mjs'],
  ])('%s: its program can be pasted and records a day', async (guide, snippet) => {
    const entries = await spendADay(guide, snippet);
    expect(entries.map(({ event, userId }) => `${String(event)} ${String(userId)}`)).toEqual([expect.stringMatching(/^login_failed /), 'login alice', 'logout alice']);
    expect(entries[1]).toMatchObject({ app: 'my-app', ip: '127.0.0.1' });
    expect(entries[1]).toHaveProperty('idleDeadline');
  });

  it('express-session.md: with Passport, and what its failures say', async () => {
    const entries = await spendADay('express-session.md', 'capture-passport.mjs');
    expect(entries.map(({ event }) => event)).toEqual(['login_failed', 'login', 'logout']);
    expect(entries[0]).toMatchObject({ details: { strategy: 'local' } });
    expect(entries[0]).not.toHaveProperty('userId');
    expect(entries[0]).not.toHaveProperty('reason');
  });

  it('express-session.md: failedLogin wins', async () => {
    const option = (await readBlocks('express-session.md')).find(({ from }) => from === 'examples/snippets/passport-failures.mjs#failed')?.text;
    const entries = await spendADay('express-session.md', 'capture-passport.mjs', (program) => program.replace('{ tracker, passport }', `{ tracker, passport, ${option} }`));
    expect(entries[0]).toMatchObject({ event: 'login_failed', userId: 'alice', reason: 'wrong_password', details: { strategy: 'local' } });
  });

  /** Starts what a guide had saved, and ends it in good order after `visit`. */
  async function whileServed(file: string, port: number, visit: (base: string) => Promise<void>): Promise<void> {
    const server = spawn(process.execPath, [file], { cwd: place, env: { ...process.env, PORT: String(port) }, stdio: ['ignore', 'pipe', 'ignore'] });
    const ended = once(server, 'exit');
    try {
      const started = await Promise.race([once(server.stdout.setEncoding('utf8'), 'data'), ended]);
      await visit(String(started[0]).trim());
    } finally {
      server.kill();
      await ended;
    }
    expect(await ended).toEqual([0, null]);
  }

  it('authjs.md: its program can be pasted and records a day', async () => {
    await followGuide('authjs.md', { 'examples/snippets/capture-authjs.mjs': 'app.mjs' });
    await whileServed('app.mjs', 0, async (base) => {
      const jar = new Map<string, string>();
      const ask = async (path: string, form?: Record<string, string>): Promise<Response> => {
        const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
        const response = await fetch(`${base}/auth${path}`, {
          headers: { cookie, 'x-forwarded-for': '203.0.113.7' },
          redirect: 'manual',
          ...(form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) }),
        });
        for (const line of response.headers.getSetCookie()) jar.set(...((line.split(';')[0] ?? '').split(/=(.*)/s, 2) as [string, string]));
        return response;
      };
      const csrfToken = ((await (await ask('/csrf')).json()) as { csrfToken: string }).csrfToken;
      await ask('/callback/credentials', { csrfToken, user: 'alice', password: 'wrong' });
      await ask('/callback/credentials', { csrfToken, user: 'alice', password: right.password });
      expect(await (await ask('/session')).json()).toMatchObject({ user: { name: 'alice' } });
      await ask('/signout', { csrfToken });
    });
    const entries = await sessionEntries();
    expect(entries.map(({ event }) => event)).toEqual(['login_failed', 'login', 'logout']);
    expect(entries[1]).toMatchObject({ userId: 'alice', ip: '203.0.113.7' });
  });

  it('better-auth.md: its program can be pasted and records a day', async () => {
    await followGuide('better-auth.md', { 'examples/snippets/capture-better-auth.mjs': 'app.mjs' });
    // The example has its own better-auth; everything else is found one directory above.
    await mkdir(join(place, 'app'));
    await symlink(join(root, 'examples', 'better-auth', 'node_modules'), join(place, 'app', 'node_modules'));
    await copyFile(join(place, 'app.mjs'), join(place, 'app', 'app.mjs'));
    const free = createServer().listen(0, '127.0.0.1');
    await once(free, 'listening');
    const { port } = free.address() as AddressInfo;
    await new Promise((resolve) => free.close(resolve));
    await whileServed('app/app.mjs', port, async (base) => {
      const ask = (path: string, body: object, cookie = ''): Promise<Response> =>
        fetch(`${base}/api/auth${path}`, { method: 'POST', headers: { 'content-type': 'application/json', origin: base, cookie }, body: JSON.stringify(body) });
      const account = { email: 'alice@example.org', password: right.password };
      const signedUp = await ask('/sign-up/email', { ...account, name: 'Alice' });
      expect(signedUp.status).toBe(200);
      expect((await ask('/sign-in/email', { ...account, password: 'something else' })).status).toBe(401);
      const cookie = signedUp.headers.getSetCookie().map((line) => line.split(';')[0]).join('; ');
      expect((await ask('/sign-out', {}, cookie)).status).toBe(200);
    });
    const entries = await sessionEntries();
    expect(entries.map(({ event }) => event)).toEqual(['login', 'login_failed', 'logout']);
    expect(entries[0]).toMatchObject({ ip: '127.0.0.1', app: 'my-app' });
  });

  it('refresh-tokens.md: its program records a family', async () => {
    await followGuide('refresh-tokens.md', { 'examples/snippets/capture-refresh-tokens.mjs': 'app.mjs' });
    const { code, output } = await runShell('node app.mjs', join(place, 'bin'));
    expect({ code, output }).toEqual({ code: 0, output: 'after the logout it is refused\n' });
    expect((await sessionEntries()).map(({ event }) => event)).toEqual(['login', 'extend', 'extend', 'logout', 'session_use_after_end']);
  });

  it('log-away.md: its program works, and leaves nothing on the spool', async () => {
    const output = await followGuide('log-away.md', { 'examples/snippets/log-away.mjs': 'app.mjs' });
    expect(output).toContain('alice is logged in, 1 open');
    expect((await sessionEntries()).map(({ event }) => event)).toEqual(['login', 'logout']);
    // The same program over a log that is away, and then once more over one that is there.
    const program = await readFile(join(place, 'app.mjs'), 'utf8');
    await writeFile(join(place, 'away.mjs'), program.replace('openTracker({\n  log,', "openTracker({\n  log: { append: () => Promise.reject(new Error('away')), follow: (options) => log.follow(options), openSessions: () => log.openSessions() },"));
    const away = await runShell('node away.mjs', join(place, 'bin'));
    expect(away).toMatchObject({ code: 0, output: expect.stringContaining('the log is away, events wait:') as string });
    expect(away.output).toContain('alice is logged in, 1 open');
    expect(await sessionEntries()).toHaveLength(2);
    expect(await runShell('node app.mjs', join(place, 'bin'))).toMatchObject({ code: 0 });
    const events = (await sessionEntries()).map(({ event }) => event);
    expect(events.slice(0, 4)).toEqual(['login', 'logout', 'login', 'logout']);
    expect(events).toContain('capture_gap');
  });
});

describe('docs/guide/shippers.md', () => {
  it('is right that a filter by first bytes leaves exactly the entries', async () => {
    const directory = join(place, 'audit');
    const signer = parseSigningKey(createSigningKey('guide.example').secret);
    await createLog(directory, { signer });
    for (const run of [1, 2]) {
      const log = await openLog({ store: fileStore(directory), signer, app: 'guide' });
      await log.appendAll(['"indelible":', '{"indelible":', '\n{"indelible":"seal"'].map((reason) => ({ event: 'login', userId: `u${run}`, reason })));
      await log.close();
    }
    const entries = [];
    for await (const { bytes } of (await openReader(directory)).entries()) entries.push(new TextDecoder().decode(bytes));
    const lines = (await readFile(join(directory, '000000.ndjson'), 'utf8')).trimEnd().split('\n');
    expect(lines.filter((line) => !line.startsWith('{"indelible":'))).toEqual(entries);
    expect(entries).toHaveLength(10);
    expect(entries.filter((line) => 'indelible' in (JSON.parse(line) as object))).toEqual([]);
    expect(lines.filter((line) => line.startsWith('{"indelible":')).every((line) => 'indelible' in (JSON.parse(line) as object))).toBe(true);
  });

  it('filters by those bytes in each configuration that reads the files', async () => {
    const blocks = (await readBlocks('shippers.md')).filter(({ language, text }) => language === 'yaml' && text.includes('.ndjson'));
    expect(blocks).toHaveLength(3);
    for (const { text } of blocks) expect(text).toMatch(/starts_with\(.*"\{\\"indelible\\":"\)|exclude: 'log \^\\\{"indelible":'|has_fields: \[session\.indelible\]/);
  });
});

describe('docs/guide/deploy.md', () => {
  it('works as it is written, command by command', async () => {
    const output = await followGuide('deploy.md', { 'examples/snippets/one-process.mjs': 'server.mjs' });
    const { code, output: said } = await runShell('INDELIBLE_LOG=audit node server.mjs', join(place, 'bin'));
    expect({ code, said: said.match(/^\S.*$/gm) }).toEqual({ code: 1, said: ['set INDELIBLE_SIGNING_KEY_FILE, SID_KEY_FILE in the environment: paths of the log, of its signing key, of the key for session ids'] });
    expect(output).toMatch(/^8$/m);
    expect(output.match(/^SOUND /gm)).toHaveLength(1);
    expect(output).toContain('Nothing was due; 0 sessions open');
  });
});

describe('docs/guide/keys.md', () => {
  it('works as it is written, command by command', async () => {
    const output = await followGuide('keys.md', {});
    expect(output.match(/^SOUND /gm)).toHaveLength(2);
    expect(output).toContain('older than its pin');
    expect(output).not.toContain('PRIVATE+KEY');
  });

  it('is right about a key that stays in a service', async () => {
    await install();
    for (const name of ['kms-signer.mjs', 'key-service.mjs']) await copyFile(join(root, 'examples', 'snippets', name), join(place, name));
    const { code, output } = await runShell('node kms-signer.mjs init && node kms-signer.mjs > vkey && npx indelible verify audit --key vkey --pin audit.pin', join(place, 'bin'));
    expect({ code, output }).toMatchObject({ code: 0, output: expect.stringContaining('SOUND') as string });
  });
});

describe('docs/guide/migrating.md', () => {
  const entries = async (): Promise<Record<string, unknown>[]> => {
    const found = [];
    for await (const { bytes } of (await openReader(join(place, 'history'))).entries()) found.push(JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>);
    return found.filter(({ event }) => !String(event).startsWith('log_'));
  };
  const copyScript = (): Promise<void> => copyFile(join(root, 'examples', 'snippets', 'import-sessions.mjs'), join(place, 'import-sessions.mjs'));

  it('works as it is written, and marks what it imported', async () => {
    await copyScript();
    const output = await followGuide('migrating.md', {});
    expect(output).toContain('2 events are on the record, 1 lines were passed over');
    expect(output).toMatch(/^SOUND /m);
    const imported = await entries();
    expect(imported.map(({ timestamp, event, userId }) => [timestamp, event, userId])).toEqual([
      ['2024-05-01T10:00:00.123Z', 'login', 'alice'], ['2024-05-01T11:00:00.999Z', 'logout', 'alice'],
      ['2023-01-02T03:04:05.678Z', 'login', '17'], ['2023-01-02T04:04:05.000Z', 'timeout', '17'],
    ]);
    const old = (await readFile(join(place, 'app.log'), 'utf8')).split('\n');
    expect(imported[0]).toMatchObject({ instance: 'import', details: { imported: { from: 'app.log', line: 1, sha256: createHash('sha256').update(old[0] ?? '').digest('hex') } } });
    for (const { recordedAt } of imported) expect(Date.parse(recordedAt as string)).toBeGreaterThan(Date.now() - 600_000);
    expect(imported[0]?.['sessionId']).toBe(imported[1]?.['sessionId']);
    expect(JSON.stringify(imported)).not.toContain('hV4Kx0'); // the raw session id
  });

  it('records nothing twice, and nothing at all where a line is wrong', async () => {
    await copyScript();
    await followGuide('migrating.md', {});
    const before = await entries();
    const importing = (file: string): Promise<{ code: number | null; output: string }> => runShell(`SID_KEY_FILE=sid.key node import-sessions.mjs ${file} history`, join(place, 'bin'));
    expect(await importing('app.log')).toMatchObject({ code: 0 });
    expect(await entries()).toEqual(before);
    const good = '{"action":"login","user_id":1,"created_at":"2023-01-02T03:04:05Z"}\n';
    for (const bad of ['{"action":"login","user_id":1,"created_at":"2023-01-02T03:04:05"}', '{"action":"login","created_at":"2023-01-02T03:04:05Z"}', '{"action":"login"', '[]']) {
      await writeFile(join(place, 'bad.ndjson'), `${good}${bad}\n${good}`);
      const { code, output } = await importing('bad.ndjson');
      if (bad === '[]') continue; // no event: passed over
      expect({ bad, code, output }).toMatchObject({ code: 1, output: expect.stringMatching(/^bad\.ndjson:2: /) as string });
      expect(await entries()).toEqual(before);
    }
  });
});

describe('docs/guide/unusual.md', () => {
  it('shows what its example prints', async () => {
    const bin = await install();
    const blocks = await readBlocks('unusual.md');
    await writeFile(join(place, 'unusual.mjs'), blocks.find(({ from }) => from === 'examples/snippets/unusual.mjs')?.text ?? '');
    const { code, output } = await runShell('node unusual.mjs', bin);
    const steady = (text: string): string => text.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'ID').replace(/20\d\d-[\dT:.-]+Z/g, 'TIME');
    expect({ code, output: steady(output) }).toEqual({ code: 0, output: steady(blocks.find(({ language }) => language === 'text')?.text ?? '') });
  });
});
