import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkTlogProof, decodeBundle, leafHash, parseTlogProof, parseVerifierKey } from '@indelible/tlog';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { entriesOf, indelible, json, lines, logins, newLogTemplate } from './support/indelible.ts';

let template: Awaited<ReturnType<typeof newLogTemplate>>;
let cwd: string;
beforeAll(async () => {
  template = await newLogTemplate();
  const directory = template.copy();
  await indelible(['append', 'audit'], { cwd: directory, stdin: logins(598) }); // 600 with start and stop: two full bundles and 88
  template.adopt(directory);
});
afterAll(() => template.remove());
beforeEach(() => {
  cwd = template.copy();
});

describe('seal', () => {
  test('prints the newest seal, to a file if asked', async () => {
    const { status, stdout } = await indelible(['seal', 'audit'], { cwd });
    expect(status).toBe(0);
    expect(stdout).toMatch(new RegExp(`^${template.origin}\n600\n[A-Za-z0-9+/]{43}=\n\n— ${template.origin} [A-Za-z0-9+/=]+\n$`));
    expect((await indelible(['seal', 'audit', '--out', 'kept.seal'], { cwd })).status).toBe(0);
    expect(readFileSync(join(cwd, 'kept.seal'), 'utf8')).toBe(stdout);
    const report = json((await indelible(['seal', 'audit', '--json'], { cwd })).stdout);
    expect(report).toEqual({ origin: template.origin, treeSize: 600, rootHash: stdout.split('\n')[2], note: stdout });
  });

  test('1 where nothing is sealed yet; 2 where the file cannot be written', async () => {
    await indelible(['init', 'empty'], { cwd });
    expect(await indelible(['seal', 'empty'], { cwd })).toMatchObject({ status: 1, stdout: '', stderr: expect.stringContaining('nothing is sealed') as string });
    expect(await indelible(['seal', 'audit', '--out', 'nodir/x'], { cwd })).toMatchObject({ status: 2, stdout: '', stderr: expect.stringMatching(/no directory nodir:/) as string });
    mkdirSync(join(cwd, 'dir'));
    expect((await indelible(['prove', 'audit', '--index', '0', '--out', 'dir'], { cwd })).stderr).toMatch(/^indelible: dir: is a directory/);
    expect(readdirSync(cwd).filter((name) => name.includes('.new-'))).toEqual([]);
  });

  test('a kept seal is replaced by one that continues it, with the cache or without', async () => {
    for (const cache of [true, false]) {
      await indelible(['seal', 'audit', '--out', 'kept.seal'], { cwd });
      await indelible(['append', 'audit'], { cwd, stdin: logins(1) });
      if (!cache) rmSync(join(cwd, 'audit/cache'), { recursive: true });
      expect(await indelible(['seal', 'audit', '--out', 'kept.seal'], { cwd })).toMatchObject({ status: 0, stderr: '' });
      expect(readFileSync(join(cwd, 'kept.seal'), 'utf8')).toBe((await indelible(['seal', 'audit'], { cwd })).stdout);
    }
  });

  test('a kept seal that the log does not continue stays as it is', async () => {
    const expectRefusal = async (store: string, status: number, message: RegExp, file = 'kept.seal'): Promise<void> => {
      const before = readFileSync(join(cwd, file), 'utf8');
      const result = await indelible(['seal', store, '--out', file], { cwd });
      expect(result).toMatchObject({ status, stdout: '', stderr: expect.stringMatching(message) as string });
      expect(readFileSync(join(cwd, file), 'utf8')).toBe(before);
    };
    cpSync(join(cwd, 'audit'), join(cwd, 'older'), { recursive: true });
    await indelible(['append', 'audit'], { cwd, stdin: logins(1) });
    await indelible(['seal', 'audit', '--out', 'kept.seal'], { cwd });
    await expectRefusal('older', 1, /now has 600 entries, the seal kept in kept\.seal is over 603 entries: .*left as it is; run `indelible verify \S+ --since \S+kept\.seal`/);
    // Another history of the same name and key, longer and of the same size.
    const fork = template.copy();
    rmSync(join(fork, 'audit'), { recursive: true });
    rmSync(join(fork, 'audit.key.pin'));
    await indelible(['init', 'audit', '--signing-key', './audit.key'], { cwd: fork });
    await indelible(['append', 'audit'], { cwd: fork, stdin: logins(601, 7) });
    await expectRefusal(join(fork, 'audit'), 1, /at 603 entries the log now has another root/);
    await indelible(['append', 'audit'], { cwd: fork, stdin: logins(1) });
    await expectRefusal(join(fork, 'audit'), 1, /at 603 entries the log now has another root/);
    // Something else.
    writeFileSync(join(cwd, 'notes.txt'), 'milk, bread\n');
    await expectRefusal('audit', 2, /notes\.txt holds something else than a seal/, 'notes.txt');
    await indelible(['init', 'other'], { cwd });
    await indelible(['append', 'other'], { cwd, stdin: logins(1) });
    await expectRefusal('other', 2, /holds a seal of the log/);
    // The pin knows more than the log.
    cpSync(join(cwd, 'audit.key.pin'), join(cwd, 'older.key.pin'));
    rmSync(join(cwd, 'kept.seal'));
    expect(await indelible(['seal', 'older', '--out', 'kept.seal'], { cwd })).toMatchObject({ status: 1, stderr: expect.stringMatching(/rolled back .*older\.key\.pin/) as string });
    expect(existsSync(join(cwd, 'kept.seal'))).toBe(false);
  });
});

