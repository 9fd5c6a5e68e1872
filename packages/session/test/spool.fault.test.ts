import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openReporting, eventNow, type Opened } from './support/delivered.ts';
import { recordingPort, type RecordingPort } from './support/recording-port.ts';

const root = mkdtempSync(join(tmpdir(), 'indelible-spool-'));
afterAll(() => rmSync(root, { recursive: true }));
let made = 0;
const fresh = (): string => join(root, String(made++));
const KEY = new Uint8Array(32).fill(7);
const FILE = '000001.ndjson';

/** Accepts any disk: where tests run, the temporary directory may be a container's own layer. */
function openSpool(directory: string, log: RecordingPort, options: { key?: Uint8Array; maxBytes?: number } = {}): Promise<Opened> {
  return openReporting({ log, mode: 'spool', spool: { directory, key: KEY, ephemeral: 'accept-loss', ...options } });
}

/** A spool in which events of these users wait. */
async function makeSpool(users: readonly string[]): Promise<string> {
  const directory = fresh();
  const { delivery } = await openSpool(directory, recordingPort(false));
  for (const user of users) expect(await delivery.record(eventNow('login', user), 'refusable')).toMatchObject({ delayed: true });
  await delivery.close();
  return directory;
}

/** Delivers what is in a spool; says what came and what was reported. */
async function deliver(directory: string, options: { key?: Uint8Array } = {}): Promise<{ users: unknown[]; gaps: Record<string, unknown>[]; codes: unknown[]; messages: string[] }> {
  const log = recordingPort(true);
  const { delivery, errors, codes } = await openSpool(directory, log, options);
  await delivery.drain();
  expect(delivery.pending).toBe(0);
  await delivery.close();
  return { users: log.users(), gaps: log.gaps(), codes: codes(), messages: errors.map(({ message }) => message) };
}

