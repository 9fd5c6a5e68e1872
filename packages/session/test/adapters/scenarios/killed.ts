import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createLog, createSigningKey, fileStore, parseSigningKey } from '@indelible/log';
import { expect } from 'vitest';
import { Browser } from '../support/browser.ts';
import { expectEvents, type ScenarioContext } from '../support/scenario.ts';
import { startWorld } from '../support/world.ts';

const child = fileURLToPath(new URL('../support/kill-child.ts', import.meta.url));

/**
 * A process ends a session in its framework, and is killed before the logout is durable. The record must not go on to say that the
 * session is open: whoever comes next with the cookie, or the deadline, ends it there too.
 */
export async function killed({ adapter, expected }: ScenarioContext): Promise<string[]> {
  const directory = await mkdtemp(join(tmpdir(), 'indelible-killed-'));
  const { secret } = createSigningKey('killed.example/sessions');
  const signer = parseSigningKey(secret);
  const processes: ChildProcess[] = [];
  try {
    await createLog(directory, { signer });
    // A package's own TypeScript, as vitest runs it: Node 20 needs a loader for that.
    const spawned = spawn(process.execPath, ['--import', 'tsx', child, adapter.module, directory, secret], { stdio: ['ignore', 'pipe', 'inherit'] });
    processes.push(spawned);
    const lines = createInterface({ input: spawned.stdout })[Symbol.asyncIterator]();
    const line = async (): Promise<string> => ((await lines.next()) as { value?: string }).value ?? '';

    const ada = new Browser(await line());
    expect((await ada.login('ada')).status).toBe(200);
    const abort = new AbortController();
    const logout = ada.post('/logout', abort.signal).catch(() => undefined);
    expect(await line(), 'the logout is on its way to the log').toBe('logout is not durable yet');
    const dead = once(spawned, 'exit');
    spawned.kill('SIGKILL');
    await dead;
    abort.abort();
    await logout;

    const world = await startWorld(adapter, { store: { store: fileStore(directory), signer } });
    try {
      expect(world.tracker.sessionsOf('ada'), 'as far as the record knows').toHaveLength(1);
      ada.url = world.app.url;
      await ada.get('/me');
      if (world.tracker.sessionsOf('ada').length > 0) {
        world.pass(world.policy.absoluteMs + 1_000);
        await world.tracker.sweep();
      }
      expect(world.tracker.sessionsOf('ada')).toEqual([]);
      const entries = await expectEvents(world, expected(['login', 'revoked']));
      const last = entries.at(-1);
      if (last?.event === 'revoked') expect(last).toMatchObject({ reason: 'gone_from_store', initiator: 'system', userId: 'ada' });
      else expect(last?.event).toBe('timeout');
      return entries.map(({ event }) => event);
    } finally {
      await world.close();
    }
  } finally {
    for (const started of processes) started.kill('SIGKILL');
    await rm(directory, { recursive: true, force: true });
  }
}
