import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fanOut, type SideSink } from '@indelible/session';
import { expect, it, onTestFinished } from 'vitest';
import { outline } from './support/delivered.ts';
import { recordingPort } from './support/recording-port.ts';
import { switchLog } from './support/switch-log.ts';

async function openFan(sides: Record<string, Partial<SideSink>>) {
  const primary = await switchLog();
  const logs = Object.fromEntries(await Promise.all(Object.keys(sides).map(async (name) => [name, await switchLog()] as const)));
  const errors: [string, unknown][] = [];
  const sinks = Object.entries(sides).map(([name, side]) => ({ name, log: logs[name]!, timeoutMs: 800, ...side }));
  const fan = await fanOut(primary, sinks, { app: 'bank', instance: 'bank-1', onError: (error, sink) => void errors.push([sink, (error as { code?: unknown }).code]) });
  onTestFinished(async () => {
    for (const log of Object.values(logs)) log.behaviour = 'up';
    await fan.close();
  });
  return { primary, logs, fan, errors };
}

it('writes to the primary and hands what it recorded on, the same event everywhere', async () => {
  const { primary, logs, fan } = await openFan({ archive: {}, siem: {} });
  expect(await fan.append({ event: 'login', userId: 'maria' })).toMatchObject({ index: 1 });
  await fan.appendAll([{ event: 'extend', userId: 'maria' }, { event: 'logout', userId: 'maria' }]);
  await fan.close();
  const entries = await primary.entries();
  expect(outline(entries)).toEqual(['login maria', 'extend maria', 'logout maria']);
  expect(await logs['archive']!.entries()).toEqual(entries);
  expect(await logs['siem']!.entries()).toEqual(entries);
});

it('is held up by no sink that hangs, and neither are the others', async () => {
  const { primary, logs, fan, errors } = await openFan({ archive: {}, siem: {} });
  logs['siem']!.behaviour = 'hangs';
  const startMs = performance.now();
  for (let i = 0; i < 200; i++) await fan.append({ event: 'login', userId: `u${i}` });
  expect(performance.now() - startMs).toBeLessThan(5_000);
  await expect.poll(() => logs['archive']!.entries().then((entries) => entries.length), { timeout: 10_000 }).toBe(200);
  await expect.poll(() => fan.pending(), { timeout: 10_000 }).toEqual({ archive: 0, siem: 200 });
  expect(errors).toEqual([['siem', 'ERR_SESSION_DELAYED']]);
  logs['siem']!.behaviour = 'up';
  await fan.drain();
  const entries = await logs['siem']!.entries();
  expect(outline(entries)).toEqual([...Array.from({ length: 200 }, (_, i) => `login u${i}`), 'capture_gap']);
  expect(entries.slice(0, -1)).toMatchObject(await primary.entries()); // but for recordedAt
});

it('hands on nothing that the primary refused', async () => {
  const { primary, logs, fan } = await openFan({ archive: {} });
  primary.behaviour = 'down';
  await expect(fan.append({ event: 'login', userId: 'maria' })).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  await expect(fan.appendAll([{ event: 'login', userId: 'maria' }])).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  primary.behaviour = 'up';
  await expect(fan.append({ event: 'login' })).rejects.toMatchObject({ code: 'ERR_EVENT_FIELD_MISSING' });
  await fan.close();
  expect(await logs['archive']!.entries()).toEqual([]);
});

it('keeps the events of a sink on a spool of its own, over a restart', async () => {
  const root = mkdtempSync(join(tmpdir(), 'indelible-fan-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  const spool = { directory: join(root, 'siem'), key: new Uint8Array(32).fill(3), ephemeral: 'accept-loss' as const };
  const siem = recordingPort(false);
  const open = () => fanOut(recordingPort(true), [{ name: 'siem', log: siem, timeoutMs: 800, spool }], { onError: () => undefined });
  const fan = await open();
  for (const userId of ['a', 'b']) await fan.append({ event: 'logout', userId });
  await fan.close();
  siem.up = true;
  const again = await open();
  await again.drain();
  await again.close();
  expect(siem.users()).toEqual(['a', 'b']);
  expect(siem.gaps()).toMatchObject([{ count: 2 }]);
});

it('reads through to the primary', async () => {
  const primary = Object.freeze({ ...recordingPort(true), shared: true, follow: () => 'followed' });
  const fan = await fanOut(primary, []);
  expect([fan.shared, fan.follow(), 'follow' in fan]).toEqual([true, 'followed', true]);
});