describe('prove', () => {
  test('any entry, so that others can check it with the public key', async () => {
    const entries = lines((await indelible(['tail', 'audit', '--events'], { cwd })).stdout);
    for (const index of [0, 255, 256, 599]) {
      const { status, stdout } = await indelible(['prove', 'audit', '--index', String(index)], { cwd });
      expect(status).toBe(0);
      const proof = parseTlogProof(stdout);
      const policy = { leafHash: leafHash(Buffer.from(entries[index]!)), origin: template.origin, logKeys: [parseVerifierKey(template.vkey)] };
      expect((await checkTlogProof(proof, policy)).checkpoint.treeSize).toBe(600);
      await expect(checkTlogProof(proof, { ...policy, leafHash: leafHash(Buffer.from(`${entries[index]!} `)) })).rejects.toThrow();
    }
  });

  test('by id, with everything as JSON, to a file', async () => {
    const { id } = entriesOf(cwd)[42] as { id: string };
    const result = json<Record<string, unknown>>((await indelible(['prove', 'audit', '--id', id, '--json', '--out', 'p.tlog-proof'], { cwd })).stdout);
    expect(Object.keys(result)).toEqual(['index', 'id', 'entry', 'treeSize', 'proof', 'checkpoint', 'tlogProof', 'out']);
    expect(result).toMatchObject({ index: 42, id, treeSize: 600, out: 'p.tlog-proof' });
    expect(json(result['entry'] as string)).toEqual(entriesOf(cwd)[42]);
    expect(readFileSync(join(cwd, 'p.tlog-proof'), 'utf8')).toBe(result['tlogProof']);
  });

  test('also without the cache', async () => {
    const { stdout } = await indelible(['prove', 'audit', '--index', '300'], { cwd });
    rmSync(join(cwd, 'audit/cache'), { recursive: true });
    expect((await indelible(['prove', 'audit', '--index', '300'], { cwd })).stdout).toBe(stdout);
  });

  test('1 where there is no such entry', async () => {
    expect(await indelible(['prove', 'audit', '--index', '600'], { cwd })).toMatchObject({ status: 1, stdout: '', stderr: expect.stringContaining('600 sealed entries') as string });
    expect((await indelible(['prove', 'audit', '--id', '01a1fb17-9b8c-73d8-aab7-0df1ec368487'], { cwd })).status).toBe(1);
  });
});

