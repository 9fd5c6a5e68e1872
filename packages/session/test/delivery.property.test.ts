import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EventInput } from '@indelible/event';
import fc from 'fast-check';
import { afterAll, expect, it } from 'vitest';
import { eventNow, openReporting } from './support/delivered.ts';
import { recordingPort } from './support/recording-port.ts';

const root = mkdtempSync(join(tmpdir(), 'indelible-delivery-'));
afterAll(() => rmSync(root, { recursive: true }));
let made = 0;
const RUNS = process.env['SLOW'] === '1' ? 2_000 : 100;

/** What happens next: events come together, the line changes its mood, somebody waits or starts the process again. */
const step = fc.oneof(
  fc.record({ events: fc.array(fc.constantFrom('refusable' as const, 'proceeds' as const), { minLength: 1, maxLength: 6 }) }),
  // After how many more appends it fails, and whether it records them all the same.
  fc.record({ failAfter: fc.integer({ min: 0, max: 5 }), records: fc.boolean() }),
  fc.constantFrom('back' as const, 'drain' as const, 'turn' as const, 'restart' as const),
);

it.each(['strict', 'spool'] as const)('%s: whatever the log does, what was promised is on the record once, in order, and the gaps count it', async (mode) => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const record = recordingPort(true);
      const line = { failAfter: Number.POSITIVE_INFINITY, records: false };
      const append = async (event: EventInput) => {
        if (line.failAfter-- > 0) return record.append(event);
        if (line.records) await record.append(event);
        throw Object.assign(new Error('away'), { code: 'ECONNREFUSED' });
      };
      const log = { append, appendAll: (events: readonly EventInput[]) => Promise.all(events.map(append)) };
      const spool = { directory: join(root, String(made++)), key: new Uint8Array(32).fill(1), ephemeral: 'accept-loss' as const };
      const open = () => openReporting({ log, mode, ...(mode === 'spool' ? { spool } : {}) });
      let opened = await open();
      const results: Promise<{ user: string; delayed?: boolean; refused?: true }>[] = [];
      for (const next of steps) {
        if (next === 'back') line.failAfter = Number.POSITIVE_INFINITY;
        else if (next === 'turn') await new Promise((resolve) => setImmediate(resolve));
        else if (next === 'drain') await opened.delivery.drain().catch(() => undefined);
        else if (next === 'restart') {
          if (mode === 'strict') continue; // what is in memory would end with it
          await opened.delivery.close();
          opened = await open();
        } else if ('events' in next) {
          for (const kind of next.events) {
            const user = `u${results.length}`;
            results.push(opened.delivery.record(eventNow('login', user), kind).then(({ delayed }) => ({ user, delayed }), () => ({ user, refused: true as const })));
          }
        } else Object.assign(line, next);
      }
      line.failAfter = Number.POSITIVE_INFINITY;
      const outcomes = await Promise.all(results);
      await opened.delivery.drain();
      await opened.delivery.close();
      const users = record.users();
      expect(new Set(users).size).toBe(users.length);
      expect(outcomes.filter(({ user, refused }) => refused !== true && !users.includes(user))).toEqual([]);
      if (mode === 'spool') expect(outcomes.some(({ refused }) => refused)).toBe(false);
      const delayed = outcomes.filter((outcome) => outcome.delayed === true).map(({ user }) => user);
      expect(record.gaps().reduce((sum, { count }) => sum + (count as number), 0)).toBe(delayed.length);
      expect(record.gaps().every(({ lost, refused }) => lost === undefined && refused === undefined)).toBe(true);
      if (!steps.some((next) => typeof next === 'object' && 'records' in next && next.records)) {
        expect(users.filter((user) => delayed.includes(String(user)))).toEqual(delayed);
      }
    }),
    { numRuns: RUNS },
  );
}, 60_000 + RUNS * 200);
