import type { Entry } from '@indelible/event';
import { expect } from 'vitest';
import type { AdapterUnderTest } from '../adapter-under-test.ts';
import { startWorld, type World, type WorldOptions } from './world.ts';

/** What a scenario is given. */
export interface ScenarioContext {
  readonly adapter: AdapterUnderTest;
  /** The sequence of events that this adapter should leave, where the usual one is this. */
  expected(usual: readonly string[]): string[];
}

/** Runs a scenario; resolves with the events that it left on the record. */
export type ScenarioRun = (context: ScenarioContext) => Promise<string[]>;

/**
 * A scenario in one world, which is closed (and searched for secrets) at its end, however it ends. It resolves with the events that it
 * left; default: all of the record.
 */
export function inWorld(options: WorldOptions, run: (world: World, context: ScenarioContext) => Promise<void | string[]>): ScenarioRun {
  return async (context) => {
    const world = await startWorld(context.adapter, options);
    let events: string[];
    try {
      events = (await run(world, context)) ?? eventsOf(await world.entries());
    } catch (error) {
      await world.close().catch(() => undefined);
      throw error;
    }
    await world.close();
    return events;
  };
}

export function eventsOf(entries: readonly Entry[]): string[] {
  return entries.map(({ event }) => event);
}

/** The entries, after a check that they are these events, in this order, and that each session's are linked by `prev`. */
export async function expectEvents(world: World, events: readonly string[]): Promise<Entry[]> {
  const entries = await world.entries();
  expect(eventsOf(entries), describeErrors(world)).toEqual(events);
  const newest = new Map<string, string>();
  for (const entry of entries) {
    if (entry.sessionId === undefined) continue;
    const before = newest.get(entry.sessionId);
    if (entry.event === 'login') expect(before, 'a session has one login').toBeUndefined();
    else if (entry.event !== 'session_use_after_end') expect(entry.prev, `prev of ${entry.event}`).toBe(before);
    newest.set(entry.sessionId, entry.id);
  }
  return entries;
}

/** An entry by its place; a test error where there is none. */
export function at(entries: readonly Entry[], index: number): Entry {
  const entry = entries.at(index);
  if (entry === undefined) throw new Error(`the record has no entry ${index}`);
  return entry;
}

/** A deadline of the record, to within what the framework can say. */
export function expectDeadline(adapter: AdapterUnderTest, given: string | undefined, expectedMs: number): void {
  const { deadlineToleranceMs = 1_000 } = adapter;
  expect(Math.abs(Date.parse(given ?? '') - expectedMs), `deadline ${given} is ${new Date(expectedMs).toISOString()}`).toBeLessThanOrEqual(deadlineToleranceMs);
}

function describeErrors({ errors }: World): string {
  return errors.length === 0 ? 'the record' : `the record; errors were ${errors.map(String).join('; ')}`;
}
