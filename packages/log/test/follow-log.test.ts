import { createLog, createSigningKey, fileStore, memoryStore, openLog, parseSigningKey, type Log, type SealedEntry } from '@indelible/log';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

let directory: string;
let log: Log;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'indelible-follow-'));
  const signer = parseSigningKey(createSigningKey('example.com/follow').secret);
  await createLog(join(directory, 'audit'), { signer });
  log = await openLog({ store: fileStore(join(directory, 'audit'), { segmentBytes: 20_000 }), signer, heartbeatMs: 0 });
});

afterEach(async () => {
  await log.close();
  rmSync(directory, { recursive: true });
});

const login = (user: number) => ({ event: 'login', userId: `user-${user}` }) as const;
const userOf = ({ bytes }: SealedEntry): string | undefined => (JSON.parse(new TextDecoder().decode(bytes)) as { userId?: string }).userId;

async function take(entries: AsyncIterable<SealedEntry>, count: number): Promise<SealedEntry[]> {
  const taken: SealedEntry[] = [];
  for await (const entry of entries) if (taken.push(entry) === count) break;
  return taken;
}

describe('follow', () => {
  it('gives what is there, then what comes, each once and in order, while many append', async () => {
    await log.appendAll(Array.from({ length: 300 }, (_, i) => login(i)));
    const followed = take(log.follow({ from: 0, follow: true }), 2001);
    await Promise.all(Array.from({ length: 1700 }, (_, i) => log.append(login(300 + i))));
    const entries = await followed;
    expect(entries.map(({ index }) => index)).toEqual(Array.from({ length: 2001 }, (_, i) => i));
    expect(new Set(entries.slice(1).map(userOf)).size).toBe(2000); // the first is log_started
    for (const { index, bytes } of entries.slice(-3)) expect(bytes).toEqual(await log.reader().entry(index));
  });

  it('reads from the record what a slow follower has missed', async () => {
    const entries = log.follow({ from: 0, follow: true });
    expect((await entries.next()).value?.index).toBe(0);
    const done = entries.next();
    for (let i = 0; i < 40; i++) await log.appendAll(Array.from({ length: 500 }, (_, k) => login(i * 500 + k)));
    let index = (await done).value!.index;
    expect(index).toBe(1);
    for await (const entry of entries) {
      expect(entry.index).toBe(++index);
      if (index === 20_000) break;
    }
  });

  it('does not repeat an entry for a retry', async () => {
    const entries = log.follow({ from: 1, follow: true });
    const event = { ...login(1), id: '019a9c2d-5f0b-7c3e-9b1a-4d2f6a8c0e12' };
    await log.append(event);
    await log.append(event);
    await log.append(login(2));
    expect((await take(entries, 2)).map(userOf)).toEqual(['user-1', 'user-2']);
  });

  it('ends with the log, at a signal, and at the last seal where it is not to go on', async () => {
    const abort = new AbortController();
    const aborted = take(log.follow({ from: 1, follow: true, signal: abort.signal }), 10);
    const closed = take(log.follow({ from: 0, follow: true }), 10);
    await log.append(login(1));
    abort.abort();
    expect((await aborted).length).toBeLessThanOrEqual(1);
    expect(await take(log.follow({ from: 0, follow: false }), 10)).toHaveLength(2);
    await log.close();
    expect((await closed).length).toBeGreaterThanOrEqual(2);
  });
});

describe('openSessions', () => {
  it('gives every sealed entry up to an index, and that index', async () => {
    await log.appendAll([login(1), login(2)]);
    const { entries, next } = await log.openSessions();
    await log.append(login(3));
    expect(next).toBe(3);
    expect((await take(entries, 100)).map(({ index }) => index)).toEqual([0, 1, 2]);
  });

  it('works on the memory store', async () => {
    const memory = await openLog({ store: memoryStore(), signer: parseSigningKey(createSigningKey('memory').secret), heartbeatMs: 0 });
    await memory.append(login(1));
    const { entries, next } = await memory.openSessions();
    expect((await take(entries, 100)).map(userOf)).toEqual([undefined, 'user-1']);
    const followed = take(memory.follow({ from: next, follow: true }), 1);
    await memory.append(login(2));
    expect((await followed).map(userOf)).toEqual(['user-2']);
    await memory.close();
  });
});
