import { describeKey, describeValue, EventError, invalidField } from './error.ts';
import { hasGetter, isForbiddenKey } from './property.ts';
import { holdsToken } from './redact-text.ts';
import { encodeText, isPlainName } from './text.ts';

/** One bit per field that a caller may give; a set of fields is a number. */
export const FIELD = {
  id: 0x1,
  timestamp: 0x2,
  event: 0x4,
  userId: 0x8,
  sessionId: 0x10,
  sidHash: 0x20,
  prev: 0x40,
  outcome: 0x80,
  reason: 0x100,
  initiator: 0x200,
  ip: 0x400,
  userAgent: 0x800,
  resource: 0x1000,
  idleDeadline: 0x2000,
  absoluteDeadline: 0x4000,
  policy: 0x8000,
  app: 0x10000,
  instance: 0x20000,
  tenant: 0x40000,
  details: 0x80000,
} as const;

const BITS: ReadonlyMap<string, number> = new Map(Object.entries(FIELD));

// The keys of the event before this one: an application's events mostly have the same keys in the same order.
let lastKeys: readonly string[] = [];
let lastFields = 0;

/**
 * The set of fields that an event object has, by its own enumerable keys. Reads no value.
 *
 * @throws EventError for a key that no event has, and for an accessor.
 */
export function fieldsOf(event: object): number {
  const keys = Object.keys(event);
  if (!isSame(keys, lastKeys)) {
    lastFields = fieldsNamed(keys);
    lastKeys = keys;
  }
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as string;
    // An audit record takes data; it does not run code to get it.
    if (hasGetter(event, key)) throw invalidField(key, 'is an accessor: pass a plain value');
  }
  return lastFields;
}

function isSame(keys: readonly string[], others: readonly string[]): boolean {
  if (keys.length !== others.length) return false;
  for (let i = 0; i < keys.length; i++) if (keys[i] !== others[i]) return false;
  return true;
}

function fieldsNamed(keys: readonly string[]): number {
  let fields = 0;
  for (const key of keys) {
    const bit = BITS.get(key);
    if (bit === undefined) throw unknownField(key);
    fields |= bit;
  }
  return fields;
}

function unknownField(key: string): EventError {
  const field = describeKey(key);
  const error = (code: 'ERR_EVENT_RESERVED' | 'ERR_EVENT_FIELD_INVALID' | 'ERR_EVENT_FIELD_UNKNOWN', problem: string): EventError =>
    new EventError(code, `${field} ${problem}`, { field });
  switch (key) {
    case 'indelible':
      return error('ERR_EVENT_RESERVED', 'is refused: an entry that has it would pose as a control line of the log');
    case 'envelope':
      return error('ERR_EVENT_RESERVED', 'is reserved for encrypted personal data of a later format');
    case 'recordedAt':
    case 'clockAheadMs':
      return error('ERR_EVENT_RESERVED', 'is stamped by the log: leave it out');
    default:
  }
  if (isForbiddenKey(key)) return error('ERR_EVENT_FIELD_INVALID', 'is a key that is refused everywhere: leave it out');
  return error('ERR_EVENT_FIELD_UNKNOWN', 'is not a field of an event: put it under details');
}

/** Encodes a string field of at most `maxLength` characters, without its quotes. It is a name: one that holds a token is refused, not redacted. */
export function encodeField(value: unknown, field: string, maxLength: number): string {
  if (typeof value !== 'string') throw notString(value, field);
  if (value === '') throw invalidField(field, 'is empty: leave it out if there is none');
  if (value.length > maxLength) throw invalidField(field, `has ${value.length} characters, at most ${maxLength} are allowed`);
  if (isPlainName(value)) return value;
  const encoded = encodeText(value, field);
  if (holdsToken(value)) throw invalidField(field, 'looks like a token: give a reference, not the secret');
  return encoded;
}

/** Encodes a string field of any length, which may be empty, without its quotes. */
export function encodeFreeField(value: unknown, field: string): string {
  if (typeof value !== 'string') throw notString(value, field);
  return encodeText(value, field);
}

/** The refusal of a field that is no string, with the remedy where there is one. */
export function notString(value: unknown, field: string): EventError {
  const fix = typeof value === 'number' || typeof value === 'bigint' ? `: pass String(${field === 'userId' ? 'id' : field})` : '';
  return invalidField(field, `must be a string, not ${describeValue(value)}${fix}`);
}
