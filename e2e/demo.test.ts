import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { EVENT_NAMES, parseEntry, SESSION_EVENTS } from '@indelible/event';
import { openReader } from '@indelible/log';
import { verifyLog } from '@indelible/verify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const example = join(root, 'examples', 'bank-express');

interface Run {
  readonly code: number | null;
  readonly output: string;
  readonly seconds: number;
}

/** Runs the demonstration as `npm run demo` does, with a temporary directory of its own. */
function runDemo(script: string, temporary: string, env: Record<string, string> = {}): Promise<Run> {
  const startedMs = performance.now();
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [script], { cwd: root, env: { ...process.env, TMPDIR: temporary, ...env }, timeout: 60_000 }, (_error, stdout, stderr) => {
      resolve({ code: child.exitCode, output: stdout + stderr, seconds: (performance.now() - startedMs) / 1000 });
    });
  });
}

describe('npm run demo', () => {
  let temporary = '';
  let run: Run;
  let place = '';

  beforeAll(async () => {
    temporary = await mkdtemp(join(tmpdir(), 'demo-'));
    run = await runDemo(join(example, 'demo.mjs'), temporary);
    place = join(temporary, (await readdir(temporary))[0] ?? '');
  });
  afterAll(() => rm(temporary, { recursive: true, force: true }));

  it('succeeds in well under 20 seconds', () => {
    expect(run).toMatchObject({ code: 0, output: expect.stringContaining('all four attempts caught') as string });
    expect(run.seconds).toBeLessThan(20);
  });

  it('shows every session event, and what goes with it', () => {
    for (const event of [...SESSION_EVENTS, 'login_failed', 'reauthenticated', 'revoked', 'session_use_after_end', 'log_started', 'log_stopped']) {
      expect(run.output).toMatch(new RegExp(`^ +\\d+ +(\\d\\d:\\d\\d:\\d\\d|today) +${event}\\b`, 'm'));
    }
    expect(run.output).toMatch(/T-0002 +4900\.00 +to R\. Novak +[0-9a-f]{8}-[0-9a-f]{4}… +signed in at entry \d+, from 203\.0\.113\.200/);
    expect(run.output.replaceAll(/\n {6}/g, '')).toContain('"reason":"2 sessions of this user are open; differs in network, device; unusual because first login from network 203.0.113.0/24');
  });

  it('catches four attempts, each where it begins', () => {
    expect(run.output).toMatch(/^ +SOUND /m);
    const caught = [...run.output.matchAll(/caught {2}(\w+) at entry (\d+)/g)].map(([, code, index]) => `${code} ${index}`);
    expect(caught).toEqual(['history_changed 12', 'history_changed 13', 'rolled_back 12', 'key_mismatch 0']);
    expect(run.output).toContain('Without the seal from elsewhere the verdict is sound');
    expect(run.output).not.toContain('NOT CAUGHT');
  });

  it('is plain text of at most 100 columns where it is not on a terminal', () => {
    expect(run.output).not.toContain('\u001b');
    expect(run.output.split('\n').filter((line) => line.length > 100)).toEqual([]);
  });

  it('says what it did not prove and how to go on', () => {
    expect(run.output).toMatch(/What this did not prove[^]*Try it yourself[^]*indelible verify[^]*quickstart/);
  });

  it('leaves a record that verifies, and copies that do not', async () => {
    const key = (await readFile(join(place, 'elsewhere', 'audit.vkey'), 'utf8')).trim();
    const since = await readFile(join(place, 'elsewhere', 'seal'), 'utf8');
    expect(await verifyLog(join(place, 'bank', 'audit'), { key, since })).toMatchObject({ verdict: 'sound' });
    for (const copy of ['a', 'b', 'c', 'd']) {
      expect(await verifyLog(join(place, `copy-${copy}`), { key, since })).toMatchObject({ verdict: 'not_sound' });
    }
    expect((await readdir(join(place, 'bank', 'audit'))).filter((name) => /key|pin/.test(name))).toEqual([]);
  });

  it('believes the proxy and not the customer about an address', async () => {
    const failed = (await readEntries()).find(({ event }) => event === 'login_failed');
    expect(failed).toMatchObject({ userId: 'jonas', ip: '192.0.2.77' });
  });

  it('names only events of the vocabulary, all but the log\'s own as of yesterday and recorded today', async () => {
    const entries = await readEntries();
    expect(entries.length).toBeGreaterThan(20);
    const yesterday = /The day: (\S+)/.exec(run.output)?.[1];
    for (const { event, timestamp, recordedAt } of entries) {
      expect(EVENT_NAMES).toContain(event);
      if (event.startsWith('log_')) continue;
      expect(timestamp.slice(0, 10)).toBe(yesterday);
      expect(Date.now() - Date.parse(recordedAt ?? '')).toBeLessThan(120_000);
    }
  });

  it('has no password and no raw session id anywhere, in the output or on the record', async () => {
    const { PASSWORDS } = (await import(pathToFileURL(join(example, 'demo', 'passwords.mjs')).href)) as { PASSWORDS: Record<string, string> };
    const record = await readFile(join(place, 'bank', 'audit', '000000.ndjson'), 'utf8');
    const passwords = Object.values(PASSWORDS);
    expect(passwords).toHaveLength(4);
    for (const text of [run.output, record]) {
      for (const password of passwords) expect(text).not.toContain(password);
      expect(text).not.toMatch(/s(%3A|:)[\w-]{32}/i);
    }
    // express-session's ids are 24 random bytes in base64url: 32 characters. A keyed hash has 43.
    for (const entry of await readEntries()) expect(JSON.stringify(entry)).not.toMatch(/(?<![\w-])[\w-]{32}(?![\w-])/);
  });

  async function readEntries(): Promise<ReturnType<typeof parseEntry>[]> {
    const reader = await openReader(join(place, 'bank', 'audit'));
    const entries = [];
    for await (const { bytes } of reader.entries()) entries.push(parseEntry(bytes));
    return entries;
  }
});

it('fails when an attempt is not caught', async () => {
  const temporary = await mkdtemp(join(tmpdir(), 'demo-'));
  try {
    const copy = join(temporary, 'bank-express');
    for (const part of ['demo.mjs', 'demo', 'dist', 'package.json']) await cp(join(example, part), join(copy, part), { recursive: true });
    await symlink(join(root, 'node_modules'), join(temporary, 'node_modules'));
    const tamper = join(copy, 'demo', 'tamper.mjs');
    const source = await readFile(tamper, 'utf8');
    const toothless = source.replace("text.replace(`${line}\\n`, () => '')", 'text');
    expect(toothless).not.toBe(source);
    await writeFile(tamper, toothless);
    const { code, output } = await runDemo(join(copy, 'demo.mjs'), temporary);
    expect(output).toContain('NOT CAUGHT  the verdict is sound');
    expect(output).toMatch(/FAILED: attempt b was not caught/);
    expect(code).toBe(1);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
});
