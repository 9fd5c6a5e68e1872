import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { createLog, createSigningKey, fileStore, openLog, openReader, parseSigningKey } from '@indelible/log';

// Whoever can write to the record's directory, without the key, must not make the writer harm the record or anything else.

const root = mkdtempSync(join(tmpdir(), 'indelible-hostile-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const signer = parseSigningKey(createSigningKey('test.example/hostile').secret);
let count = 0;

async function newLog(entries: number): Promise<string> {
  const directory = join(root, `log-${count++}`);
  await createLog(directory, { signer });
  await write(directory, entries);
  return directory;
}

async function write(directory: string, entries: number): Promise<number> {
  const log = await openLog({ store: fileStore(directory, { lockWaitMs: 500 }), signer, app: 'test', instance: 't', heartbeatMs: 0 });
  try {
    let index = -1;
    for (let i = 0; i < entries; i++) ({ index } = await log.append({ event: 'login', userId: `u${i}` }));
    return index;
  } finally {
    await log.close();
  }
}

describe('links and pipes in the cache', () => {
  test('a cache that is a link is refused, and nothing behind it is touched', async () => {
    const directory = await newLog(3);
    for (const target of ['.', '../victim']) {
      mkdirSync(join(root, 'victim'), { recursive: true });
      writeFileSync(join(root, 'victim', 'ids'), 'keep me');
      rmSync(join(directory, 'cache'), { recursive: true });
      symlinkSync(target, join(directory, 'cache'));
      const before = readFileSync(join(directory, '000000.ndjson'));
      await expect(write(directory, 1)).rejects.toMatchObject({ code: 'ERR_LOG_DIRECTORY_UNREADABLE' });
      expect(readFileSync(join(directory, '000000.ndjson'))).toEqual(before);
      expect(readFileSync(join(root, 'victim', 'ids'), 'utf8')).toBe('keep me');
    }
    rmSync(join(directory, 'cache'));
    expect(await write(directory, 1)).toBeGreaterThan(3);
  });

  test.each(['ids', 'tiles-0', 'offsets', 'state.json', 'state.json.new'])('a link in place of %s is replaced, not followed', async (name) => {
    const directory = await newLog(3);
    const segment = join(directory, '000000.ndjson');
    const before = readFileSync(segment);
    rmSync(join(directory, 'cache', name), { force: true });
    symlinkSync('../000000.ndjson', join(directory, 'cache', name));
    await write(directory, 2);
    expect(readFileSync(segment).subarray(0, before.length)).toEqual(before);
    expect(lstatSync(join(directory, 'cache', 'ids')).isSymbolicLink()).toBe(false);
    expect((await (await openReader(directory)).seal())?.treeSize).toBe(5 + 4);
  });

  test('pipes in the cache hang nobody', async () => {
    const directory = await newLog(3);
    for (const name of readdirSync(join(directory, 'cache'))) {
      rmSync(join(directory, 'cache', name));
      execFileSync('mkfifo', [join(directory, 'cache', name)]);
    }
    expect((await (await openReader(directory)).prove(2)).index).toBe(2);
    await write(directory, 2);
  });

  test('other files in the cache directory are left alone', async () => {
    const directory = await newLog(3);
    writeFileSync(join(directory, 'cache', 'notes.txt'), 'mine');
    rmSync(join(directory, 'cache', 'state.json')); // the next start makes the cache anew
    await write(directory, 1);
    expect(existsSync(join(directory, 'cache', 'notes.txt'))).toBe(true);
  });
});

describe('copies of seals', () => {
  /** A line with the note of an older seal, and a place that fits where it is put. */
  function copyOfSeal(directory: string, which: number): string {
    const segment = join(directory, '000000.ndjson');
    const text = readFileSync(segment, 'utf8');
    const seals = text.split('\n').filter((line) => line.startsWith('{"indelible":"seal"'));
    const seal = JSON.parse(seals.at(which)!) as { first: number; note: string };
    const bytes = Buffer.byteLength(text);
    const line = 'x'.repeat(40);
    return `${line}\n${JSON.stringify({ indelible: 'seal', offset: bytes, length: line.length + 1, first: seal.first, note: seal.note })}\n`;
  }

  test.each([0, 2, -1])('a copy of seal %i behind the last one is foreign, to the reader and to the writer', async (which) => {
    const directory = await newLog(4);
    const before = (await (await openReader(directory)).seal())!;
    appendFileSync(join(directory, '000000.ndjson'), copyOfSeal(directory, which));
    expect(await (await openReader(directory)).seal()).toEqual(before);
    expect(await write(directory, 1)).toBe(before.treeSize + 1 + 1); // behind log_recovered and log_started
    rmSync(join(directory, 'cache'), { recursive: true });
    expect(await write(directory, 1)).toBeGreaterThan(before.treeSize);
  });
});

test('an origin that would make seals too long is refused', async () => {
  expect(() => createSigningKey('x'.repeat(256))).toThrow(expect.objectContaining({ code: 'ERR_LOG_KEY_INVALID' }));
  const longest = parseSigningKey(createSigningKey('x'.repeat(255)).secret);
  const directory = join(root, 'long');
  await createLog(directory, { signer: longest });
  for (let i = 0; i < 2; i++) {
    const log = await openLog({ store: fileStore(directory), signer: longest, app: 'test', heartbeatMs: 0 });
    expect((await log.append({ event: 'login', userId: 'u' })).index).toBe(i * 3 + 1);
    await log.close();
  }
});
