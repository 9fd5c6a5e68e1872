import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parseEntry, type Entry } from '@indelible/event';
import { createLog, createSigningKey, openReader, parseSigningKey } from '@indelible/log';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

// examples/next-authjs as somebody else would run it: installed from the registry, built, started, and used by browsers. Half a
// gigabyte and some minutes, so only where REQUIRE_SERVICES=1 asks for it.

const run = promisify(execFile);
const root = fileURLToPath(new URL('..', import.meta.url));
const isWanted = process.env['REQUIRE_SERVICES'] === '1';
if (!isWanted) process.stderr.write('skipped: examples/next-authjs installs Next.js from the registry (350 MB); set REQUIRE_SERVICES=1 to run it\n');

const SECRET = randomBytes(32).toString('base64url');
let place: string;
let url: string;
let server: ChildProcess | undefined;
let output = '';

describe.runIf(isWanted)('examples/next-authjs', () => {
  beforeAll(async () => {
    place = await mkdtemp(join(tmpdir(), 'indelible-next-'));
    await cp(join(root, 'examples', 'next-authjs'), place, { recursive: true, filter: (path) => !/[/\\](?:node_modules|\.next)(?:[/\\]|$)/.test(path.slice(root.length)) });
    const manifest = JSON.parse(await readFile(join(place, 'package.json'), 'utf8')) as { dependencies: Record<string, string> };
    const own = Object.keys(manifest.dependencies).filter((name) => name.startsWith('@indelible/'));
    for (const name of own) delete manifest.dependencies[name];
    await writeFile(join(place, 'package.json'), JSON.stringify(manifest));
    await run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: place, timeout: 300_000 });
    // Ours as the registry would have them: the built files, not links, which a bundler follows out of the application.
    for (const name of ['tlog', 'event', 'log', 'session']) {
      const to = join(place, 'node_modules', '@indelible', name);
      await mkdir(to, { recursive: true });
      for (const part of ['package.json', 'dist']) await cp(join(root, 'packages', name, part), join(to, part), { recursive: true });
    }
    await run(process.execPath, [next(), 'build'], { cwd: place, env: environment(), timeout: 420_000 });

    const { secret } = createSigningKey('next.example/sessions');
    await writeFile(join(place, 'audit.key'), secret, { mode: 0o600 });
    await createLog(join(place, 'audit'), { signer: parseSigningKey(secret) });
    await writeFile(join(place, 'sid-hash.key'), randomBytes(32));
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    server = spawn(process.execPath, [next(), 'start', '-H', '127.0.0.1', '-p', String(port)], { cwd: place, env: environment(), stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [server.stdout, server.stderr]) stream?.on('data', (text: Buffer) => (output += String(text)));
    await listening();
  }, 900_000);

  afterAll(async () => {
    if (server !== undefined && server.exitCode === null) {
      server.kill('SIGKILL');
      await once(server, 'exit');
    }
    await rm(place, { recursive: true, force: true });
  });

  it('records logins and logouts of Auth.js in route handlers, pages and server actions', async () => {
    const ada = new Browser('198.51.100.7');
    expect((await ada.get('/api/balance')).status).toBe(401);
    expect((await ada.signIn('ada', 'wrong')).headers.get('location')).toContain('error=CredentialsSignin');
    await ada.signIn('ada', 'horse');
    expect(await (await ada.get('/api/balance')).json()).toMatchObject({ user: 'ada' });
    const page = await (await ada.get('/')).text();
    expect(page).toContain('Signed in as');

    const elsewhere = new Browser('203.0.113.9');
    await elsewhere.signIn('ada', 'horse');
    const thief = elsewhere.clone('192.0.2.66');
    await elsewhere.post('/api/auth/signout', {});
    expect((await elsewhere.get('/api/balance')).status).toBe(401);
    expect((await thief.get('/api/balance')).status, 'a stolen token, after the logout').toBe(401);

    await ada.callAction(page);
    expect((await ada.get('/api/balance')).status).toBe(401);

    const entries = await record();
    const events = entries.map(({ event }) => event);
    expect(events, output).toEqual([
      'login_failed', 'login', 'login', 'concurrent_warning', 'logout', 'session_use_after_end', 'revoked', 'session_use_after_end',
    ]);
    const [failed, first, second, warning, logout, stolen, revoked] = entries;
    expect(failed).toMatchObject({ outcome: 'failure', ip: '198.51.100.7', resource: '/api/auth/callback/credentials' });
    expect(first).toMatchObject({ userId: 'ada', ip: '198.51.100.7', app: 'next-authjs' });
    expect(warning).toMatchObject({ sessionId: second?.sessionId, details: { others: [{ sessionId: first?.sessionId }] } });
    expect(logout).toMatchObject({ sessionId: second?.sessionId, initiator: 'user', ip: '203.0.113.9' });
    expect(stolen).toMatchObject({ sessionId: second?.sessionId, ip: '192.0.2.66' });
    expect(revoked).toMatchObject({ sessionId: first?.sessionId, reason: 'signed_out_everywhere', resource: 'signOutEverywhere' });
    const text = JSON.stringify(entries);
    for (const secret of [...ada.secrets, ...elsewhere.secrets]) expect(text.includes(secret)).toBe(false);
  }, 60_000);

  it('has opened one log in all its bundles, and its sweeper with the server', async () => {
    const started = (await record(true)).filter(({ event, details }) => event === 'log_started' && details?.['adapter'] === 'authjs');
    expect(started).toHaveLength(1);
    expect(output).not.toContain('ERR_');
  });

  it('closes the tracker, then its log, when the server is told to stop', async () => {
    if (server === undefined) throw new Error('the application was not started');
    const ended = once(server, 'exit');
    server.kill('SIGTERM');
    expect(await ended).toEqual([143, null]);
    const all = await record(true);
    expect(all.slice(-2).map(({ event, details }) => [event, details?.['adapter']])).toEqual([['log_stopped', 'authjs'], ['log_stopped', undefined]]);
  }, 20_000);
});

