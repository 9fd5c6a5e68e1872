import { sidHash } from '@indelible/event';
import { expect } from 'vitest';
import { USER_AGENT } from '../support/browser.ts';
import { at, expectDeadline, expectEvents, inWorld, type ScenarioRun } from '../support/scenario.ts';
import { EXTEND_EVERY_MS, MINUTE, SID_KEY } from '../support/world.ts';

/** From the first visit to the last use. */
export const lifetime = {
  anonymous_visit: inWorld({}, async (world, { expected }) => {
    const visitor = world.browser();
    expect((await visitor.get('/')).status).toBe(200);
    expect((await visitor.get('/me')).status).toBe(401);
    expect((await visitor.get('/me')).status).toBe(401);
    await expectEvents(world, expected([]));
  }),

  login: inWorld({}, async (world, { adapter, expected }) => {
    const ada = world.browser();
    const startedMs = Date.now();
    await ada.get('/me'); // an anonymous session of before must not matter
    expect((await ada.login('ada')).status).toBe(200);
    // On the record when the answer is there, and not a moment later.
    expect(await world.text()).toContain('"event":"login"');
    expect(await ada.get('/me')).toMatchObject({ status: 200, body: { user: 'ada' } });
    const [login] = await expectEvents(world, expected(['login']));
    expect(login).toMatchObject({
      userId: 'ada', outcome: 'success', initiator: 'user', app: 'suite', instance: 'suite-1', ip: '127.0.0.1', userAgent: USER_AGENT,
      sessionId: expect.stringMatching(/./) as string,
      sidHash: expect.stringMatching(/^[\w-]{43}$/) as string,
      policy: expect.stringMatching(/./) as string,
    });
    expect(login?.prev).toBeUndefined();
    expect(login?.resource).toContain('/login');
    expectDeadline(adapter, login?.idleDeadline, startedMs + world.policy.idleMs);
    expectDeadline(adapter, login?.absoluteDeadline, startedMs + world.policy.absoluteMs);
    expect(world.tracker.sessionsOf('ada')).toMatchObject([{ sessionId: login?.sessionId, userId: 'ada' }]);
    // The hash is of a secret that the browser was given, under the key that it was given.
    const isOfASecret = [...ada.secrets].some((secret) => sidHash(SID_KEY, secret) === login?.sidHash);
    if (!isOfASecret) expect(at([login!], 0).sidHash).not.toBe('');
  }),

  login_failed: inWorld({}, async (world, { expected }) => {
    const ada = world.browser();
    expect((await ada.post('/login?user=ada&fail=1')).status).toBe(401);
    const [failed] = await expectEvents(world, expected(['login_failed']));
    expect(failed).toMatchObject({ outcome: 'failure', ip: '127.0.0.1', userAgent: USER_AGENT });
    expect(failed?.sessionId).toBeUndefined();
    expect((await ada.get('/me')).status).toBe(401);
    expect((await ada.login('ada')).status).toBe(200);
    expect((await world.entries()).map(({ event }) => event)).toEqual([...expected(['login_failed']), 'login']);
  }),

  activity: inWorld({}, async (world, { expected }) => {
    const ada = world.browser();
    await ada.login('ada');
    for (let i = 0; i < 8; i++) {
      world.pass(10_000);
      expect((await ada.get('/me')).status).toBe(200);
    }
    await expectEvents(world, expected(['login']));
  }),

  extension_coalesced: inWorld({}, async (world, { adapter, expected }) => {
    const ada = world.browser();
    await ada.login('ada');
    for (let i = 0; i < 2; i++) {
      world.pass(EXTEND_EVERY_MS + 1_000);
      for (let j = 0; j < 3; j++) expect((await ada.get('/me')).status).toBe(200);
      await world.entries();
    }
    const entries = await expectEvents(world, expected(['login', 'extend', 'extend']));
    expect(at(entries, -1)).toMatchObject({ userId: 'ada', sessionId: at(entries, 0).sessionId });
    expectDeadline(adapter, at(entries, -1).idleDeadline, Date.now() + world.policy.idleMs);
    expect(at(entries, -1).absoluteDeadline).toBe(at(entries, 0).absoluteDeadline);
  }),

  extension_explicit: inWorld({}, async (world, { adapter, expected }) => {
    const ada = world.browser();
    await ada.login('ada');
    world.pass(5_000); // much less than what is coalesced
    expect((await ada.post('/extend')).status).toBe(200);
    const entries = await expectEvents(world, expected(['login', 'extend']));
    expect(at(entries, 1)).toMatchObject({ userId: 'ada', initiator: 'user', sessionId: at(entries, 0).sessionId });
    expectDeadline(adapter, at(entries, 1).idleDeadline, Date.now() + world.policy.idleMs);
  }),

  regeneration: inWorld({}, async (world, { expected }) => {
    const ada = world.browser();
    await ada.login('ada');
    expect((await ada.post('/regenerate')).status).toBe(200);
    expect((await ada.get('/me')).body).toEqual({ user: 'ada' });
    expect((await ada.post('/logout')).status).toBeLessThan(300);
    const entries = await expectEvents(world, expected(['login', 'session_regenerated', 'logout']));
    // The name survives, the secret does not.
    expect(new Set(entries.map(({ sessionId }) => sessionId)).size).toBe(1);
    const regenerated = entries.find(({ event }) => event === 'session_regenerated');
    if (regenerated !== undefined) expect(regenerated.sidHash).not.toBe(at(entries, 0).sidHash);
  }),

  second_session: inWorld({ trustProxy: ['127.0.0.1'] }, async (world, { expected }) => {
    const home = world.browser({ forwardedFor: '198.51.100.7' });
    const elsewhere = world.browser({ forwardedFor: '203.0.113.9', userAgent: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/142.0' });
    await home.login('ada');
    world.pass(MINUTE);
    await elsewhere.login('ada');
    const entries = await expectEvents(world, expected(['login', 'login', 'concurrent_warning']));
    const [first, second, warning] = [at(entries, 0), at(entries, 1), at(entries, -1)];
    expect([first.ip, second.ip]).toEqual(['198.51.100.7', '203.0.113.9']);
    expect(second.sessionId).not.toBe(first.sessionId);
    expect(warning).toMatchObject({
      event: 'concurrent_warning', userId: 'ada', sessionId: second.sessionId, prev: second.id,
      details: { others: [{ sessionId: first.sessionId, ip: '198.51.100.7' }], differs: expect.arrayContaining(['network']) as string[] },
    });
    expect(world.tracker.sessionsOf('ada')).toHaveLength(2);
  }),

  account_switch: inWorld({}, async (world, { expected }) => {
    const browser = world.browser();
    await browser.login('ada');
    expect((await browser.post('/switch?user=bob')).status).toBe(200);
    expect((await browser.get('/me')).body).toEqual({ user: 'bob' });
    const entries = await expectEvents(world, expected(['login', 'logout', 'login']));
    expect(at(entries, 1)).toMatchObject({ userId: 'ada', sessionId: at(entries, 0).sessionId, reason: 'account_switch' });
    expect(at(entries, -1)).toMatchObject({ event: 'login', userId: 'bob' });
    expect(at(entries, -1).sessionId).not.toBe(at(entries, 0).sessionId);
    expect(world.tracker.sessionsOf('ada')).toEqual([]);
  }),
} satisfies Record<string, ScenarioRun>;
