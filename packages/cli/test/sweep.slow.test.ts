import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileStore, openLog, readSigningKey } from '@indelible/log';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { entriesOf, indelible, json, newLogTemplate } from './support/indelible.ts';

const HOUR_MS = 3_600_000;
let template: Awaited<ReturnType<typeof newLogTemplate>>;
let cwd: string;
beforeAll(async () => {
  template = await newLogTemplate();
});
afterAll(() => template.remove());
beforeEach(() => {
  cwd = template.copy();
});

/** A login so long ago, with deadlines so long after it. */
function login(sessionId: string, agoMs: number, idleMs?: number, absoluteMs?: number): Record<string, unknown> {
  const atMs = Date.now() - agoMs;
  const at = (ms: number | undefined): string | undefined => (ms === undefined ? undefined : new Date(atMs + ms).toISOString());
  return { event: 'login', userId: `user-of-${sessionId}`, sessionId, app: 'shop', timestamp: at(0), idleDeadline: at(idleMs), absoluteDeadline: at(absoluteMs) };
}

async function record(...events: Record<string, unknown>[]): Promise<void> {
  const { status, stderr } = await indelible(['append', 'audit'], { cwd, stdin: events.map((event) => `${JSON.stringify(event)}\n`).join('') });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
}

async function sweep(...args: string[]): Promise<{ timeouts: number; open: number }> {
  const { status, stdout, stderr } = await indelible(['sweep', 'audit', '--json', ...args], { cwd });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return json(stdout);
}

const files = (): string[] => readdirSync(join(cwd, 'audit')).filter((name) => name.endsWith('.ndjson')).map((name) => readFileSync(join(cwd, 'audit', name), 'utf8'));
const timeouts = (): Record<string, unknown>[] => entriesOf(cwd).filter(({ event }) => event === 'timeout');

describe('sweep', () => {
  test('records each timeout once, at its deadline, of the app of its login', async () => {
    const idle = login('idle', 2 * HOUR_MS, HOUR_MS, 8 * HOUR_MS);
    const absolute = login('absolute', 9 * HOUR_MS, undefined, 8 * HOUR_MS);
    await record(idle, absolute, login('open', HOUR_MS, 2 * HOUR_MS), login('forever', HOUR_MS), login('left', 5 * HOUR_MS, HOUR_MS), { event: 'logout', userId: 'user-of-left', sessionId: 'left' });
    expect(await sweep()).toEqual({ timeouts: 2, open: 2 });
    expect(timeouts().map(({ sessionId, timestamp, reason, initiator, app }) => ({ sessionId, timestamp, reason, initiator, app })).sort((a, b) => String(b.sessionId).localeCompare(String(a.sessionId)))).toEqual([
      { sessionId: 'idle', timestamp: idle['idleDeadline'], reason: 'idle', initiator: 'policy', app: 'shop' },
      { sessionId: 'absolute', timestamp: absolute['absoluteDeadline'], reason: 'absolute', initiator: 'policy', app: 'shop' },
    ]);
    expect(await sweep()).toEqual({ timeouts: 0, open: 2 });
    expect(timeouts()).toHaveLength(2);
    const { status, stdout } = await indelible(['verify', 'audit', '--key', template.vkey, '--json'], { cwd });
    expect({ status, stdout }).toMatchObject({ status: 0 });
  });

  test('leaves no trace where nothing is due', async () => {
    await record(login('open', HOUR_MS, 2 * HOUR_MS));
    const before = files();
    expect(await indelible(['sweep', 'audit'], { cwd })).toEqual({ status: 0, stdout: 'Nothing was due; 1 session open\n', stderr: '' });
    expect(files()).toEqual(before);
  });

  test('waits for what the application may have seen and not recorded yet', async () => {
    await record(login('perhaps', HOUR_MS + 120_000, HOUR_MS)); // a tenth of an hour is six minutes
    expect(await sweep()).toEqual({ timeouts: 0, open: 1 });
    expect(timeouts()).toEqual([]);
    expect(await sweep('--grace', '5m')).toEqual({ timeouts: 0, open: 1 });
    const { stdout } = await indelible(['sweep', 'audit'], { cwd });
    expect(stdout).toBe('Nothing was due; 1 session open; 1 is past its idle deadline, within the grace of 360 s (--grace)\n');
    expect(await indelible(['sweep', 'audit', '--grace', '90s'], { cwd })).toEqual({ status: 0, stdout: 'Recorded 1 timeout; 0 sessions open\n', stderr: '' });
  });

  test('says how many are within the grace, also beside those that were due', async () => {
    await record(login('one', HOUR_MS + 20_000, HOUR_MS), login('two', HOUR_MS + 30_000, HOUR_MS), login('open', HOUR_MS, 2 * HOUR_MS));
    const told = async (): Promise<string> => (await indelible(['sweep', 'audit', '--grace', '60s'], { cwd })).stdout;
    expect(await told()).toBe('Nothing was due; 3 sessions open; 2 are past their idle deadline, within the grace of 60 s (--grace)\n');
    await record(login('due', 2 * HOUR_MS, HOUR_MS));
    expect(await told()).toMatch(/^Recorded 1 timeout; 3 sessions open; 2 are past their idle deadline, within the grace of 60 s/);
  });

  test('does not wait for the lock where nothing is due, and says who has it where something is', async () => {
    await record(login('idle', 2 * HOUR_MS, HOUR_MS));
    const log = await openLog({ store: fileStore(join(cwd, 'audit')), signer: readSigningKey(join(cwd, 'audit.key')), heartbeatMs: 0 });
    try {
      expect(await sweep('--grace', '1d')).toEqual({ timeouts: 0, open: 1 });
      const { status, stdout } = await indelible(['sweep', 'audit', '--json'], { cwd });
      expect({ status, error: json<{ error: { code: string } }>(stdout).error.code }).toEqual({ status: 2, error: 'ERR_LOG_LOCKED' });
    } finally {
      await log.close();
    }
    expect(await sweep()).toEqual({ timeouts: 1, open: 0 });
  });

  test('an empty log, and one that holds no sessions', async () => {
    expect(await sweep()).toEqual({ timeouts: 0, open: 0 });
  });

  test.each([
    ['no key', () => rmSync(join(cwd, 'audit.key')), 2, 'ERR_CLI_NOT_FOUND'],
    ['a key that is none', () => writeFileSync(join(cwd, 'audit.key'), 'x', { mode: 0o600 }), 2, 'ERR_LOG_KEY_INVALID'],
    ['no log', () => rmSync(join(cwd, 'audit'), { recursive: true }), 2, 'ERR_LOG_NOT_FOUND'],
  ])('%s is an error, whether anything is due or not', async (_, spoil, status, code) => {
    spoil();
    const result = await indelible(['sweep', 'audit', '--json'], { cwd });
    expect({ status: result.status, code: json<{ error: { code: string } }>(result.stdout).error.code }).toEqual({ status, code });
  });

  test('a grace that is no time is bad usage', async () => {
    const { status, stderr } = await indelible(['sweep', 'audit', '--grace', 'soon'], { cwd });
    expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringContaining('--grace needs a number and a unit') as string });
  });
});
