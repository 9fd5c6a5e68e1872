import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verifyLog } from '@indelible/verify';
import { codesOf, scratchDirectory } from './support/bench.ts';
import { RecordWriter, Tree, makeEntry, makeKey, makeNote } from './support/record-writer.mjs';
import { KEY, NEXT_KEY, ORIGIN, SIZE, writeVictim } from './support/victim.mjs';

const scratch = scratchDirectory();
const directory = scratch.at('log');
let log: RecordWriter;
beforeAll(() => {
  log = writeVictim(directory);
});
afterAll(() => scratch.remove());

/** A seal over the first entries of the log, at a size at which it was perhaps never sealed. */
function noteAt(size: number, key = KEY): string {
  const tree = new Tree();
  for (const segment of [0, 1, 2, 3]) {
    for (const line of readFileSync(`${directory}/00000${segment}.ndjson`, 'utf8').split('\n')) {
      if (tree.size < size && line.startsWith('{"id":"') && line.endsWith('}')) tree.add(line);
    }
  }
  return makeNote(key, size, tree.root);
}

describe('the key', () => {
  test('given: sound', async () => {
    const report = await verifyLog(directory, { key: KEY.vkey });
    expect(report).toMatchObject({ verdict: 'sound', origin: ORIGIN, key: { text: KEY.vkey, proven: true }, seal: { treeSize: SIZE, note: log.note } });
  });

  test('given, a later one of the log: sound too', async () => {
    expect(await verifyLog(directory, { key: NEXT_KEY.vkey })).toMatchObject({ verdict: 'sound', key: { text: NEXT_KEY.vkey, proven: true } });
  });

  test('not given: consistent, but not proven', async () => {
    const report = await verifyLog(directory);
    expect(report).toMatchObject({ verdict: 'not_proven', key: { text: KEY.vkey, proven: false } });
    expect(report.claim).toMatch(/^consistent, key not proven/);
  });

  test.each(['', 'x', `${ORIGIN}+00000000+AYqI`, KEY.vkey.replace('+AY', '+AX'), `${KEY.vkey}\n`])('malformed: %j', async (key) => {
    await expect(verifyLog(directory, { key })).rejects.toMatchObject({ code: 'ERR_VERIFY_KEY_INVALID' });
  });
});

describe('a seal kept elsewhere', () => {
  test.each(Array.from({ length: SIZE + 1 }, (_, size) => size))('at size %i, sealed there or not', async (size) => {
    const key = size > 20 ? NEXT_KEY : KEY;
    const report = await verifyLog(directory, { key: KEY.vkey, since: noteAt(size, key), sinceAt: 'a safe place' });
    expect(report.verdict).toBe('sound');
    expect(report.claim).toContain(`detects rewriting since seal ${size} kept at a safe place`);
    if (size > 1) expect(report.claim).toContain(`entries 0–${size - 1} unchanged`);
  });

  test('at a size that the log has not reached, by either key', async () => {
    for (const key of [KEY, NEXT_KEY]) {
      expect(codesOf(await verifyLog(directory, { key: KEY.vkey, since: noteAt(SIZE + 1, key) }))[0]).toBe(`rolled_back@${SIZE}`);
    }
  });

  test('over other entries', async () => {
    const report = await verifyLog(directory, { key: KEY.vkey, since: makeNote(KEY, 12, Buffer.alloc(32)) });
    expect(codesOf(report)[0]).toBe('history_rewritten@0');
  });

  test('by a key that the log never had, whether or not a key is given', async () => {
    const since = noteAt(10, makeKey(ORIGIN, 50));
    expect(codesOf(await verifyLog(directory, { key: KEY.vkey, since }))[0]).toBe('kept_seal_unknown@0');
    expect((await verifyLog(directory, { since })).verdict).toBe('not_sound');
  });

  test('and the pin: both count', async () => {
    expect(await verifyLog(directory, { key: KEY.vkey, since: noteAt(5), pin: log.note! })).toMatchObject({ verdict: 'sound' });
    const report = await verifyLog(directory, { key: KEY.vkey, since: noteAt(5), pin: noteAt(SIZE + 1, NEXT_KEY) });
    expect(report.findings[0]).toMatchObject({ code: 'rolled_back', meaning: 'the log ends with 25 entries; the seal in the pin says 26' });
  });

  test.each(['', 'hello', '{"indelible":"seal"}'])('malformed: %j', async (since) => {
    await expect(verifyLog(directory, { key: KEY.vkey, since })).rejects.toMatchObject({ code: 'ERR_VERIFY_SEAL_INVALID' });
  });
});

describe('running', () => {
  test('takes a path or a file URL', async () => {
    expect((await verifyLog(pathToFileURL(directory), { key: KEY.vkey })).verdict).toBe('sound');
  });

  test('reports progress up to all of it', async () => {
    const calls: [number, number][] = [];
    const report = await verifyLog(directory, { key: KEY.vkey, onProgress: (done, total) => void calls.push([done, total]) });
    expect(calls.at(-1)).toEqual([report.coverage.bytes, report.coverage.bytes]);
    expect(calls.map(([done]) => done)).toEqual(calls.map(([done]) => done).sort((a, b) => a - b));
  });

  test.each([0, -1, 1.5, Number.NaN])('refuses %d cores', async (cores) => {
    await expect(verifyLog(directory, { cores })).rejects.toMatchObject({ code: 'ERR_VERIFY_OPTION_INVALID' });
  });

  test('can be aborted, before and in between', async () => {
    await expect(verifyLog(directory, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ERR_VERIFY_ABORTED' });
    const controller = new AbortController();
    const promise = verifyLog(directory, { signal: controller.signal, onProgress: () => controller.abort() });
    await expect(promise).rejects.toMatchObject({ code: 'ERR_VERIFY_ABORTED' });
  });
});

describe('what the entries say', () => {
  test('coverage: times, heartbeats, recoveries, silence, steps back', async () => {
    const writer = new RecordWriter(scratch.at('times'), KEY);
    const at = (time: string, fields = {}): string => makeEntry(writer.tree.size, { ...fields }).replace(/"timestamp":"[^"]*"/, `"timestamp":"2026-11-20T${time}Z"`);
    writer.batch([at('08:00:00.000', { event: 'log_started' })]);
    writer.batch([at('08:01:00.000', { event: 'heartbeat' })]);
    writer.batch([at('09:31:00.500', { event: 'log_recovered' })]);
    writer.next();
    writer.batch([at('09:30:59.400')]);
    writer.batch([at('09:30:58.500')]);
    // Found later: what counts is when it was recorded.
    writer.batch([makeEntry(5).replace(/"timestamp":"[^"]*"/, '"timestamp":"2026-11-20T07:00:00.000Z","recordedAt":"2026-11-20T09:32:00.000Z"')]);
    const report = await verifyLog(writer.directory, { key: KEY.vkey });
    expect(report.coverage).toMatchObject({
      ...{ entries: 6, segments: 2, seals: 6, signaturesChecked: 8, heartbeats: 1, recoveries: 1, clockSteps: 1, longestSilenceMs: 5_400_500 },
      ...{ firstTime: '2026-11-20T08:00:00.000Z', lastTime: '2026-11-20T09:32:00.000Z' },
    });
    expect(codesOf(report)).toEqual(['clock_step@3']);
  });
});