describe('a spool', () => {
  it('takes logins while the log is away, delivers them in order after a restart, and is empty then', async () => {
    const directory = await makeSpool(['a', 'b', 'c']);
    expect(readdirSync(directory)).toEqual([FILE, 'position']);
    expect(await deliver(directory)).toEqual({
      users: ['a', 'b', 'c'],
      gaps: [{ from: expect.any(String) as string, to: expect.any(String) as string, count: 3, cause: 'ECONNREFUSED' }],
      codes: [],
      messages: [],
    });
    expect(readdirSync(directory)).toEqual(['position']);
    expect(await deliver(directory)).toMatchObject({ users: [], gaps: [], codes: [] });
  });

  it('is for its owner alone, and each line has a number and a MAC', async () => {
    const directory = await makeSpool(['a']);
    const mode = (path: string): number => statSync(path).mode & 0o777;
    expect([mode(directory), mode(join(directory, FILE)), mode(join(directory, 'position'))]).toEqual([0o700, 0o600, 0o600]);
    expect(readFileSync(join(directory, FILE), 'utf8')).toMatch(/^\{"spool":1,.*\}\n\{"seq":1,"prev":"","mac":"[\w-]{43}","event":\{"id":.*\}\}\n$/);
  });

  it('goes on numbering where it was, over restarts and emptied files', async () => {
    const directory = await makeSpool(['a', 'b']);
    await deliver(directory);
    const { delivery } = await openSpool(directory, recordingPort(false));
    await delivery.record(eventNow('login', 'c'), 'refusable');
    await delivery.close();
    expect(readFileSync(join(directory, FILE), 'utf8')).toContain('"first":4'); // 3 was the capture gap
    expect(await deliver(directory)).toMatchObject({ users: ['c'], codes: [] });
  });

  it('makes one gap of an outage that several processes see', async () => {
    const directory = await makeSpool(['a']);
    for (const user of ['b', 'c']) {
      const { delivery } = await openSpool(directory, recordingPort(false));
      await delivery.record(eventNow('logout', user), 'proceeds');
      await delivery.close();
    }
    const { users, gaps } = await deliver(directory);
    expect(users).toEqual(['a', 'b', 'c']);
    expect(gaps).toMatchObject([{ count: 3, cause: 'ECONNREFUSED' }]);
  });

  it('refuses a directory that holds something else, and leaves it as it is', async () => {
    const directory = fresh();
    mkdirSync(directory, { mode: 0o755 });
    writeFileSync(join(directory, 'letter.txt'), 'dear');
    await expect(openSpool(directory, recordingPort(true))).rejects.toMatchObject({ code: 'ERR_SESSION_SPOOL_UNUSABLE', message: expect.stringContaining('letter.txt') as string });
    expect([statSync(directory).mode & 0o777, readdirSync(directory)]).toEqual([0o755, ['letter.txt']]);
    await expect(openSpool(join(directory, 'letter.txt'), recordingPort(true))).rejects.toMatchObject({ code: 'ERR_SESSION_SPOOL_UNUSABLE' });
  });

  it('refuses a directory with files that it cannot read', async () => {
    const directory = fresh();
    mkdirSync(join(directory, FILE), { recursive: true });
    await expect(openSpool(directory, recordingPort(true))).rejects.toMatchObject({ code: 'ERR_SESSION_SPOOL_UNUSABLE', message: expect.stringContaining('EISDIR') as string });
  });

  it('refuses what does not fit into maxBytes: logins are refused, logouts wait in memory, all of it is delivered', async () => {
    const log = recordingPort(false);
    const { delivery, codes } = await openSpool(fresh(), log, { maxBytes: 2_000 });
    let spooled = 0;
    const refused = await (async () => {
      for (;;) {
        const error = await delivery.record(eventNow('login', `u${spooled}`), 'refusable').then(() => undefined, (failure: unknown) => failure);
        if (error !== undefined) return error;
        spooled++;
      }
    })();
    expect(refused).toMatchObject({ code: 'ERR_SESSION_NOT_DURABLE', cause: { code: 'ERR_SESSION_SPOOL_FULL' } });
    for (const user of ['x', 'y']) expect(await delivery.record(eventNow('logout', user), 'proceeds')).toMatchObject({ delayed: true });
    expect(codes()).toEqual(['ERR_SESSION_DELAYED', 'ERR_SESSION_SPOOL_FULL']);
    log.up = true;
    await delivery.drain();
    expect(log.users()).toEqual([...Array.from({ length: spooled }, (_, i) => `u${i}`), 'x', 'y']);
    expect(log.gaps()).toMatchObject([{ count: spooled + 2 }]);
    await delivery.close();
  });

  it('goes into a new file when another program writes to its own', async () => {
    const directory = fresh();
    const log = recordingPort(false);
    const { delivery, codes } = await openSpool(directory, log);
    await delivery.record(eventNow('login', 'a'), 'refusable');
    writeFileSync(join(directory, FILE), 'no newline', { flag: 'a' });
    await delivery.record(eventNow('login', 'b'), 'refusable');
    log.up = true;
    await delivery.drain();
    expect(log.users()).toEqual(['a', 'b']);
    expect(readdirSync(directory)).toContain(`${FILE}.damaged`);
    expect(codes()).toEqual(['ERR_SESSION_DELAYED']);
    await delivery.close();
  });

  it('keeps an event that the log refuses for good where a person can look at it', async () => {
    const directory = fresh();
    const log = recordingPort(false);
    const { delivery, codes } = await openSpool(directory, log);
    const bad = eventNow('logout', 'b');
    for (const event of [eventNow('logout', 'a'), bad, eventNow('logout', 'c')]) await delivery.record(event, 'proceeds');
    log.refused.add(bad.id);
    log.up = true;
    await delivery.drain();
    await delivery.close();
    expect([log.users(), codes()]).toEqual([['a', 'c'], ['ERR_SESSION_DELAYED', 'ERR_SESSION_REFUSED']]);
    expect(log.gaps()).toMatchObject([{ count: 2, refused: 1 }]);
    expect(readFileSync(join(directory, 'refused.ndjson'), 'utf8')).toMatch(new RegExp(`^\\{"id":"${bad.id}".*\\}\\n$`));
    expect(readdirSync(directory)).toEqual(['position', 'refused.ndjson']);
    await (await openSpool(directory, log)).delivery.close();
  });

  it('counts what ended with memory in the gap of the next start', async () => {
    const directory = fresh();
    const { delivery, codes } = await openSpool(directory, recordingPort(false), { maxBytes: 2_000 });
    for (let n = 0; n < 20; n++) await delivery.record(eventNow('logout', `u${n}`), 'proceeds');
    await delivery.close();
    expect(codes()).toContain('ERR_SESSION_EVENT_LOST');
    const { users, gaps } = await deliver(directory);
    expect(users.length).toBeLessThan(20);
    expect(gaps).toMatchObject([{ count: users.length, lost: 20 - users.length }]);
  });

  it('says what waits, without taking it', async () => {
    const directory = await makeSpool(['a', 'b']);
    const { delivery } = await openSpool(directory, recordingPort(false));
    await delivery.record(eventNow('logout', 'c'), 'proceeds');
    const waiting: string[] = [];
    for await (const bytes of delivery.waiting()) waiting.push((JSON.parse(Buffer.from(bytes).toString('utf8')) as { userId: string }).userId);
    expect([waiting, delivery.pending]).toEqual([['a', 'b', 'c'], 3]);
    await delivery.close();
    expect(await deliver(directory)).toMatchObject({ users: ['a', 'b', 'c'] });
  });

  it('says that events are lost when its files are deleted while it runs', async () => {
    const directory = fresh();
    const log = recordingPort(false);
    const { delivery, codes } = await openSpool(directory, log);
    for (const user of ['a', 'b']) await delivery.record(eventNow('login', user), 'refusable');
    rmSync(join(directory, FILE));
    await delivery.record(eventNow('login', 'c'), 'refusable');
    log.up = true;
    await delivery.drain();
    expect(log.users().at(-1)).toBe('c');
    if (log.users().length < 3) {
      expect(codes()).toContain('ERR_SESSION_SPOOL_DAMAGED');
      expect(log.gaps()).toMatchObject([{ lost: 3 - log.users().length }]);
    }
    await delivery.close();
  });
});

