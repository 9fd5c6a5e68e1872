import type { Initiator } from './event-input.ts';
import { decodeLine } from './event-line.ts';
import { describeValue, EventError } from './error.ts';
import { isId } from './id.ts';
import { parseJsonStrict } from './json.ts';
import { isNormalForm, parseTime } from './time.ts';
import type { EventName } from './vocabulary.ts';

/**
 * An entry as it stands in the record.
 *
 * A record outlives the program that reads it: fields and event names of later formats are kept as they are.
 */
export type Entry = {
  readonly id: string;
  readonly timestamp: string;
  readonly recordedAt?: string;
  readonly event: EventName | (string & {});
  readonly userId?: string;
  readonly sessionId?: string;
  readonly sidHash?: string;
  readonly prev?: string;
  readonly outcome?: 'success' | 'failure' | (string & {});
  readonly reason?: string;
  readonly initiator?: Initiator | (string & {});
  readonly ip?: string;
  readonly userAgent?: string;
  readonly resource?: string;
  readonly idleDeadline?: string;
  readonly absoluteDeadline?: string;
  readonly policy?: string;
  readonly app?: string;
  readonly instance?: string;
  readonly tenant?: string;
  readonly clockAheadMs?: number;
  readonly details?: { readonly [key: string]: unknown };
  readonly [later: string]: unknown;
};

// {"id":"<36>","timestamp":"<24>"[,"recordedAt":"<24>"],"event":"…
const ID_MARK = '{"id":"';
const TIME_MARK = '","timestamp":"';
const RECORDED_MARK = '","recordedAt":"';
const EVENT_MARK = '","event":"';
const ID_AT = ID_MARK.length;
const TIME_AT = ID_AT + 36 + TIME_MARK.length;
const TIME_END = TIME_AT + 24;
const RECORDED_AT = TIME_END + RECORDED_MARK.length;
const RECORDED_END = RECORDED_AT + 24;

const TEXT_FIELDS = [
  'recordedAt', 'userId', 'sessionId', 'sidHash', 'prev', 'outcome', 'reason', 'initiator', 'ip', 'userAgent', 'resource',
  'idleDeadline', 'absoluteDeadline', 'policy', 'app', 'instance', 'tenant',
] as const;

/**
 * Reads the id of an entry from its fixed place, without parsing the line.
 *
 * @param entry - The line, as bytes or text.
 * @throws EventError `ERR_EVENT_ENTRY_INVALID` when the line does not begin as an entry does.
 */
export function entryId(entry: Uint8Array | string): string {
  const head = headOf(entry);
  const id = head.startsWith(ID_MARK) && head.startsWith(TIME_MARK, ID_AT + 36) ? head.slice(ID_AT, ID_AT + 36) : '';
  if (!isId(id)) throw invalidEntry('it does not begin with an id', 'id');
  return id;
}

/**
 * Reads the time of an entry from its fixed place, without parsing the line: `timestamp`, in Unix milliseconds.
 *
 * @param entry - The line, as bytes or text.
 * @throws EventError `ERR_EVENT_ENTRY_INVALID` when the line has no normalised time there.
 */
export function entryTime(entry: Uint8Array | string): number {
  const head = headOf(entry);
  const marked =
    head.startsWith(ID_MARK) &&
    head.startsWith(TIME_MARK, ID_AT + 36) &&
    (head.startsWith(EVENT_MARK, TIME_END) || head.startsWith(RECORDED_MARK, TIME_END));
  const ms = marked ? readTime(head.slice(TIME_AT, TIME_END)) : undefined;
  if (ms === undefined) throw invalidEntry('it has no timestamp behind its id', 'timestamp');
  return ms;
}

/**
 * The entry without what the log stamped on it (`recordedAt`, `clockAheadMs`): the fact that was reported.
 *
 * A retry of an event under the same id says the same fact, at another moment: its line may differ in these
 * two fields and in nothing else.
 *
 * @param line - An entry line.
 */
export function entryFact(line: string): string {
  const start = line.startsWith(RECORDED_MARK, TIME_END) ? line.slice(0, TIME_END) + line.slice(RECORDED_END) : line;
  // Within a string every quote is escaped, so this text can only be a key; the first one is the top level's,
  // because `details`, the only place for other objects, comes last.
  const ahead = start.search(/,"(?:clockAheadMs|details)":/);
  if (ahead < 0 || !start.startsWith(',"clockAheadMs":', ahead)) return start;
  return start.slice(0, ahead) + start.slice(ahead + 16).replace(/^[0-9]+/, '');
}

/**
 * Reads an entry line back.
 *
 * Strict about JSON, about the fixed head of the line and about the type of every known field; keeps unknown fields.
 *
 * @param line - The line, without its newline.
 * @throws EventError `ERR_EVENT_TOO_LARGE`, `ERR_EVENT_JSON_INVALID`, or `ERR_EVENT_ENTRY_INVALID` naming the field.
 */
export function parseEntry(line: Uint8Array | string): Entry {
  const text = decodeLine(line);
  entryId(text);
  entryTime(text);
  const value = parseJsonStrict(text) as Record<string, unknown>;
  const event = text.startsWith(RECORDED_MARK, TIME_END) ? RECORDED_END : TIME_END;
  if (!text.startsWith(EVENT_MARK, event)) throw invalidEntry('the event does not stand behind its times', 'event');
  for (const field of TEXT_FIELDS) {
    const held = value[field];
    if (held !== undefined && typeof held !== 'string') {
      throw invalidEntry(`${field} is ${describeValue(held)}, not a string`, field);
    }
  }
  for (const field of ['recordedAt', 'idleDeadline', 'absoluteDeadline'] as const) {
    const held = value[field];
    if (typeof held === 'string' && readTime(held) === undefined) throw invalidEntry(`${field} is not a normalised time`, field);
  }
  const { clockAheadMs, details } = value as Entry;
  if (clockAheadMs !== undefined && !Number.isSafeInteger(clockAheadMs)) {
    throw invalidEntry('clockAheadMs is not an integer', 'clockAheadMs');
  }
  if (details !== undefined && (typeof details !== 'object' || details === null || Array.isArray(details))) {
    throw invalidEntry(`details is ${describeValue(details)}, not an object`, 'details');
  }
  return value as Entry;
}

/** A time in exactly the form in which entries hold it, or undefined. */
function readTime(text: string): number | undefined {
  if (!isNormalForm(text)) return undefined;
  try {
    return parseTime(text, 'timestamp');
  } catch {
    return undefined;
  }
}

/** The fixed part of a line. Bytes are read as Latin-1: whatever is not ASCII fails the check of its field. */
function headOf(entry: Uint8Array | string): string {
  if (typeof entry === 'string') return entry;
  return Buffer.from(entry.buffer, entry.byteOffset, Math.min(entry.length, RECORDED_AT)).toString('latin1');
}

function invalidEntry(problem: string, field: string): EventError {
  return new EventError('ERR_EVENT_ENTRY_INVALID', `not an entry: ${problem}`, { field });
}
