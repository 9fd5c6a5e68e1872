import { type Entry, type EventInput, parseTime } from '@indelible/event';

/** What the state of the sessions takes from an entry. */
export interface Change {
  readonly id: string;
  readonly event: string;
  readonly timeMs: number;
  readonly userId: string | undefined;
  readonly sessionId: string | undefined;
  readonly sidHash: string | undefined;
  readonly ip: string | undefined;
  readonly userAgent: string | undefined;
  readonly idleMs: number | undefined;
  readonly absoluteMs: number | undefined;
  readonly app: string | undefined;
  readonly tenant: string | undefined;
  readonly reason: string | undefined;
}

/** An event with its id and its time: what can be recorded again, word by word. */
export type TrackedEvent = Omit<EventInput, 'id' | 'timestamp' | 'idleDeadline' | 'absoluteDeadline'> & {
  readonly id: string;
  readonly timestamp: number;
  readonly idleDeadline?: number | undefined;
  readonly absoluteDeadline?: number | undefined;
};

/**
 * Reads a sealed line; undefined for one that no session depends on, or that is none.
 *
 * Not with the strict parser, which takes three times as long: these bytes were encoded by the log and are under its seal, and
 * what they say is checked field by field.
 */
export function readChange(bytes: Uint8Array): Change | undefined {
  let entry: Entry;
  try {
    entry = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString()) as Entry;
  } catch {
    return undefined;
  }
  if (typeof entry !== 'object' || entry === null || typeof entry.id !== 'string') return undefined;
  const timeMs = time(entry.timestamp);
  if (timeMs === undefined || typeof entry.event !== 'string') return undefined;
  return {
    id: entry.id,
    event: entry.event,
    timeMs,
    userId: text(entry.userId),
    sessionId: text(entry.sessionId),
    sidHash: text(entry.sidHash),
    ip: text(entry.ip),
    userAgent: text(entry.userAgent),
    idleMs: time(entry.idleDeadline),
    absoluteMs: time(entry.absoluteDeadline),
    app: text(entry.app),
    tenant: text(entry.tenant),
    reason: text(entry.reason),
  };
}

/** The change that an event makes once it is recorded. */
export function changeOf(event: TrackedEvent): Change {
  return {
    id: event.id,
    event: event.event,
    timeMs: event.timestamp,
    userId: event.userId,
    sessionId: event.sessionId,
    sidHash: event.sidHash,
    ip: event.ip,
    userAgent: event.userAgent,
    idleMs: event.idleDeadline,
    absoluteMs: event.absoluteDeadline,
    app: event.app,
    tenant: event.tenant,
    reason: event.reason,
  };
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function time(value: unknown): number | undefined {
  if (typeof value !== 'string') return undefined;
  try {
    return parseTime(value, 'time');
  } catch {
    return undefined;
  }
}
