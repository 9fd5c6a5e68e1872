import { describeKey, EventError, formatPath } from './error.ts';
import { textProblem } from './text.ts';

/** Options of {@link parseJsonStrict}. */
export type JsonOptions = {
  /** How deeply objects and arrays may be nested. Default 32. */
  readonly maxDepth?: number | undefined;
};

const DEFAULT_MAX_DEPTH = 32;
const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;
// oxlint-disable-next-line no-control-regex -- RFC 8259 §7: these are what a string may not hold raw.
const PLAIN_CHARACTERS = /[^"\\\u0000-\u001f]*/y;
const FOUR_HEX = /[0-9a-fA-F]{4}/y;
const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', '"'], ['\\', '\\'], ['/', '/'], ['b', '\b'], ['f', '\f'], ['n', '\n'], ['r', '\r'], ['t', '\t'],
]);

/**
 * Parses JSON text and refuses everything that two parsers could read in two ways.
 *
 * Beyond RFC 8259: duplicate keys, a `__proto__` key, NUL and lone surrogates (also when escaped), numbers that
 * overflow, integers beyond 2^53-1, nesting beyond `maxDepth`, a byte order mark. What follows the value may be white space only.
 *
 * @throws EventError `ERR_EVENT_JSON_INVALID` with `position`, and `field` where the path is known.
 * @see RFC 8259, RFC 7493 (I-JSON)
 */
export function parseJsonStrict(text: string, options: JsonOptions = {}): unknown {
  const reader: Reader = { text, at: 0, path: [], depth: 0, maxDepth: options.maxDepth ?? DEFAULT_MAX_DEPTH };
  skipSpace(reader);
  const value = readValue(reader);
  skipSpace(reader);
  if (reader.at < text.length) throw failure(reader, 'there is something behind the value');
  return value;
}

/** Owned by one call of parseJsonStrict. */
type Reader = {
  readonly text: string;
  readonly maxDepth: number;
  readonly path: (string | number)[];
  at: number;
  depth: number;
};

function readValue(reader: Reader): unknown {
  switch (reader.text[reader.at]) {
    case '{':
      return readNested(reader, readObject);
    case '[':
      return readNested(reader, readArray);
    case '"':
      return readString(reader);
    case 't':
      return readWord(reader, 'true', true);
    case 'f':
      return readWord(reader, 'false', false);
    case 'n':
      return readWord(reader, 'null', null);
    case undefined:
      throw failure(reader, 'the text ends where a value should be');
    default:
      return readNumber(reader);
  }
}

function readNested<T>(reader: Reader, read: (reader: Reader) => T): T {
  if (++reader.depth > reader.maxDepth) throw failure(reader, `nested more than ${reader.maxDepth} levels deep`);
  reader.at++;
  skipSpace(reader);
  const value = read(reader);
  reader.depth--;
  return value;
}

function readObject(reader: Reader): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  if (take(reader, '}')) return object;
  for (;;) {
    const keyAt = reader.at;
    if (reader.text[keyAt] !== '"') throw failure(reader, 'a key in double quotes should be here');
    const key = readString(reader);
    reader.path.push(key);
    if (key === '__proto__') throw failure(reader, 'the key __proto__ is refused', keyAt);
    if (Object.hasOwn(object, key)) throw failure(reader, `the key ${describeKey(key)} stands here a second time`, keyAt);
    skipSpace(reader);
    if (!take(reader, ':')) throw failure(reader, 'a colon should be here');
    object[key] = readValue(reader);
    reader.path.pop();
    skipSpace(reader);
    if (take(reader, '}')) return object;
    if (!take(reader, ',')) throw failure(reader, 'a comma or } should be here');
  }
}

function readArray(reader: Reader): unknown[] {
  const array: unknown[] = [];
  if (take(reader, ']')) return array;
  for (;;) {
    reader.path.push(array.length);
    array.push(readValue(reader));
    reader.path.pop();
    skipSpace(reader);
    if (take(reader, ']')) return array;
    if (!take(reader, ',')) throw failure(reader, 'a comma or ] should be here');
  }
}

function readString(reader: Reader): string {
  const { text } = reader;
  const start = reader.at++;
  let value = '';
  for (;;) {
    PLAIN_CHARACTERS.lastIndex = reader.at;
    PLAIN_CHARACTERS.test(text);
    const end = PLAIN_CHARACTERS.lastIndex;
    const plain = text.slice(reader.at, end);
    value = value === '' ? plain : value + plain;
    reader.at = end + 1;
    const stop = text[end];
    if (stop === '"') break;
    if (stop === undefined) throw failure(reader, 'the text ends within a string', start);
    if (stop !== '\\') throw failure(reader, 'a control character stands unescaped in a string', end);
    value += readEscape(reader);
  }
  const problem = textProblem(value);
  if (problem !== undefined) throw failure(reader, `a string ${problem}`, start);
  return value;
}

/** Reads what follows a backslash. */
function readEscape(reader: Reader): string {
  const mark = reader.text[reader.at] ?? '';
  if (mark === 'u') {
    FOUR_HEX.lastIndex = reader.at + 1;
    if (!FOUR_HEX.test(reader.text)) throw failure(reader, 'four hexadecimal digits should follow \\u');
    const hex = reader.text.slice(reader.at + 1, reader.at + 5);
    reader.at += 5;
    return String.fromCharCode(Number(`0x${hex}`));
  }
  const character = ESCAPES.get(mark);
  if (character === undefined) throw failure(reader, 'no such escape');
  reader.at++;
  return character;
}

function readNumber(reader: Reader): number {
  NUMBER.lastIndex = reader.at;
  const match = NUMBER.exec(reader.text);
  if (match === null) throw failure(reader, 'not a JSON value');
  const value = Number(match[0]);
  if (!Number.isFinite(value)) throw failure(reader, 'a number that is too large');
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
    throw failure(reader, 'an integer beyond 2^53-1, which would lose digits: write it as a string');
  }
  reader.at += match[0].length;
  return value;
}

function readWord<T>(reader: Reader, word: string, value: T): T {
  if (!reader.text.startsWith(word, reader.at)) throw failure(reader, 'not a JSON value');
  reader.at += word.length;
  return value;
}

/** Takes a mark and the white space behind it, if it is there. */
function take(reader: Reader, mark: string): boolean {
  if (reader.text[reader.at] !== mark) return false;
  reader.at++;
  skipSpace(reader);
  return true;
}

function skipSpace(reader: Reader): void {
  for (;;) {
    const c = reader.text.charCodeAt(reader.at);
    if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) return;
    reader.at++;
  }
}

function failure(reader: Reader, problem: string, position: number = reader.at): EventError {
  const where = reader.path.length === 0 ? '' : ` (in ${formatPath(reader.path)})`;
  return new EventError('ERR_EVENT_JSON_INVALID', `not strict JSON at character ${position}${where}: ${problem}`, {
    position,
    ...(reader.path.length === 0 ? {} : { field: formatPath(reader.path) }),
  });
}
