import { appendFileSync, cpSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { indelible, json, logins, newLogTemplate } from './support/indelible.ts';

let template: Awaited<ReturnType<typeof newLogTemplate>>;
let cwd: string;
let key: string;
/** A seal over the first 302 entries; there are 305. */
let kept: string;
beforeAll(async () => {
  template = await newLogTemplate();
  const directory = template.copy();
  await indelible(['append', 'audit'], { cwd: directory, stdin: logins(300) });
  kept = (await indelible(['seal', 'audit'], { cwd: directory })).stdout;
  await indelible(['append', 'audit'], { cwd: directory, stdin: logins(1) });
  template.adopt(directory);
  key = template.vkey;
});
afterAll(() => template.remove());
beforeEach(() => {
  cwd = template.copy();
});

describe('verify', () => {
  test('0: sound with the key', async () => {
    const { status, stdout, stderr } = await indelible(['verify', 'audit', '--key', key], { cwd });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^SOUND {2}entries 0–304/);
  });

  test('2: not proven without it', async () => {
    const { status, stdout } = await indelible(['verify', 'audit'], { cwd });
    expect(status).toBe(2);
    expect(stdout).toMatch(/^NOT PROVEN {2}consistent, key not proven/);
  });

  test('1: not sound, and says where', async () => {
    const segment = join(cwd, 'audit/000000.ndjson');
    writeFileSync(segment, readFileSync(segment, 'utf8').replace('"user-150"', '"user-151"'));
    const { status, stdout } = await indelible(['verify', 'audit', '--key', key], { cwd });
    expect(status).toBe(1);
    expect(stdout).toMatch(/^NOT SOUND/);
    expect(stdout).toMatch(/\nErrors\n {2}[a-z_]+ \(entry \d+/);
  });

  test('2: an empty log proves nothing', async () => {
    await indelible(['init', 'empty'], { cwd });
    const vkey = (await indelible(['key', 'show', 'empty'], { cwd })).stdout.trim();
    expect((await indelible(['verify', 'empty', '--key', vkey], { cwd })).status).toBe(2);
  });

  test('--json is the report', async () => {
    const { status, stdout } = await indelible(['verify', 'audit', '--json'], { cwd, env: { INDELIBLE_KEY: key } });
    expect(status).toBe(0);
    const report = json<Record<string, unknown>>(stdout);
    expect(Object.keys(report)).toEqual(expect.arrayContaining(['verdict', 'claim', 'origin', 'key', 'seal', 'coverage', 'findings', 'notChecked']));
    expect(report).toMatchObject({ verdict: 'sound', origin: template.origin, key: { text: key, proven: true }, seal: { treeSize: 305 }, findings: [] });
  });

  test('--key takes a file; a private key is refused and not shown', async () => {
    writeFileSync(join(cwd, 'vkey'), `${key}\n`);
    expect((await indelible(['verify', 'audit', '--key', 'vkey'], { cwd })).status).toBe(0);
    const secret = readFileSync(join(cwd, 'audit.key'), 'utf8').trim();
    for (const given of ['audit.key', secret]) {
      const { status, stderr } = await indelible(['verify', 'audit', '--key', given], { cwd });
      expect(status).toBe(2);
      expect(stderr).toMatch(/is a private signing key, which verifiers must not have: .*indelible key show/);
      expect(stderr).not.toContain(secret.slice(-20));
    }
  });

  test.each([
    ['no key', 'nonsense', /neither a public key .* nor a file/],
    ['a key with a typing error', 'a.example+00000000+AUnZ', /neither a public key/],
    ['a file of something else', 'audit/log.json', /does not hold a public key/],
    ['a directory', 'audit', /not a file/],
  ])('--key: %s', async (_what, given, message) => {
    const { status, stderr } = await indelible(['verify', 'audit', '--key', given], { cwd });
    expect(status).toBe(2);
    expect(stderr).toMatch(message);
  });

  test('the key of another log: not sound', async () => {
    await indelible(['init', 'other'], { cwd });
    const other = (await indelible(['key', 'show', 'other'], { cwd })).stdout.trim();
    expect((await indelible(['verify', 'audit', '--key', other], { cwd })).status).toBe(1);
  });
});

describe('verify --since', () => {
  test.each([
    ['the text of a note', (note: string): string => note],
    ['a file with the note', (note: string): string => write('kept.seal', note)],
    ['a file of JSON lines, the last one', (note: string): string => write('seals.jsonl', `"not a seal"\n${JSON.stringify(note)}\n`)],
    ['JSON lines with a torn end', (note: string): string => write('seals.jsonl', `"not a seal"\n${JSON.stringify(note)}\n"indelible.lo`)],
    ['a long file of JSON lines', (note: string): string => write('seals.jsonl', `${JSON.stringify(note)}\n`.repeat(600))],
  ])('%s', async (_what, keep) => {
    const given = keep(kept);
    const { status, stdout } = await indelible(['verify', 'audit', '--key', key, '--since', given], { cwd });
    expect(status).toBe(0);
    expect(stdout).toContain('detects rewriting since seal 302');
  });

  function write(name: string, text: string): string {
    writeFileSync(join(cwd, name), text);
    return name;
  }

  test('a file is no log: says what it expects', async () => {
    const file = join(cwd, 'audit/000000.ndjson');
    const expected = /000000\.ndjson is a file: name the directory of a log .*tiles .*https:/;
    expect(await indelible(['verify', file], { cwd })).toMatchObject({ status: 2, stdout: '', stderr: expect.stringMatching(expected) as string });
  });

  test('shows a roll-back, and so does the pin', async () => {
    cpSync(join(cwd, 'audit'), join(cwd, 'older'), { recursive: true });
    await indelible(['append', 'audit'], { cwd, stdin: logins(1) });
    writeFileSync(join(cwd, 'kept.seal'), (await indelible(['seal', 'audit'], { cwd })).stdout);
    expect((await indelible(['verify', 'older', '--key', key], { cwd })).status).toBe(0); // nobody can see it without
    const since = await indelible(['verify', 'older', '--key', key, '--since', 'kept.seal'], { cwd });
    expect(since).toMatchObject({ status: 1, stdout: expect.stringContaining('rolled_back') as string });
    expect((await indelible(['verify', 'older', '--key', key, '--pin', 'audit.key.pin'], { cwd })).status).toBe(1);
    expect((await indelible(['verify', 'audit', '--key', key, '--pin', 'audit.key.pin'], { cwd })).status).toBe(0);
  });

  test('what is no seal is a mistake of the caller: 2', async () => {
    appendFileSync(join(cwd, 'x'), 'hello\n');
    expect(await indelible(['verify', 'audit', '--since', 'x'], { cwd })).toMatchObject({ status: 2, stdout: '' });
    expect(await indelible(['verify', 'audit', '--since', 'nowhere'], { cwd })).toMatchObject({ status: 2, stderr: expect.stringContaining('nowhere: there is no such file') as string });
  });
});

describe('verify of tiles', () => {
  test('in a directory and over HTTP', async () => {
    await indelible(['tiles', 'audit', '--out', 'tiles'], { cwd });
    expect((await indelible(['verify', 'tiles', '--key', key], { cwd })).status).toBe(0);
    const root = join(cwd, 'tiles');
    const server = createServer((request, response) => {
      try {
        response.end(readFileSync(join(root, new URL(request.url ?? '', 'http://localhost').pathname.replace(/^\/log/, ''))));
      } catch {
        response.writeHead(404).end();
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/log/`;
    const { status, stdout } = await indelible(['verify', url, '--key', key], { cwd });
    expect(stdout).toMatch(/^SOUND {2}entries 0–304/);
    expect(status).toBe(0);
    writeFileSync(join(root, 'checkpoint'), readFileSync(join(root, 'checkpoint'), 'utf8').replace('\n305\n', '\n304\n'));
    expect((await indelible(['verify', url, '--key', key], { cwd })).status).toBe(1);
  });
});
