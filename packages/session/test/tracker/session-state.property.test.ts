import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Change } from '../../dist/tracker/change.js';
import { DeadlineHeap } from '../../dist/tracker/deadline-heap.js';
import { SessionState } from '../../dist/tracker/session-state.js';
import { SlotIndex } from '../../dist/tracker/slot-index.js';

const numRuns = process.env['SLOW'] === '1' ? 3000 : 100;

/** The same, said in the plainest way: objects in a map. */
class Oracle {
  readonly sessions = new Map<string, { userId: string; open: boolean; sid: string | undefined; idleMs: number | undefined; absoluteMs: number | undefined; last: string }>();

  apply(change: Change): void {
    const { sessionId, userId } = change;
    if (change.event === 'login') {
      if (sessionId === undefined || userId === undefined || this.sessions.has(sessionId)) return;
      this.#take(change.sidHash);
      this.sessions.set(sessionId, { userId, open: true, sid: change.sidHash, idleMs: change.idleMs, absoluteMs: change.absoluteMs, last: change.id });
      return;
    }
    const session = sessionId === undefined ? [...this.sessions.values()].find(({ sid }) => sid !== undefined && sid === change.sidHash) : this.sessions.get(sessionId);
    if (session === undefined || (userId !== undefined && userId !== session.userId)) return;
    session.last = change.id;
    if (['logout', 'timeout', 'revoked'].includes(change.event)) session.open = false;
    if (!session.open) return;
    if (change.event === 'extend') {
      session.idleMs = change.idleMs ?? session.idleMs;
      session.absoluteMs = change.absoluteMs ?? session.absoluteMs;
    }
    if (change.event === 'session_regenerated' && change.sidHash !== undefined && change.sidHash !== session.sid) {
      this.#take(change.sidHash);
      session.sid = change.sidHash;
    }
  }

  #take(sid: string | undefined): void {
    for (const session of this.sessions.values()) if (sid !== undefined && session.sid === sid) session.sid = undefined;
  }
}

const uuid = (n: number): string => `019bbd00-0000-7000-8000-${n.toString(16).padStart(12, '0')}`;
const sidOf = (n: number): string => (n % 3 === 0 ? `foreign:${'ab'.repeat(16)}${n}` : Buffer.from(`keyed hash of thirty-two bytes ${n}`.padEnd(32).slice(0, 32)).toString('base64url'));
const time = fc.integer({ min: 1, max: 1000 }).map((n) => 1_700_000_000_000 + n * 1000);
const change = fc.record({
  event: fc.constantFrom('login', 'login', 'login', 'extend', 'logout', 'timeout', 'revoked', 'session_regenerated', 'context_changed', 'session_use_after_end', 'heartbeat'),
  userId: fc.option(fc.integer({ min: 0, max: 3 }).map((n) => `user-${n}`), { nil: undefined, freq: 8 }),
  sessionId: fc.option(fc.integer({ min: 1, max: 12 }).map((n) => (n % 4 === 0 ? `S-${n}` : uuid(n))), { nil: undefined, freq: 6 }),
  sidHash: fc.option(fc.integer({ min: 1, max: 12 }).map(sidOf), { nil: undefined, freq: 6 }),
  timeMs: time,
  idleMs: fc.option(time, { nil: undefined }),
  absoluteMs: fc.option(time, { nil: undefined }),
});
const history = fc.array(change, { maxLength: 120 }).map((changes) =>
  changes.map((one, i): Change => ({ ...one, id: uuid(1000 + i), ip: '192.0.2.1', userAgent: undefined, app: undefined, tenant: undefined, reason: undefined })),
);
const newState = (): SessionState => new SessionState({ warnFrom: 2, historyMs: 86_400_000, graceMs: 0 });

function summary(state: SessionState): unknown[] {
  return ['user-0', 'user-1', 'user-2', 'user-3'].map((user) =>
    [...state.openOf(state.users.find(user, undefined))]
      .map((slot) => {
        const { sessionId, userId, sidHash, idleDeadlineMs, absoluteDeadlineMs } = state.describe(slot);
        return JSON.stringify([sessionId, userId, sidHash ?? null, idleDeadlineMs ?? null, absoluteDeadlineMs ?? null]);
      })
      .toSorted(),
  );
}