describe('tiles', () => {
  test('are the entries and their hashes, as C2SP says', async () => {
    const { status, stdout } = await indelible(['tiles', 'audit', '--out', 't'], { cwd });
    expect(status).toBe(0);
    expect(stdout).toContain('600 new');
    expect(files(join(cwd, 't'))).toEqual([
      'checkpoint', 'tile/0/000', 'tile/0/001', 'tile/0/002.p/88', 'tile/1/000.p/2', 'tile/entries/000', 'tile/entries/001', 'tile/entries/002.p/88',
    ]);
    const bundles = ['000', '001', '002.p/88'].flatMap((name) => decodeBundle(readFileSync(join(cwd, 't/tile/entries', name))));
    expect(bundles.map((entry) => json(Buffer.from(entry).toString()))).toEqual(entriesOf(cwd));
    expect(readFileSync(join(cwd, 't/checkpoint'), 'utf8')).toBe((await indelible(['seal', 'audit'], { cwd })).stdout);
  });

  test('grow with the log: what is there stays, the result is that of one go', async () => {
    await indelible(['tiles', 'audit', '--out', 't'], { cwd });
    const before = statSync(join(cwd, 't/tile/entries/001')).mtimeMs;
    await indelible(['append', 'audit'], { cwd, stdin: logins(300) });
    const { stdout } = await indelible(['tiles', 'audit', '--out', 't', '--json'], { cwd });
    expect(json(stdout)).toMatchObject({ origin: template.origin, treeSize: 902, before: 600, out: 't' });
    expect(statSync(join(cwd, 't/tile/entries/001')).mtimeMs).toBe(before);
    await indelible(['tiles', 'audit', '--out', 'whole'], { cwd });
    for (const file of files(join(cwd, 'whole'))) expect(digest(join(cwd, 't', file))).toBe(digest(join(cwd, 'whole', file)));
    expect((await indelible(['verify', 't', '--key', template.vkey], { cwd })).status).toBe(0);
    expect((await indelible(['tiles', 'audit', '--out', 't'], { cwd })).stdout).toContain('(0 new)');
  });

  test('heal: without the cache, and where tiles of the older export are damaged', async () => {
    await indelible(['tiles', 'audit', '--out', 't'], { cwd });
    await indelible(['append', 'audit'], { cwd, stdin: logins(1) });
    writeFileSync(join(cwd, 't/tile/1/000.p/2'), 'nonsense');
    rmSync(join(cwd, 'audit/cache'), { recursive: true });
    expect((await indelible(['tiles', 'audit', '--out', 't'], { cwd })).status).toBe(0);
    expect((await indelible(['verify', 't', '--key', template.vkey], { cwd })).status).toBe(0);
  });

  test('refuse a directory that holds something else, and leave it alone', async () => {
    await indelible(['tiles', 'audit', '--out', 't'], { cwd });
    await indelible(['init', 'other'], { cwd });
    await indelible(['append', 'other'], { cwd, stdin: logins(700) });
    const expectRefusal = async (args: string[], message: RegExp): Promise<void> => {
      const before = files(join(cwd, 't')).map((file) => digest(join(cwd, 't', file)));
      const { status, stderr } = await indelible(['tiles', ...args], { cwd });
      expect(status).toBe(2);
      expect(stderr).toMatch(message);
      expect(files(join(cwd, 't')).map((file) => digest(join(cwd, 't', file)))).toEqual(before);
    };
    await expectRefusal(['other', '--out', 't'], /its checkpoint is none of the log/);
    await expectRefusal(['audit', '--out', 'other'], /it is the directory of a log/);
    mkdirSync(join(cwd, 'public'));
    writeFileSync(join(cwd, 'public/index.html'), '');
    await expectRefusal(['audit', '--out', 'public'], /is not empty and holds no tiles/);
    expect(readdirSync(join(cwd, 'public'))).toEqual(['index.html']);
    await expectRefusal(['audit', '--out', 'audit.key'], /is not a directory/);
    // Another history of the same name and key: what a holder of the key could do.
    const fork = template.copy();
    rmSync(join(fork, 'audit'), { recursive: true });
    rmSync(join(fork, 'audit.key.pin'));
    await indelible(['init', 'audit', '--signing-key', './audit.key'], { cwd: fork });
    await indelible(['append', 'audit'], { cwd: fork, stdin: logins(900, 7) });
    await expectRefusal([join(fork, 'audit'), '--out', 't'], /at its size, 600, this log has another root/);
    // The log was rolled back.
    cpSync(join(cwd, 'audit'), join(cwd, 'older'), { recursive: true });
    await indelible(['append', 'audit'], { cwd, stdin: logins(1) });
    await indelible(['tiles', 'audit', '--out', 't'], { cwd });
    await expectRefusal(['older', '--out', 't'], /is over 603 entries, the log holds 600/);
  });

  test('1 where nothing is sealed', async () => {
    await indelible(['init', 'empty'], { cwd });
    expect((await indelible(['tiles', 'empty', '--out', 't'], { cwd })).status).toBe(1);
    expect(existsSync(join(cwd, 't'))).toBe(false);
  });
});

