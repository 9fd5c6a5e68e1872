import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { verifyLog, type Report } from '@indelible/verify';
import { codesOf, scratchDirectory } from './support/bench.ts';
import { RecordWriter, Tree, makeEntry, makeKey, makeNote } from './support/record-writer.mjs';
import { makeTiles, pathOf, writeFiles } from './support/tile-writer.ts';

const KEY = makeKey('tiles.example', 21);
const NEXT_KEY = makeKey('tiles.example', 22);
const scratch = scratchDirectory();
afterAll(() => scratch.remove());

const entriesOf = (count: number): string[] => Array.from({ length: count }, (_, i) => makeEntry(i));
let directories = 0;
function write(files: ReadonlyMap<string, Uint8Array>): string {
  const directory = scratch.at(`tiles-${directories++}`);
  writeFiles(directory, files);
  return directory;
}
function noteOf(entries: readonly string[]): string {
  const tree = new Tree();
  for (const entry of entries) tree.add(entry);
  return makeNote(KEY, entries.length, tree.root);
}

describe('tiles in a directory', () => {
  test.each([1, 2, 255, 256, 257, 700, 70_000])('%i entries are sound, every one hashed', async (count) => {
    const directory = write(makeTiles(entriesOf(count), KEY));
    const since = noteOf(entriesOf(Math.ceil(count / 2)));
    const report = await verifyLog(directory, { key: KEY.vkey, since });
    expect(report).toMatchObject({ verdict: 'sound', coverage: { entries: count }, seal: { treeSize: count }, findings: [] });
    expect(report.claim).toContain('detects rewriting since seal');
    expect(report.claim).toMatch(/; tiles were verified, not a record directory$/);
  });

  test('without a key nothing is proven, and the report says why', async () => {
    const report = await verifyLog(write(makeTiles(entriesOf(3), KEY)));
    expect(report.verdict).toBe('not_proven');
    expect(codesOf(report)).toEqual(['key_not_proven']);
    expect(report.claim).toMatch(/^consistent, key not proven/);
  });

  test('an empty log proves nothing', async () => {
    const report = await verifyLog(write(makeTiles([], KEY)), { key: KEY.vkey });
    expect([report.verdict, ...codesOf(report)]).toEqual(['not_proven', 'nothing_sealed']);
  });

  test('follows a change of key in the entries', async () => {
    const writer = new RecordWriter(scratch.at('rotated'), KEY);
    const entries = [...entriesOf(3), writer.keyChange(NEXT_KEY, 3), makeEntry(4)];
    const directory = write(makeTiles(entries, NEXT_KEY));
    const report = await verifyLog(directory, { key: KEY.vkey });
    expect([report.verdict, ...codesOf(report)]).toEqual(['sound', 'key_changed@3']);
    const forged = await verifyLog(write(makeTiles(entriesOf(3), NEXT_KEY)), { key: KEY.vkey });
    expect([forged.verdict, ...codesOf(forged)]).toEqual(['not_sound', 'checkpoint_invalid@0']);
  });

  test('another origin, another key', async () => {
    const directory = write(makeTiles(entriesOf(3), KEY));
    const report = await verifyLog(directory, { key: makeKey('other.example', 21).vkey });
    expect([report.verdict, ...codesOf(report)]).toEqual(['not_sound', 'key_mismatch@0']);
  });

  test('a kept seal that the log does not continue', async () => {
    const directory = write(makeTiles(entriesOf(300), KEY));
    const rewritten = entriesOf(200);
    rewritten[100] = makeEntry(100, { userId: 'mallory' });
    expect(codesOf(await verifyLog(directory, { key: KEY.vkey, since: noteOf(rewritten) }))).toEqual(['history_rewritten@0']);
    expect(codesOf(await verifyLog(directory, { key: KEY.vkey, since: noteOf(entriesOf(301)) }))).toEqual(['rolled_back@300']);
    // Without a key the signature of the kept seal cannot be verified, but what it says counts.
    expect((await verifyLog(directory, { since: noteOf(rewritten) })).verdict).toBe('not_sound');
    expect((await verifyLog(directory, { since: noteOf(entriesOf(200)) })).verdict).toBe('not_proven');
  });

  test('a partial tile or bundle may be gone where the full one exists', async () => {
    const files = makeTiles(entriesOf(700), KEY);
    const old = makeTiles(entriesOf(600), KEY);
    files.set('checkpoint', old.get('checkpoint')!);
    const report = await verifyLog(write(files), { key: KEY.vkey });
    // 600 = 2 · 256 + 88: the partial files of width 88 are not there, those of 188 are; neither is a full one.
    expect(codesOf(report)).toContain('tile_missing@512');
    const full = makeTiles(entriesOf(768), KEY);
    full.set('checkpoint', old.get('checkpoint')!);
    full.set(pathOf(1, 0, 2), full.get(pathOf(1, 0, 3))!.subarray(0, 64));
    expect((await verifyLog(write(full), { key: KEY.vkey })).verdict).toBe('sound');
  });

  describe('each file changed', () => {
    const entries = entriesOf(600);
    const files = makeTiles(entries, KEY);

    test.each([...files.keys()])('%s: no byte can be changed unseen', async (path) => {
      const bytes = files.get(path)!;
      const places = new Set([0, 1, 40, bytes.length - 1, ...Array.from({ length: 12 }, (_, i) => Math.floor((bytes.length * i) / 12))]);
      for (const at of places) {
        const changed = Buffer.from(bytes);
        changed[at] = changed[at]! ^ 0x01;
        expect(await verdictWith(path, changed), `byte ${at}`).toBe('not_sound');
      }
    });

    test.each([...files.keys()])('%s: missing, empty, cut, longer', async (path) => {
      const bytes = files.get(path)!;
      expect(await verdictWith(path, undefined)).toBe('not_sound');
      for (const other of [Buffer.alloc(0), bytes.subarray(0, -1), Buffer.concat([bytes, Buffer.from('x')])]) {
        expect(await verdictWith(path, other)).toBe('not_sound');
      }
    });

    async function verdictWith(path: string, bytes: Uint8Array | undefined): Promise<string> {
      const changed = new Map<string, Uint8Array>(files);
      if (bytes === undefined) changed.delete(path);
      else changed.set(path, bytes);
      const report = await verifyLog(write(changed), { key: KEY.vkey });
      expect(report.findings.filter(({ severity }) => severity === 'error').length).toBeGreaterThan(0);
      return report.verdict;
    }

    test('one entry changed: found to the entry', async () => {
      const changed = [...entries];
      changed[300] = makeEntry(300, { userId: 'mallory' });
      const bundles = makeTiles(changed, KEY);
      const mixed = new Map(files).set(pathOf('entries', 1, 256), bundles.get(pathOf('entries', 1, 256))!);
      const report = await verifyLog(write(mixed), { key: KEY.vkey });
      expect(codesOf(report).slice(0, 3)).toEqual(['tile_changed@300', 'tile_changed@256', 'root_mismatch@256']);
      expect(report.findings[0]?.where).toEqual({ file: pathOf(0, 1, 256), offset: 44 * 32, index: 300 });
    });

    test('all rewritten but the checkpoint', async () => {
      const rewritten = makeTiles(entries.map((_, i) => makeEntry(i, { userId: 'mallory' })), KEY);
      rewritten.set('checkpoint', files.get('checkpoint')!);
      expect(codesOf(await verifyLog(write(rewritten), { key: KEY.vkey }))).toEqual(['root_mismatch@0']);
    });
  });
});

