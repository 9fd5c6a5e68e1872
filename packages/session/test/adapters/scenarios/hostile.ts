import { expect } from 'vitest';
import { at, expectEvents, inWorld, type ScenarioRun } from '../support/scenario.ts';

const ODD_USER = 'ada"\n{"event":"logout"}\r\n\u2028\\ \'; --';

/** What comes in from outside and is not believed. */
export const hostile = {
  spoofed_address: inWorld({ trustProxy: false }, async (world, { expected }) => {
    const ada = world.browser({ forwardedFor: '192.0.2.66, 10.0.0.1' });
    await ada.login('ada');
    const [login] = await expectEvents(world, expected(['login']));
    expect(login?.ip).toBe('127.0.0.1');
    expect(await world.text()).not.toMatch(/"ip":"(192\.0\.2\.66|10\.0\.0\.1)"/);
  }),

  long_user_agent: inWorld({}, async (world, { expected }) => {
    const long = world.browser({ userAgent: `Mozilla/5.0 ${'x'.repeat(100_000)}` });
    expect((await long.login('ada')).status).toBe(200);
    const [login] = await expectEvents(world, expected(['login']));
    expect(login?.userAgent).toMatch(/^Mozilla\/5\.0 x{100,}/);
  }),

  hostile_user_id: inWorld({}, async (world, { expected }) => {
    const odd = world.browser();
    expect((await odd.login(ODD_USER)).status).toBe(200);
    expect((await odd.get('/me')).body).toEqual({ user: ODD_USER });
    await odd.post('/logout');
    const entries = await expectEvents(world, expected(['login', 'logout']));
    expect(entries.map(({ userId }) => userId)).toEqual([ODD_USER, ODD_USER]);
    expect((await world.text()).split('\n').every((line) => line.startsWith('{"id":"'))).toBe(true);
  }),

  details_overwrite: inWorld({ details: { userId: 'mallory', sessionId: 'S-1', event: 'logout', timestamp: 0, ip: '192.0.2.1', branch: 'north' } }, async (world, { expected }) => {
    const ada = world.browser();
    expect((await ada.login('ada')).status).toBe(200);
    await ada.post('/logout');
    const entries = await expectEvents(world, expected(['login', 'logout']));
    for (const entry of entries) {
      expect(entry).toMatchObject({ userId: 'ada', ip: '127.0.0.1', sessionId: at(entries, 0).sessionId, timestamp: new Date().toISOString() });
    }
    expect(at(entries, 0).details).toMatchObject({ branch: 'north' });
    expect(world.tracker.sessionsOf('mallory')).toEqual([]);
  }),
} satisfies Record<string, ScenarioRun>;
