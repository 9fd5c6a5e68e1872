import type { EventInput } from '@indelible/event';
import type { Acknowledgement, LogPort } from '../log-port.ts';
import { withTimeLimit } from './time-limit.ts';

/** A log that also takes several events at once. */
export interface BatchPort extends LogPort {
  appendAll?(events: readonly EventInput[]): Promise<Acknowledgement[]>;
}

/** What became of a batch. */
export interface Sent {
  /** How many from the front are done with: on the record, or refused for good. */
  readonly settled: number;
  /** Those of them that the log will never take. */
  readonly refused: readonly { readonly at: number; readonly error: unknown }[];
  /** Why the rest has to be tried again. */
  readonly failure?: unknown;
}

/**
 * Sends events in order, each of which may be on the record already.
 *
 * One event that the log refuses for good does not hold up the others. One that is ahead of the log's clock is not refused for good:
 * it waits until that has caught up.
 *
 * @param lowered - Ids of events whose time is another one with each attempt: where the id is taken, an earlier attempt took it.
 */
export async function sendBatch(log: BatchPort, events: readonly EventInput[], limitMs: number, lowered: ReadonlySet<string | undefined> = new Set()): Promise<Sent> {
  const all = log.appendAll?.bind(log);
  if (all !== undefined && events.length > 1) {
    try {
      await withTimeLimit(() => all(events), limitMs);
      return { settled: events.length, refused: [] };
    } catch (failure) {
      if (!isRefusal(failure)) return { settled: 0, refused: [], failure };
    }
  }
  // Called in their order, which is the order that a log gives them; what succeeds behind a failure is sent again and changes nothing.
  const outcomes = await Promise.allSettled(events.map((event) => withTimeLimit(() => log.append(event), limitMs)));
  const refused: { at: number; error: unknown }[] = [];
  for (const [at, outcome] of outcomes.entries()) {
    if (outcome.status === 'fulfilled') continue;
    const error: unknown = outcome.reason;
    if (!isRefusal(error) || isClockAhead(error)) return { settled: at, refused, failure: error };
    if (isTaken(error) && (lowered.has(events[at]?.id) || isFactId(events[at]?.id))) continue;
    refused.push({ at, error });
  }
  return { settled: events.length, refused };
}

/** Whether the log says that an event is ahead of its clock: it is at fault as long as that clock is, not for good. */
function isClockAhead(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return codeOf(error) === 'ERR_EVENT_CLOCK_AHEAD' || codeOf(cause) === 'ERR_EVENT_CLOCK_AHEAD';
}

/** Whether the event is at fault, so that trying again cannot help. */
export function isRefusal(error: unknown): boolean {
  const code = codeOf(error);
  return code !== undefined && (code.startsWith('ERR_EVENT_') || code === 'ERR_LOG_ID_CONFLICT' || code === 'ERR_SESSION_SINK_REFUSED');
}

/** Whether the log has another event of this id. */
function isTaken(error: unknown): boolean {
  return codeOf(error) === 'ERR_LOG_ID_CONFLICT' || (error instanceof Error && codeOf(error.cause) === 'ERR_LOG_ID_CONFLICT');
}

/** An id made from a fact (UUIDv8): where it is taken, another observer of the same fact has recorded it. */
function isFactId(id: string | undefined): boolean {
  return id?.[14] === '8';
}

/** The code of an error, if it has one. */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
