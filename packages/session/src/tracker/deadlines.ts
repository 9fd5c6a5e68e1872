import type { CheckedPolicy } from '../policy.ts';

/** 9999-12-31T23:59:59.999Z, the last moment that RFC 3339 can write. */
const MAX_TIME_MS = 253_402_300_799_999;

/** What a framework said about the end of a session, and what became of it. */
export interface Deadlines {
  readonly idleMs: number | undefined;
  readonly absoluteMs: number | undefined;
  /** What the framework said that cannot be, and what stands on the record instead; for `details`. */
  readonly corrected: readonly Correction[];
}

/** One deadline that cannot be as it was given. */
export interface Correction {
  readonly field: 'idleDeadline' | 'absoluteDeadline';
  readonly given: string;
  readonly because: string;
}

/**
 * The deadlines of a session that is used now: the framework's where it gives one that can be, else the policy's.
 *
 * A store may say anything. NaN and a moment that has passed are no deadlines: the policy's is used. `Infinity` is no deadline
 * either: the session does not end by itself. A year that no entry can write becomes the last one that it can.
 */
export function chooseDeadlines(
  given: { readonly idleDeadlineMs?: number | undefined; readonly absoluteDeadlineMs?: number | undefined },
  policy: CheckedPolicy,
  openedMs: number,
  nowMs: number,
): Deadlines {
  const corrected: Correction[] = [];
  const choose = (field: Correction['field'], ms: number | undefined, byPolicy: number | undefined): number | undefined => {
    const own = byPolicy === undefined ? undefined : Math.min(byPolicy, MAX_TIME_MS);
    if (ms === undefined || ms === null) return own;
    const correct = (because: string, instead: number | undefined): number | undefined => {
      corrected.push({ field, given: typeof ms === 'number' ? describe(ms) : typeof ms, because });
      return instead;
    };
    if (typeof ms !== 'number' || Number.isNaN(ms)) return correct('not a time: the policy decides', own);
    if (ms === Number.POSITIVE_INFINITY) return correct('not a time: there is no deadline', undefined);
    if (ms <= nowMs) return correct('passed already: the policy decides', own);
    if (ms > MAX_TIME_MS) return correct('after the year 9999: the last moment of that year', MAX_TIME_MS);
    return Math.floor(ms);
  };
  const idleMs = choose('idleDeadline', given.idleDeadlineMs, policy.idleMs === undefined ? undefined : nowMs + policy.idleMs);
  const absoluteMs = choose('absoluteDeadline', given.absoluteDeadlineMs, policy.absoluteMs === undefined ? undefined : openedMs + policy.absoluteMs);
  return { idleMs, absoluteMs, corrected };
}

function describe(ms: number): string {
  return Number.isFinite(ms) && Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : String(ms);
}
