import { expect } from 'vitest';
import { eventsOf, expectEvents, inWorld, type ScenarioRun } from '../support/scenario.ts';
import { EXTEND_EVERY_MS } from '../support/world.ts';
import { killed } from './killed.ts';

/** What fails, and what happens at the same time. */
export const outages = {
  login_not_durable: inWorld({}, async (world, { expected }) => {
    const ada = world.browser();
    world.port.isDown = true;
    expect((await ada.login('ada')).status).toBe(503);
    expect((await ada.get('/me')).status).toBe(401);
    world.port.isDown = false;
    expect((await ada.get('/me')).status).toBe(401);
    expect(world.tracker.sessionsOf('ada')).toEqual([]);
    expect(eventsOf(await world.entries())).toEqual([]);
    expect((await ada.login('ada')).status).toBe(200);
    await expectEvents(world, expected(['login']));
  }),

  store_outage: inWorld({}, async (world, { expected }) => {
    const ada = world.browser();
    await ada.login('ada');
    const { app } = world;
    if (app.failStore === undefined) throw new Error('this application has no session store to fail');
    app.failStore(true);
    expect((await ada.get('/me')).status).not.toBe(200);
    app.failStore(false);
    expect((await ada.get('/me')).body).toEqual({ user: 'ada' });
    await expectEvents(world, expected(['login']));
  }),

  killed,

  two_requests: inWorld({}, async (world, { expected }) => {
    const ada = world.browser();
    await ada.login('ada');
    world.pass(EXTEND_EVERY_MS + 1_000);
    const answers = await Promise.all([ada.get('/me'), ada.get('/me'), ada.get('/me')]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(eventsOf(await world.entries())).toEqual(['login', 'extend']);
    // A request that was under way when the session ended is not a use after the end.
    const late = ada.clone();
    const underWay = late.get('/me?delay=150');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect((await ada.post('/logout')).status).toBeLessThan(300);
    await underWay;
    expect(world.tracker.sessionsOf('ada')).toEqual([]);
    const entries = await expectEvents(world, expected(['login', 'extend', 'logout']));
    // Of two logins at once at least one says that there is another.
    await Promise.all([world.browser().login('bob'), world.browser().login('bob')]);
    const ofBob = (await world.entries()).filter(({ userId }) => userId === 'bob');
    expect(ofBob.filter(({ event }) => event === 'login')).toHaveLength(2);
    expect(ofBob.filter(({ event }) => event === 'concurrent_warning').length).toBeGreaterThanOrEqual(1);
    return eventsOf(entries);
  }),
} satisfies Record<string, ScenarioRun>;