describe('the state of the sessions', () => {
  it('is what the plainest reading of the record says', () => {
    fc.assert(
      fc.property(history, (changes) => {
        const state = newState();
        const oracle = new Oracle();
        changes.forEach((one, place) => {
          state.apply(one, place);
          oracle.apply(one);
        });
        for (const [sessionId, expected] of oracle.sessions) {
          const slot = state.openById(sessionId);
          expect(slot >= 0).toBe(expected.open);
          if (slot < 0) continue;
          const { userId, sidHash, idleDeadlineMs, absoluteDeadlineMs, lastEventId } = state.describe(slot);
          expect({ userId, open: true, sid: sidHash, idleMs: idleDeadlineMs, absoluteMs: absoluteDeadlineMs, last: lastEventId }).toEqual(expected);
          if (sidHash !== undefined) expect(state.openBySid(sidHash)).toBe(slot);
        }
        const open = [...oracle.sessions.values()].filter((session) => session.open);
        expect(state.openCount).toBe(open.length);
        const due = open.map(({ idleMs, absoluteMs }) => Math.min(idleMs ?? Number.POSITIVE_INFINITY, absoluteMs ?? Number.POSITIVE_INFINITY));
        expect(state.heap.nextMs).toBe(Math.min(Number.POSITIVE_INFINITY, ...due));
        expect(state.heap.size).toBe(due.filter(Number.isFinite).length);
      }),
      { numRuns },
    );
  });

  it('does not depend on being told twice', () => {
    fc.assert(
      fc.property(history, (changes) => {
        const [once, twice] = [newState(), newState()];
        changes.forEach((one, place) => {
          once.apply(one, place);
          twice.apply(one, place);
          twice.apply(one, place);
        });
        expect(summary(twice)).toEqual(summary(once));
      }),
      { numRuns },
    );
  });

  it('has the same warnings whichever of two logins was read first', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([0, 1, 2, 3, 4, 5], { minLength: 6 }), (order) => {
        const logins = order.map((_, i): Change => ({ id: uuid(i + 1), event: 'login', timeMs: 1_700_000_000_000, userId: i < 4 ? 'maria' : 'jan', sessionId: uuid(i + 1), sidHash: sidOf(i + 1), ip: `192.0.${i}.1`, userAgent: undefined, idleMs: undefined, absoluteMs: undefined, app: undefined, tenant: undefined, reason: undefined }));
        const state = newState();
        for (const i of order) state.apply(logins[i]!, i, true);
        const warned = state.concurrency.dueSlots().map((slot) => state.table.sessionId(slot));
        expect(warned.toSorted()).toEqual([uuid(2), uuid(3), uuid(4), uuid(6)]);
      }),
      { numRuns },
    );
  });
});

describe('the deadline heap', () => {
  it('gives the earliest first, whatever moves', () => {
    const step = fc.tuple(fc.integer({ min: 0, max: 40 }), fc.option(fc.integer({ min: 0, max: 50 }), { nil: undefined }));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const heap = new DeadlineHeap();
        const expected = new Map<number, number>();
        for (const [slot, due] of steps) {
          heap.set(slot, due ?? Number.POSITIVE_INFINITY);
          if (due === undefined) expected.delete(slot);
          else expected.set(slot, due);
          expect(heap.nextMs).toBe(Math.min(Number.POSITIVE_INFINITY, ...expected.values()));
        }
        for (const due of [...expected.values()].toSorted((a, b) => a - b)) {
          expect(heap.nextMs).toBe(due);
          heap.remove(heap.first);
        }
        expect(heap.size).toBe(0);
      }),
      { numRuns },
    );
  });
});

describe('the slot index', () => {
  it('finds what is in it and nothing else', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 60 }), fc.boolean()), { maxLength: 300 }), (steps) => {
        const hashOf = (slot: number): number => (slot * 7) % 16; // many of one hash
        const index = new SlotIndex(hashOf);
        const expected = new Set<number>();
        for (const [slot, isIn] of steps) {
          if (isIn && !expected.has(slot)) index.add(slot);
          if (!isIn && expected.has(slot)) index.remove(slot);
          if (isIn) expected.add(slot);
          else expected.delete(slot);
        }
        for (let slot = 0; slot <= 60; slot++) expect(index.find(hashOf(slot), (found) => found === slot)).toBe(expected.has(slot) ? slot : -1);
      }),
      { numRuns },
    );
  });
});
