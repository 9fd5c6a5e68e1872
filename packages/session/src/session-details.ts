import type { EventInput, EventName } from '@indelible/event';
import { SessionError } from './error.ts';

/** The keys of `details` that become fields of the entry. */
const FIELDS = [
  'sessionId',
  'sidHash',
  'prev',
  'outcome',
  'reason',
  'initiator',
  'ip',
  'userAgent',
  'resource',
  'idleDeadline',
  'absoluteDeadline',
  'policy',
  'app',
  'instance',
  'tenant',
] as const;

/**
 * The third argument of `logSessionEvent`: the fields of the entry and anything else, side by side.
 *
 * Any key that is not named here is recorded under the entry's `details`, as plain JSON, secrets redacted.
 */
export type SessionDetails = Pick<EventInput, (typeof FIELDS)[number]> & {
  /** Refused: the log takes the time of the call. Append to the log itself to report an event later than it happened. */
  readonly timestamp?: never;
  /** Refused: it is the first argument. */
  readonly userId?: never;
  /** Refused: it is the second argument. */
  readonly event?: never;
  /** Refused: the log makes it. Append to the log itself to repeat an event under its id. */
  readonly id?: never;
  /** Refused: the log stamps it. */
  readonly recordedAt?: never;
  /** Refused: the log stamps it. */
  readonly clockAheadMs?: never;
  /** Refused: what is not a field goes under the entry's `details` by itself. */
  readonly details?: never;
  /** Refused: reserved by the record's format. */
  readonly envelope?: never;
  /** Refused: reserved by the record's format. */
  readonly indelible?: never;
  readonly [key: string]: unknown;
};

const IS_FIELD: ReadonlySet<string> = new Set(FIELDS);

/** Whether a key of `details` becomes a field of the entry. */
export function isEventField(key: string): boolean {
  return IS_FIELD.has(key);
}

/** Fields of an entry that `details` must not set, or would seem to set, and what to do instead. */
const REFUSED: ReadonlyMap<string, string> = new Map([
  ['timestamp', 'the log takes the time of the call; append to the log itself to report an event later than it happened'],
  ['userId', 'it is the first argument'],
  ['event', 'it is the second argument'],
  ['id', 'the log makes it; append to the log itself to repeat an event under its id'],
  ['recordedAt', 'the log stamps it; leave it out'],
  ['clockAheadMs', 'the log stamps it; leave it out'],
  ['details', 'give its members directly, they are recorded under details'],
  ['envelope', 'the name is reserved for a field of a later format; give it another one'],
  ['indelible', 'the name is reserved for the lines of the log itself; give it another one'],
]);

/**
 * The event that a call of `logSessionEvent` means.
 *
 * Reads own enumerable data properties of `details`, each once, and runs none of its code; `undefined` counts as absent. Whether
 * the values fit their fields is the log's business.
 *
 * @throws SessionError `ERR_SESSION_DETAILS_INVALID` unless `details` is a plain object without accessors;
 * `ERR_SESSION_DETAILS_RESERVED` for a key that would contradict the call or the log.
 */
export function sessionEvent(userId: string | undefined, event: EventName | 'extension', details: SessionDetails): EventInput {
  if (!isPlainObject(details)) throw invalid('details must be a plain object: { ip, userAgent, … }');
  const fields: Record<string, unknown> = { event, userId };
  // Without a prototype, so that a key such as __proto__ stays a key, which the log refuses by name.
  const rest = Object.create(null) as Record<string, unknown>;
  let hasRest = false;
  for (const key of Object.keys(details)) {
    const property = Object.getOwnPropertyDescriptor(details, key);
    if (property?.get !== undefined || property?.set !== undefined) {
      throw invalid(`details has an accessor (${quote(key)}): pass a plain value`, key);
    }
    const value: unknown = property?.value;
    if (value === undefined) continue;
    const refusal = REFUSED.get(key);
    if (refusal !== undefined) throw new SessionError('ERR_SESSION_DETAILS_RESERVED', `details must not have ${key}: ${refusal}`, key);
    if (isEventField(key)) {
      fields[key] = value;
    } else {
      rest[key] = value;
      hasRest = true;
    }
  }
  return (hasRest ? { ...fields, details: rest } : fields) as EventInput;
}

/** Plain: no prototype, or one that is the root of its chain, which is Object.prototype of this or another realm. */
function isPlainObject(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null;
}

function invalid(message: string, field?: string): SessionError {
  return new SessionError('ERR_SESSION_DETAILS_INVALID', message, field);
}

function quote(key: string): string {
  return JSON.stringify(key.length > 40 ? `${key.slice(0, 40)}…` : key);
}