class Browser {
  readonly secrets = new Set<string>();
  readonly #cookies = new Map<string, string>();
  readonly #ip: string;

  constructor(ip: string) {
    this.#ip = ip;
  }

  clone(ip: string): Browser {
    const copy = new Browser(ip);
    for (const [name, value] of this.#cookies) copy.#cookies.set(name, value);
    return copy;
  }

  get(path: string): Promise<Response> {
    return this.#send(path, {});
  }

  async post(path: string, form: Record<string, string>): Promise<Response> {
    const { csrfToken } = (await (await this.get('/api/auth/csrf')).json()) as { csrfToken: string };
    return this.#send(path, { method: 'POST', body: new URLSearchParams({ csrfToken, ...form }) });
  }

  signIn(name: string, password: string): Promise<Response> {
    return this.post('/api/auth/callback/credentials', { name, password });
  }

  /** Submits the page's form as a browser without scripts does. */
  callAction(page: string): Promise<Response> {
    const body = new FormData();
    for (const [, name = ''] of page.matchAll(/<input type="hidden" name="([^"]+)"/g)) body.append(name, '');
    return this.#send('/', { method: 'POST', body });
  }

  async #send(path: string, init: RequestInit): Promise<Response> {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const headers = { 'x-forwarded-for': this.#ip, 'user-agent': `Browser at ${this.#ip}`, origin: url, cookie };
    const response = await fetch(`${url}${path}`, { ...init, headers, redirect: 'manual' });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === '') this.#cookies.delete(name);
      else this.#cookies.set(name, value);
      if (name.includes('session-token') && value !== '') for (const part of value.split('.')) if (part.length >= 16) this.secrets.add(part);
    }
    return response;
  }
}

async function record(all = false): Promise<Entry[]> {
  const found: Entry[] = [];
  for await (const { bytes } of (await openReader(join(place, 'audit'))).entries()) found.push(parseEntry(new TextDecoder().decode(bytes)));
  return all ? found : found.filter(({ event }) => !/^(?:log_|heartbeat)/.test(event));
}

function next(): string {
  return join(place, 'node_modules', 'next', 'dist', 'bin', 'next');
}

function environment(): NodeJS.ProcessEnv {
  const { PATH, HOME } = process.env;
  return {
    PATH, HOME, NODE_ENV: 'production', NEXT_TELEMETRY_DISABLED: '1', NEXTAUTH_URL: url ?? 'http://127.0.0.1', NEXTAUTH_SECRET: SECRET, DEMO_PASSWORD: 'horse', SID_HASH_KEY_FILE: 'sid-hash.key',
    NEXT_MANUAL_SIG_HANDLE: 'true',
  };
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

async function listening(): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    if (await fetch(`${url}/api/balance`).then(() => true, () => false)) return;
    if (server?.exitCode !== null && server?.exitCode !== undefined) break;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(`the application does not listen: ${output}`);
}