describe('rebuild', () => {
  test('makes the cache that the writer had made', async () => {
    const before = files(join(cwd, 'audit/cache')).map((file) => [file, digest(join(cwd, 'audit/cache', file))]);
    rmSync(join(cwd, 'audit/cache'), { recursive: true });
    const { status, stdout } = await indelible(['rebuild', 'audit'], { cwd });
    expect(status).toBe(0);
    expect(stdout).toMatch(/^Rebuilt the cache of 600 entries in /);
    expect(files(join(cwd, 'audit/cache')).map((file) => [file, digest(join(cwd, 'audit/cache', file))])).toEqual(before);
    expect(json((await indelible(['rebuild', 'audit', '--json'], { cwd })).stdout)).toEqual({ entries: 600, durationMs: expect.any(Number) as number });
  });

  test('needs no key, and works after a change of key', async () => {
    await indelible(['key', 'rotate', 'audit'], { cwd });
    rmSync(join(cwd, 'audit.key'));
    expect((await indelible(['rebuild', 'audit'], { cwd })).stdout).toContain('603 entries'); // log_started, key_changed, log_stopped
  });

  test('1 where the record is damaged', async () => {
    const segment = join(cwd, 'audit/000000.ndjson');
    writeFileSync(segment, readFileSync(segment, 'utf8').replace('"user-300"', '"user-301"'));
    expect(await indelible(['rebuild', 'audit'], { cwd })).toMatchObject({ status: 1, stdout: '' });
  });
});

function files(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .sort();
}

function digest(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

describe('verify FILE', () => {
  const prove = async (...more: string[]): Promise<string> => (await indelible(['prove', 'audit', '--index', '7', ...more], { cwd })).stdout;
  const verify = (...args: string[]) => indelible(['verify', ...args], { cwd });
  const keyFile = (): string => {
    const { key } = JSON.parse(readFileSync(join(cwd, 'audit/log.json'), 'utf8')) as { key: string };
    writeFileSync(join(cwd, 'audit.vkey'), `${key}\n`);
    return 'audit.vkey';
  };

  test('proves one entry without the log', async () => {
    const key = keyFile();
    writeFileSync(join(cwd, 'proof.json'), await prove('--json'));
    await prove('--out', 'seven.tlog-proof');
    writeFileSync(join(cwd, 'seven.json'), `${(json(readFileSync(join(cwd, 'proof.json'), 'utf8')) as { entry: string }).entry}\n`);
    rmSync(join(cwd, 'audit'), { recursive: true });
    for (const args of [['proof.json'], ['seven.tlog-proof', '--entry', 'seven.json']]) {
      expect(await verify(...args, '--key', key)).toMatchObject({ status: 0, stderr: '', stdout: expect.stringMatching(/^SOUND: proven: this is entry 7 of .*, under the seal over 600, signed by the key that was given\n$/) as string });
      expect(await verify(...args)).toMatchObject({ status: 2, stdout: expect.stringMatching(/^NOT PROVEN: consistent, key not proven: .*--key/) as string });
    }
    expect(json((await verify('proof.json', '--key', key, '--json')).stdout)).toMatchObject({ verdict: 'sound', index: 7, treeSize: 600, key: { proven: true } });
  });

  test('refuses what was changed', async () => {
    const key = keyFile();
    const whole = json(await prove('--json')) as { entry: string; tlogProof: string };
    for (const forged of [
      { ...whole, entry: whole.entry.replace('login', 'logout') },
      { ...whole, tlogProof: whole.tlogProof.replace('index 7', 'index 8') },
      { ...whole, tlogProof: whole.tlogProof.replace('\n600\n', '\n601\n') },
    ]) {
      writeFileSync(join(cwd, 'forged.json'), JSON.stringify(forged));
      expect(await verify('forged.json', '--key', key)).toMatchObject({ status: 1, stdout: expect.stringMatching(/^NOT SOUND: /) as string });
    }
    const other = (await indelible(['init', 'other', '--origin', template.origin], { cwd })).stdout.match(/\S+\+[0-9a-f]{8}\+\S+/)![0];
    writeFileSync(join(cwd, 'proof.json'), JSON.stringify(whole));
    expect((await verify('proof.json', '--key', other)).status).toBe(1);
  });

  test('says what is missing', async () => {
    writeFileSync(join(cwd, 'p.tlog-proof'), await prove());
    writeFileSync(join(cwd, 'cut.tlog-proof'), (await prove()).slice(0, 60));
    writeFileSync(join(cwd, 'no.json'), '{"a":1}');
    expect(await verify('p.tlog-proof')).toMatchObject({ status: 2, stderr: expect.stringMatching(/--entry FILE/) as string });
    expect(await verify('cut.tlog-proof', '--entry', 'no.json')).toMatchObject({ status: 2, stderr: expect.stringMatching(/not a tlog-proof/) as string });
    expect(await verify('no.json')).toMatchObject({ status: 2, stderr: expect.stringMatching(/prove --json/) as string });
    expect(await verify('p.tlog-proof', '--entry', 'no.json', '--since', 'x')).toMatchObject({ status: 2, stderr: expect.stringMatching(/--since/) as string });
  });
});