describe('tiles beside segments', () => {
  test.each([
    ['log.json gone', ['log.json']],
    ['log.json and the first segment gone', ['log.json', '000000.ndjson']],
    ['all there', []],
  ])('%s: judged as the record', async (_, gone) => {
    const directory = scratch.at(`both-${directories++}`);
    const entries = entriesOf(6);
    const writer = new RecordWriter(directory, KEY);
    writer.batch(entries.slice(0, 3));
    writer.next();
    writer.batch(entries.slice(3));
    writeFiles(directory, makeTiles(entries, KEY));
    expect((await verifyLog(directory, { key: KEY.vkey })).verdict).toBe('sound');
    for (const name of gone) rmSync(join(directory, name));
    const segment = join(directory, '000001.ndjson');
    writeFileSync(segment, readFileSync(segment, 'utf8').replace('"userId":"', '"userId":"x'));
    const report = await verifyLog(directory, { key: KEY.vkey });
    expect(report.verdict).toBe('not_sound');
    expect(report.claim).not.toContain('tiles');
    if (gone.length > 0) expect(codesOf(report)).toContain('log_file_invalid@0');
  });
});

describe('tiles over HTTP', () => {
  const files = makeTiles(entriesOf(600), KEY);
  let server: Server;
  let url: string;
  let respond: RequestListener;
  const requests: string[] = [];

  const serve: RequestListener = (request, response) => {
    const bytes = files.get(request.url!.replace('/log/', ''));
    if (bytes === undefined) response.writeHead(404).end('not here');
    else if (request.url!.includes('/entries/')) response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(bytes));
    else response.writeHead(200).end(bytes);
  };
  beforeAll(async () => {
    server = createServer((request, response) => {
      requests.push(`${request.method} ${request.url}`);
      respond(request, response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/log`;
  });
  afterEach(() => {
    requests.length = 0;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  const verify = (listener: RequestListener, options = { key: KEY.vkey }): Promise<Report> => {
    respond = listener;
    return verifyLog(url, options);
  };

  test('are verified with nothing but GET, compressed or not', async () => {
    const report = await verify(serve);
    expect(report).toMatchObject({ verdict: 'sound', coverage: { entries: 600 } });
    expect(new Set(requests.map((request) => request.split(' ')[0]))).toEqual(new Set(['GET']));
    expect(requests.length).toBe(files.size);
    respond = serve;
    expect((await verifyLog(new URL(`${url}/`), { key: KEY.vkey })).verdict).toBe('sound');
  });

  test('a file that is not there is a finding', async () => {
    const report = await verify((request, response) => (request.url!.endsWith('/log/tile/0/001') ? response.writeHead(404).end() : serve(request, response)));
    expect(codesOf(report)).toEqual(['tile_missing@256']);
  });

  test.each([
    ['a server error', (_: unknown, response: Parameters<RequestListener>[1]) => void response.writeHead(500).end()],
    ['a redirect, which is not followed', (_: unknown, response: Parameters<RequestListener>[1]) => void response.writeHead(302, { location: 'http://127.0.0.1:9/' }).end()],
    ['a broken connection', (_: unknown, response: Parameters<RequestListener>[1]) => void response.destroy()],
    ['gzip that is none', (_: unknown, response: Parameters<RequestListener>[1]) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end('hello')],
  ])('%s: could not tell', async (_, listener) => {
    await expect(verify(listener)).rejects.toMatchObject({ code: 'ERR_VERIFY_FETCH_FAILED' });
  });

  test('a body without end, or one that unpacks to gigabytes, is cut', async () => {
    const report = await verify((_, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(50_000_000)));
    });
    expect(codesOf(report)).toEqual(['checkpoint_invalid@0']);
  });

  describe('a checkpoint of nine quadrillion entries', () => {
    const huge = (key: typeof KEY, size = 9e15): RequestListener => (request, response) => {
      if (request.url === '/log/checkpoint') response.end(makeNote(key, size, Buffer.alloc(32)));
      else response.writeHead(404).end();
    };
    const FORGED = makeNote(KEY, 9e15, Buffer.alloc(32)).replace(/^9000000000000000$/m, '9000000000000001');

    test.each([
      ['by another log', huge(makeKey('other.example', 21)), 1, ['key_mismatch@0']],
      ['with a signature by the key that does not hold', ((_, response) => void response.end(FORGED)) as RequestListener, 1, ['checkpoint_invalid@0']],
      ['by an unknown key of the same name', huge(NEXT_KEY), 3, ['tile_missing@0', 'checkpoint_invalid@0']],
      ['by an unknown key, with a last bundle that is partial', huge(NEXT_KEY, 9e15 - 1), 3, ['tile_missing@0', 'checkpoint_invalid@0']],
    ] as const)('%s ends at once', async (_, listener, atMost, codes) => {
      const report = await verify(listener);
      expect([report.verdict, ...codesOf(report)]).toEqual(['not_sound', ...codes]);
      expect(report.claim).not.toContain('as sealed');
      expect(requests.length).toBeLessThanOrEqual(atMost);
    });

    test('by the key, or without one, ends within a few requests', async () => {
      expect((await verify(huge(KEY))).verdict).toBe('not_sound');
      respond = huge(KEY);
      expect((await verifyLog(url)).verdict).toBe('not_sound');
      expect(requests.length).toBeLessThanOrEqual(12);
    });
  });

  test('without a signature by the key, the first bad tile is the last', async () => {
    const forged = makeTiles(entriesOf(5_000), NEXT_KEY);
    const report = await verify((request, response) => {
      const bytes = request.url === '/log/tile/0/001' ? undefined : forged.get(request.url!.replace('/log/', ''));
      if (bytes === undefined) response.writeHead(404).end();
      else response.end(bytes);
    });
    expect(codesOf(report)).toEqual(['tile_missing@256', 'checkpoint_invalid@0']);
    expect(report.coverage.entries).toBe(512);
  });

  test.each(['http://user:geheim@127.0.0.1:9/log', 'http://127.0.0.1:9/log?token=geheim', 'http://user:geheim@127.0.0.1:9/?a=geheim', 'http://127.0.0.1:9/log#geheim', 'http://user:geheim@:x/'])(
    'refuses %s without repeating secrets',
    async (source) => {
      const error = await verifyLog(source).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: 'ERR_VERIFY_SOURCE_UNKNOWN' });
      expect(inspect(error)).not.toContain('geheim');
      if (source.startsWith('http://user:geheim@127')) expect(String(error)).toContain('http://***@127.0.0.1:9/');
    },
  );

  test('can be aborted', async () => {
    const controller = new AbortController();
    respond = (request, response) => {
      if (!request.url!.includes('tile')) return serve(request, response);
      controller.abort();
      return undefined;
    };
    await expect(verifyLog(url, { key: KEY.vkey, signal: controller.signal })).rejects.toMatchObject({ code: 'ERR_VERIFY_ABORTED' });
  });
});
