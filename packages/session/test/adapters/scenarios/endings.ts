import { expect } from 'vitest';
import { at, expectDeadline, expectEvents, inWorld, type ScenarioRun } from '../support/scenario.ts';
import { EXTEND_EVERY_MS, MINUTE } from '../support/world.ts';

/** How sessions end, and what comes after. */
export const endings = {
  logout: inWorld({}, async (world, { expected }) => {
    const ada = world.browser();
    await ada.login('ada');
    expect((await ada.post('/logout')).status).toBeLessThan(300);
    expect((await ada.get('/me')).status).toBe(401);
    const entries = await expectEvents(world, expected(['login', 'logout']));
    expect(at(entries, 1)).toMatchObject({ userId: 'ada', sessionId: at(entries, 0).sessionId, initiator: 'user' });
    expect(world.tracker.sessionsOf('ada')).toEqual([]);
  }),

  idle_timeout_without_request: inWorld({}, async (world, { expected }) => {
    const ada = world.browser();
    await ada.login('ada');
    world.pass(world.policy.idleMs + EXTEND_EVERY_MS + 1_000);
    await world.tracker.sweep();
    await world.tracker.sweep();
    const entries = await expectEvents(world, expected(['login', 'timeout']));
    expect(at(entries, 1)).toMatchObject({
      userId: 'ada', sessionId: at(entries, 0).sessionId, reason: 'idle', initiator: 'policy', timestamp: at(entries, 0).idleDeadline,
    });
    expect(Date.parse(at(entries, 1).recordedAt ?? '')).toBe(Date.now());
  }),

  idle_timeout_with_request: inWorld({}, async (world, { expected }) => {
    const ada = world.browser();
    await ada.login('ada');
    world.pass(world.policy.idleMs + 2_000);
    expect((await ada.get('/me')).status).toBe(401);
    await world.tracker.sweep();
    const entries = await expectEvents(world, expected(['login', 'timeout']));
    expect(at(entries, 1)).toMatchObject({
      userId: 'ada', sessionId: at(entries, 0).sessionId, reason: 'idle', initiator: 'policy', timestamp: at(entries, 0).idleDeadline,
    });
  }),

  absolute_timeout: inWorld({ policy: { idleMs: 15 * MINUTE, absoluteMs: 20 * MINUTE } }, async (world, { adapter, expected }) => {
    const startedMs = Date.now();
    const ada = world.browser();
    await ada.login('ada');
    world.pass(10 * MINUTE);
    expect((await ada.get('/me')).status).toBe(200);
    await world.entries();
    world.pass(10 * MINUTE + 2_000);
    expect((await ada.get('/me')).status).toBe(401);
    await world.tracker.sweep();
    const entries = await expectEvents(world, expected(['login', 'extend', 'timeout']));
    expectDeadline(adapter, at(entries, 0).absoluteDeadline, startedMs + 20 * MINUTE);
    expect(at(entries, 1).absoluteDeadline).toBe(at(entries, 0).absoluteDeadline);
    expect(at(entries, -1)).toMatchObject({ event: 'timeout', reason: 'absolute', initiator: 'policy', timestamp: at(entries, 0).absoluteDeadline });
  }),

  revoke_by_admin: inWorld({}, async (world, { expected }) => {
    const [ada, root] = [world.browser(), world.browser()];
    await ada.login('ada');
    await root.login('root');
    expect((await root.post('/admin/revoke?user=ada')).status).toBeLessThan(300);
    expect((await ada.get('/me')).status).toBe(401);
    expect((await root.get('/me')).body).toEqual({ user: 'root' });
    const entries = await expectEvents(world, expected(['login', 'login', 'revoked', 'session_use_after_end']));
    expect(entries.find(({ event }) => event === 'revoked')).toMatchObject({ userId: 'ada', sessionId: at(entries, 0).sessionId, initiator: 'admin' });
    expect(world.tracker.sessionsOf('ada')).toEqual([]);
  }),

  forged_cookie: inWorld({}, async (world, { expected }) => {
    const ada = world.browser();
    await ada.login('ada');
    for (const forge of [(value: string) => flipLast(value), () => 'nonsense', () => '%00%', () => 's%3Aabc.def', () => `${'A'.repeat(3000)}.${'B'.repeat(43)}`]) {
      const thief = world.browser();
      for (const [name, value] of ada.cookies) thief.cookies.set(name, forge(value));
      expect((await thief.get('/me')).status).toBe(401);
    }
    expect((await ada.get('/me')).body).toEqual({ user: 'ada' });
    await expectEvents(world, expected(['login']));
  }),

  use_after_end: inWorld({}, async (world, { expected }) => {
    const ada = world.browser();
    await ada.login('ada');
    const thief = ada.clone();
    await ada.post('/logout');
    world.pass(MINUTE);
    await thief.get('/me');
    const entries = await expectEvents(world, expected(['login', 'logout', 'session_use_after_end']));
    const after = entries.find(({ event }) => event === 'session_use_after_end');
    expect(after).toMatchObject({ sessionId: at(entries, 0).sessionId, ip: '127.0.0.1' });
    expect(after?.userId ?? 'ada').toBe('ada');
  }),
} satisfies Record<string, ScenarioRun>;

/** The same cookie with another character in the middle of its last part: a wrong signature, or an unknown token. */
function flipLast(value: string): string {
  const middle = value.length - 8;
  return `${value.slice(0, middle)}${value[middle] === 'A' ? 'B' : 'A'}${value.slice(middle + 1)}`;
}
