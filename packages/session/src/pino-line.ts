import { EVENT_NAMES, isId, type EventInput } from '@indelible/event';
import type { RecordableEvent } from './delivery/delivery.ts';
import { isEventField } from './session-details.ts';

/** What pino itself writes on every line. `msg` is not among them: it goes under details. */
const PINO_FIELDS: ReadonlySet<string> = new Set(['level', 'time', 'pid', 'hostname', 'v']);
const KNOWN_EVENTS: ReadonlySet<string> = new Set([...EVENT_NAMES, 'extension']);

/**
 * The event that a line of pino's means, or undefined where it means none.
 *
 * A line is an event when it has an `event`, and a `userId` or a name of the vocabulary (a `login_failed` may have no user).
 * Fields of an entry stay fields, everything else goes under `details`; level, time, pid and hostname are pino's own: the time
 * stands in for a missing `timestamp`, host and process name the instance.
 *
 * @param makeId - Makes the id of an event that has none of its own, from its time.
 */
export function pinoEvent(line: Readonly<Record<string, unknown>>, makeId: (timeMs: number) => string): RecordableEvent | undefined {
  const { event, userId, timestamp, time, id, pid, hostname } = line;
  if (typeof event !== 'string' || (userId === undefined && !KNOWN_EVENTS.has(event))) return undefined;
  const fields: Record<string, unknown> = { event };
  const rest = Object.create(null) as Record<string, unknown>;
  for (const [key, value] of Object.entries(line)) {
    if (PINO_FIELDS.has(key) || key === 'event' || key === 'timestamp') continue;
    if (key === 'userId' || isEventField(key)) fields[key] = value;
    else if (key === 'details' && typeof value === 'object' && value !== null && !Array.isArray(value)) Object.assign(rest, value);
    else if (key === 'id' && isId(value)) continue;
    else if (key !== 'msg' || value !== '') rest[key] = value;
  }
  fields['instance'] ??= typeof hostname === 'string' && typeof pid === 'number' ? `${hostname}:${pid}` : undefined;
  const when = timestamp ?? time ?? Date.now();
  return {
    ...fields,
    id: isId(id) ? id : makeId(Date.now()),
    timestamp: when,
    ...(Object.keys(rest).length === 0 ? {} : { details: rest }),
  } as EventInput & RecordableEvent;
}