describe('damage', () => {
  const USERS = ['a', 'b', 'c', 'd'];
  let original: string;
  let bytes: Buffer;
  let lines: string[];
  beforeAll(async () => {
    original = await makeSpool(USERS);
    bytes = readFileSync(join(original, FILE));
    lines = bytes.toString('utf8').split('\n').slice(0, -1);
  });

  /** A copy of the spool with other content. */
  function withContent(content: Uint8Array | string): string {
    const directory = fresh();
    cpSync(original, directory, { recursive: true });
    writeFileSync(join(directory, FILE), content);
    return directory;
  }

  it('a cut at any byte of the last two lines loses no whole line and is reported with its place', async () => {
    const start = bytes.length - lines.slice(-2).join('\n').length - 1;
    for (let length = start; length <= bytes.length; length++) {
      const directory = withContent(bytes);
      truncateSync(join(directory, FILE), length);
      const result = await deliver(directory);
      const text = bytes.toString('latin1', 0, length);
      const whole = lines.slice(1).filter((line) => text.includes(line)).length;
      expect(result.users).toEqual(USERS.slice(0, whole));
      const isTorn = length !== start && !text.endsWith('\n') && !text.endsWith(lines.at(whole) ?? '');
      const missing = USERS.length - whole; // also where the cut is at the end of a line
      expect(result.codes).toEqual([...(isTorn ? ['ERR_SESSION_SPOOL_TORN'] : []), ...(missing > 0 ? ['ERR_SESSION_SPOOL_DAMAGED'] : [])]);
      expect(result.gaps).toMatchObject([missing > 0 ? { count: whole, lost: missing } : { count: whole }]);
      if (isTorn) {
        expect(result.messages[0]).toContain(`${FILE} ends at byte ${text.lastIndexOf('\n') + 1}`);
        expect(readFileSync(join(directory, `${FILE}.damaged`), 'latin1')).toBe(text); // kept for who looks into it
      }
    }
  });

  it('a changed byte anywhere in the last two lines costs at most its line, is reported, and forges nothing', async () => {
    const start = bytes.length - lines.slice(-2).join('\n').length - 1;
    for (let at = start; at < bytes.length; at++) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ (at % 2 === 0 ? 0x01 : 0x80);
      const { users, gaps, codes } = await deliver(withContent(changed));
      expect(users.slice(0, 2)).toEqual(['a', 'b']);
      const inThird = at < start + (lines.at(-2)?.length ?? 0);
      const isNewline = bytes[at] === 10;
      expect(users.slice(2)).toEqual(isNewline ? ['c', 'd'] : inThird ? ['d'] : ['c']);
      expect(codes.length).toBeGreaterThan(0);
      expect(new Set(codes)).toEqual(new Set([at === bytes.length - 1 ? 'ERR_SESSION_SPOOL_TORN' : 'ERR_SESSION_SPOOL_DAMAGED']));
      if (inThird) expect(gaps).toMatchObject([{ count: 3, lost: 1 }]);
    }
  });

  const insert = (line: string) => (): string => [...lines.slice(0, 3), line, ...lines.slice(3), ''].join('\n');
  const forged = (): string => lines[2]!.replace('"userId":"b"', '"userId":"mallory"');
  it.each<[string, () => string, unknown[], string]>([
    ['a line of another program', insert('hello'), USERS, 'ERR_SESSION_SPOOL_DAMAGED'],
    ['an event without a MAC', insert('{"event":"login","userId":"mallory"}'), USERS, 'ERR_SESSION_SPOOL_DAMAGED'],
    ['a line that was copied', () => insert(lines[1]!)(), USERS, 'ERR_SESSION_SPOOL_DAMAGED'],
    ['a line with another user', () => insert(forged())(), USERS, 'ERR_SESSION_SPOOL_DAMAGED'],
    ['another user in a line', () => lines.with(2, forged()).join('\n') + '\n', ['a', 'c', 'd'], 'ERR_SESSION_SPOOL_DAMAGED'],
    ['a line with another number', () => insert(lines[2]!.replace('"seq":2', '"seq":3'))(), USERS, 'ERR_SESSION_SPOOL_DAMAGED'],
    ['a line that was taken out', () => lines.toSpliced(2, 1).join('\n') + '\n', ['a', 'c', 'd'], 'ERR_SESSION_SPOOL_DAMAGED'],
    ['two lines that were exchanged', () => lines.with(2, lines[3]!).with(3, lines[2]!).join('\n') + '\n', ['a', 'c', 'b', 'd'], 'ERR_SESSION_SPOOL_DAMAGED'],
    ['a header that was changed', () => lines.with(0, lines[0]!.replace('"first":1', '"first":3')).join('\n') + '\n', USERS, 'ERR_SESSION_SPOOL_DAMAGED'],
    ['a header that is missing', () => lines.slice(1).join('\n') + '\n', USERS, ''],
    ['zeros at the end', () => `${lines.join('\n')}\n${'\0'.repeat(4096)}`, USERS, 'ERR_SESSION_SPOOL_TORN'],
    ['a line of two megabytes', () => insert('x'.repeat(2_000_000))(), USERS, 'ERR_SESSION_SPOOL_DAMAGED'],
    ['nothing but zeros', () => '\0'.repeat(100_000), [], 'ERR_SESSION_SPOOL_TORN,ERR_SESSION_SPOOL_DAMAGED'],
    ['an empty file', () => '', [], ',ERR_SESSION_SPOOL_DAMAGED'],
  ])('%s', async (_, content, users, code) => {
    const directory = withContent(content());
    const result = await deliver(directory);
    expect(result.users).toEqual(users);
    expect(new Set(result.codes)).toEqual(new Set(code.split(',').filter((one) => one !== '')));
    expect(readdirSync(directory)).toEqual(code.split(',')[0] === '' ? ['position'] : [`${FILE}.damaged`, 'position']);
    expect(await deliver(directory)).toMatchObject({ users: [], codes: [] });
  });

  it('with another key nothing is delivered, and everything is kept', async () => {
    const directory = withContent(bytes);
    const { users, codes } = await deliver(directory, { key: new Uint8Array(32).fill(8) });
    expect([users, new Set(codes)]).toEqual([[], new Set(['ERR_SESSION_SPOOL_DAMAGED'])]);
    expect(readFileSync(join(directory, `${FILE}.damaged`))).toEqual(bytes);
  });

  it('a position that is lost, damaged or set ahead repeats events, and loses none', async () => {
    const first = withContent(bytes);
    rmSync(join(first, 'position'));
    expect(await deliver(first)).toMatchObject({ users: USERS, codes: [] });
    const second = withContent(bytes);
    const position = readFileSync(join(second, 'position'), 'latin1').replaceAll('"delivered":0', '"delivered":9');
    writeFileSync(join(second, 'position'), position);
    expect(await deliver(second)).toMatchObject({ users: USERS, codes: ['ERR_SESSION_SPOOL_DAMAGED'] });
    const third = withContent(bytes);
    truncateSync(join(third, 'position'), 700);
    expect(await deliver(third)).toMatchObject({ users: USERS, codes: ['ERR_SESSION_SPOOL_DAMAGED'] });
  });

  it.each([
    ['at a line', (directory: string) => writeFileSync(join(directory, FILE), `${lines.slice(0, 3).join('\n')}\n`), ['a', 'b'], 2],
    ['entirely', (directory: string) => rmSync(join(directory, FILE)), [], 4],
  ])('what was cut off %s while no process ran is reported, and counted in the gap', async (_, cut, users, lost) => {
    const directory = withContent(bytes);
    cut(directory);
    const result = await deliver(directory);
    expect(result).toMatchObject({ users, gaps: [{ count: users.length, lost }], codes: ['ERR_SESSION_SPOOL_DAMAGED'] });
    expect(await deliver(directory)).toMatchObject({ users: [], gaps: [], codes: [] });
  });

  it('lines of two processes under the same numbers are all delivered', async () => {
    const [directory, other] = [await makeSpool(['a', 'b']), fresh()];
    cpSync(directory, other, { recursive: true });
    for (const [into, user] of [[directory, 'c'], [other, 'x']] as const) {
      const { delivery } = await openSpool(into, recordingPort(false));
      await delivery.record(eventNow('login', user), 'refusable');
      await delivery.close();
    }
    cpSync(join(other, '000002.ndjson'), join(directory, '000003.ndjson')); // 000002 has `c` under the number that 000003 gives to `x`
    expect(await deliver(directory)).toMatchObject({ users: ['a', 'b', 'c', 'x'], gaps: [{ count: 4 }], codes: [] });
    expect(await deliver(directory)).toMatchObject({ users: [], codes: [] });
  });

  it('an old file that is put back is not delivered again', async () => {
    const directory = withContent(bytes);
    await deliver(directory);
    writeFileSync(join(directory, FILE), bytes);
    expect(await deliver(directory)).toMatchObject({ users: [] });
  });

  it('files of a spool without the ones before are reported', async () => {
    const directory = withContent(bytes);
    const { delivery } = await openSpool(directory, recordingPort(false));
    await delivery.record(eventNow('login', 'e'), 'refusable');
    await delivery.close();
    rmSync(join(directory, FILE));
    const { users, gaps, codes } = await deliver(directory);
    expect([users, codes]).toEqual([['e'], ['ERR_SESSION_SPOOL_DAMAGED']]);
    expect(gaps).toMatchObject([{ count: 1, lost: 4 }]);
  });
});
