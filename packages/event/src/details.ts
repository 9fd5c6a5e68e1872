import { describeValue, EventError, formatPath } from './error.ts';
import { isId } from './id.ts';
import { hasGetter, isForbiddenKey } from './property.ts';
import { holdsToken, redactText } from './redact-text.ts';
import { namesSession, REDACTED, type SecretKeyTest } from './redact.ts';
import { encodeText, isPlainName, isPlainText, MAX_ENTRY_BYTES, textProblem, tooLarge } from './text.ts';

/** How deeply objects and arrays may be nested in `details`, itself counted. */
export const MAX_DETAILS_DEPTH = 16;

/** Where the walk is. Only the current walk owns it; the path is put into words only when something is refused. */
type Walk = {
  readonly path: (string | number)[];
  readonly ancestors: object[];
  readonly isSecretKey: SecretKeyTest;
  /** Characters written so far: stops a small graph of shared objects from unfolding into gigabytes. */
  written: number;
};

/**
 * Encodes `details`, a plain JSON object, and redacts its secrets on the way.
 *
 * Reads own enumerable data properties only, each once; never a getter, an inherited property or `toJSON`. Keys keep
 * their order. `Date` becomes ISO text, -0 becomes 0, `undefined` members are left out.
 *
 * @throws EventError `ERR_EVENT_FIELD_INVALID` naming the path of what is not plain JSON;
 * `ERR_EVENT_TOO_LARGE` as soon as no entry could hold the text.
 */
export function encodeDetails(details: unknown, isSecretKey: SecretKeyTest): string {
  const walk: Walk = { path: ['details'], ancestors: [], isSecretKey, written: 0 };
  if (typeof details !== 'object' || details === null || Array.isArray(details) || !isPlainObject(details)) {
    throw refusal(walk, `must be a plain object, not ${describeValue(details)}`);
  }
  return encodeContainer(details, walk);
}

function encodeValue(value: unknown, walk: Walk): string {
  switch (typeof value) {
    case 'string':
      return encodeString(value, walk);
    case 'number':
      return count(encodeNumber(value, walk), walk);
    case 'boolean':
      return count(value ? 'true' : 'false', walk);
    case 'object':
      if (value === null) return count('null', walk);
      if (Array.isArray(value) || isPlainObject(value)) return encodeContainer(value, walk);
      return encodeDate(value, walk);
    case 'bigint':
      throw refusal(walk, 'is a bigint: write it as a string');
    default:
      throw refusal(walk, `is ${describeValue(value)}: only plain JSON values can be recorded`);
  }
}

function encodeContainer(value: object, walk: Walk): string {
  const circle = walk.ancestors.indexOf(value);
  if (circle >= 0) throw refusal(walk, `refers back to ${formatPath(walk.path.slice(0, circle + 1))}: a cycle`);
  if (walk.ancestors.length === MAX_DETAILS_DEPTH) {
    throw refusal(walk, `is nested more than ${MAX_DETAILS_DEPTH} levels deep`);
  }
  walk.ancestors.push(value);
  const text = Array.isArray(value) ? encodeArray(value, walk) : encodeObject(value, walk);
  walk.ancestors.pop();
  return text;
}

function encodeObject(value: object, walk: Walk): string {
  let text = '';
  count('{}', walk);
  for (const key of Object.keys(value)) {
    walk.path.push(key);
    if (isForbiddenKey(key)) throw refusal(walk, 'is a key that is refused everywhere: rename it');
    const member = readMember(value as Record<string, unknown>, key, walk);
    if (member !== undefined) {
      const name = encodeKey(key, walk);
      const isSecret = walk.isSecretKey(key) && !(isId(member) && namesSession(key));
      const encoded = isSecret ? count(`"${REDACTED}"`, walk) : encodeValue(member, walk);
      text += text === '' ? name + encoded : ',' + name + encoded;
    }
    walk.path.pop();
  }
  return '{' + text + '}';
}

function encodeArray(value: readonly unknown[], walk: Walk): string {
  let text = '';
  count('[]', walk);
  for (let i = 0; i < value.length; i++) {
    walk.path.push(i);
    const item = readMember(value as Record<number, unknown>, i, walk);
    // JSON.stringify would write null here, which nobody said.
    if (item === undefined) throw refusal(walk, 'is undefined: an array cannot leave items out, write null');
    text += i === 0 ? encodeValue(item, walk) : ',' + encodeValue(item, walk);
    walk.path.pop();
  }
  return '[' + text + ']';
}

/** Reads an own property without ever running code of the object. */
function readMember(value: Record<string | number, unknown>, key: string | number, walk: Walk): unknown {
  if (hasGetter(value, key)) throw refusal(walk, 'is an accessor: pass a plain value');
  return value[key];
}

function encodeKey(key: string, walk: Walk): string {
  if (isPlainName(key)) return count('"' + key + '":', walk);
  const problem = textProblem(key);
  if (problem !== undefined) throw refusal(walk, `has a key that ${problem}`);
  if (holdsToken(key)) {
    walk.path.pop(); // the message must not show it; and two masked keys would be one key twice
    throw refusal(walk, 'has a key that looks like a token: give a reference, not the secret');
  }
  return count('"' + encodeText(key, 'details') + '":', walk);
}

function encodeString(text: string, walk: Walk): string {
  if (text.length > MAX_ENTRY_BYTES) throw tooLarge(formatPath(walk.path), text.length);
  const plain = isPlainText(text);
  // Before redaction, which must not hide that the caller's text is malformed.
  const problem = plain ? undefined : textProblem(text);
  if (problem !== undefined) throw refusal(walk, problem);
  const shown = redactText(text, walk.isSecretKey);
  return count(plain && shown === text ? '"' + text + '"' : '"' + encodeText(shown, 'details') + '"', walk);
}

function encodeNumber(value: number, walk: Walk): string {
  if (!Number.isFinite(value)) throw refusal(walk, 'is NaN or infinite: JSON has no such number');
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
    throw refusal(walk, 'is an integer beyond 2^53-1, which may have lost digits already: use a string');
  }
  return value === 0 ? '0' : String(value);
}

function encodeDate(value: object, walk: Walk): string {
  let ms: number;
  try {
    ms = Date.prototype.getTime.call(value as Date);
  } catch {
    throw refusal(walk, 'is neither a plain object nor an array (a Map, a class instance?): pass plain JSON');
  }
  if (Number.isNaN(ms)) throw refusal(walk, 'is an invalid Date');
  return count(`"${new Date(ms).toISOString()}"`, walk);
}

/** Plain: no prototype, or one that is the root of its chain, which is Object.prototype of this or another realm. */
function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null;
}

function count(text: string, walk: Walk): string {
  walk.written += text.length;
  if (walk.written > MAX_ENTRY_BYTES) throw tooLarge('details', walk.written);
  return text;
}

function refusal(walk: Walk, problem: string): EventError {
  const field = formatPath(walk.path);
  return new EventError('ERR_EVENT_FIELD_INVALID', `${field} ${problem}`, { field });
}
