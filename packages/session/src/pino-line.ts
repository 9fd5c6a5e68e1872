import { encodeEvent, EVENT_NAMES, EventError, isId, type EventInput } from '@indelible/event';
import type { RecordableEvent } from './delivery/delivery.ts';
import { isEventField } from './session-details.ts';

/** What pino itself writes on every line. `msg` is not among them: it goes under details. */
const PINO_FIELDS: ReadonlySet<string> = new Set(['level', 'time', 'pid', 'hostname', 'v']);
const KNOWN_EVENTS: ReadonlySet<string> = new Set([...EVENT_NAMES, 'extension']);

/** What a client says of itself, whose badness must not keep off the record what it did. */
const CLIENT_FIELDS: ReadonlySet<string> = new Set(['ip', 'userAgent', 'resource', 'reason']);
const MAX_AGENT_CHARS = 1_024;
/** NUL and lone surrogates: what no entry can hold. */
// oxlint-disable-next-line no-control-regex -- NUL is what it looks for
const UNRECORDABLE = /[\0\p{Surrogate}]/gu;

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
  if (typeof fields['userAgent'] === 'string') fields['userAgent'] = fields['userAgent'].slice(0, MAX_AGENT_CHARS).replace(UNRECORDABLE, '\ufffd');
  return recordable({
    ...fields,
    id: isId(id) ? id : makeId(Date.now()),
    timestamp: when,
    ...(Object.keys(rest).length === 0 ? {} : { details: rest }),
  } as EventInput & RecordableEvent);
}

/**
 * The event without what a client can put on a line to have it refused: `detailsRefused` and `fieldsRefused` say what was wrong.
 *
 * Where anything else is wrong it stays as it is, and is refused.
 */
function recordable(event: EventInput & RecordableEvent): EventInput & RecordableEvent {
  let tried = event;
  for (let attempt = 0; attempt <= CLIENT_FIELDS.size + 2; attempt++) {
    try {
      encodeEvent({ app: 'app', ...tried });
      return tried;
    } catch (error) {
      const changed = error instanceof EventError ? without(tried, error) : undefined;
      if (changed === undefined) return event;
      tried = changed;
    }
  }
  return event;
}

function without(event: EventInput & RecordableEvent, { code, field = '', message }: EventError): (EventInput & RecordableEvent) | undefined {
  if (code !== 'ERR_EVENT_FIELD_INVALID' && code !== 'ERR_EVENT_TOO_LARGE') return undefined;
  const details = event.details as Readonly<Record<string, unknown>> | undefined;
  // An attempt to log in names whomever it likes.
  if (CLIENT_FIELDS.has(field) || (field === 'userId' && event.event === 'login_failed')) {
    const fieldsRefused = [...((details?.['fieldsRefused'] as readonly string[] | undefined) ?? []), field];
    return { ...event, [field]: undefined, details: { ...details, fieldsRefused } };
  }
  if (!/^details(?![A-Za-z])/.test(field) || details?.['detailsRefused'] !== undefined) return undefined;
  return { ...event, details: { detailsRefused: message.slice(0, 300), ...(Array.isArray(details?.['fieldsRefused']) ? { fieldsRefused: details['fieldsRefused'] } : {}) } };
}
