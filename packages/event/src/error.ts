/** The stable codes of {@link EventError}; a code is a contract, a message is not. */
export type EventErrorCode =
  | 'ERR_EVENT_FIELD_MISSING'
  | 'ERR_EVENT_FIELD_INVALID'
  | 'ERR_EVENT_FIELD_UNKNOWN'
  | 'ERR_EVENT_NAME_UNKNOWN'
  | 'ERR_EVENT_CLOCK_AHEAD'
  | 'ERR_EVENT_TOO_LARGE'
  | 'ERR_EVENT_JSON_INVALID'
  | 'ERR_EVENT_RESERVED'
  | 'ERR_EVENT_ENTRY_INVALID'
  | 'ERR_EVENT_KEY_INVALID';

/**
 * The error of this package: an event, a line or an argument that is refused.
 *
 * `code` says which rule, `field` which field (a path such as `details.device.name`), `position` where in a
 * text (UTF-16 units from its start). A message never holds the value of a field, only its type and length:
 * the value may be a secret and errors end up in logs. Event names and well-formed ids are the exception.
 */
export class EventError extends Error {
  override readonly name: string = 'EventError';
  readonly code: EventErrorCode;
  readonly field: string | undefined;
  readonly position: number | undefined;

  constructor(code: EventErrorCode, message: string, where: { field?: string; position?: number; cause?: unknown } = {}) {
    super(message, where.cause === undefined ? undefined : { cause: where.cause });
    this.code = code;
    this.field = where.field;
    this.position = where.position;
  }
}

/** Shorthand for the most frequent refusal; the message begins with the field's name. */
export function invalidField(field: string, problem: string): EventError {
  return new EventError('ERR_EVENT_FIELD_INVALID', `${field} ${problem}`, { field });
}

/** Says what kind of value was given, and how long, without showing it. */
export function describeValue(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  switch (typeof value) {
    case 'string':
      return `a string of ${value.length} characters`;
    case 'undefined':
      return 'undefined';
    case 'object':
      return 'an object';
    default:
      return `a ${typeof value}`;
  }
}

/** A key as it may stand in a message: keys of parsed input are hostile too, so escaped and cut off. */
export function describeKey(key: string): string {
  const shown = key.length > 40 ? `${key.slice(0, 40)}…` : key;
  return /^[\w$@.-]+…?$/.test(shown) ? shown : JSON.stringify(shown).replace(/[\u007f-\uffff]/g, '?');
}

/** Formats a path such as `details.list[3]["odd key"]` from its steps. */
export function formatPath(steps: readonly (string | number)[]): string {
  let path = '';
  for (const step of steps) {
    if (typeof step === 'number') path += `[${step}]`;
    else if (/^[\w$-]{1,40}$/.test(step)) path += path === '' ? step : `.${step}`;
    else path += path === '' ? describeKey(step) : `[${JSON.stringify(describeKey(step).replace(/^"|"$/g, ''))}]`;
  }
  return path;
}
