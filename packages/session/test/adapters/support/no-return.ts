import { expect } from 'vitest';
import { eventsOf } from './scenario.ts';
import type { World } from './world.ts';

/** A request that is under way when another ends its session, or renames it, must not store the session again. */
export async function expectNoReturn(world: World & { readonly store: { readonly rows: ReadonlyMap<string, string> } }): Promise<void> {
  for (const end of ['/logout', '/regenerate']) {
    const ada = world.browser();
    await ada.login('ada');
    const late = ada.clone();
    const underWay = late.get('/me?delay=100');
    await new Promise((resolve) => setTimeout(resolve, 40));
    await ada.post(end);
    expect((await underWay).status).toBe(200);
    expect([...world.store.rows.values()].filter((row) => row.includes('"ada"'))).toHaveLength(end === '/logout' ? 0 : 1);
    expect((await late.get('/me')).status).toBe(401);
  }
  const events = eventsOf(await world.entries());
  expect(events.filter((event) => event !== 'session_use_after_end')).toEqual(['login', 'logout', 'login', 'session_regenerated']);
}
