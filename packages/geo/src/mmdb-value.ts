/** A value of the data section. Numbers beyond 2^53 and raw bytes are of no use here and read as `undefined`. */
export type MmdbValue = string | number | boolean | undefined | readonly MmdbValue[] | ReadonlyMap<string, MmdbValue>;

/** Whatever a file claims, reading one record makes no more values than this. Those in use have less than 300. */
const MAX_VALUES = 5_000;
const MAX_DEPTH = 16;
const MAX_TEXT_BYTES = 4_096;

/** Thrown inside of {@link readValue} where the bytes are no value; never leaves this file. */
class NoValue extends Error {}

/** Where reading is, and what may still be read. */
interface Cursor {
  readonly bytes: Uint8Array;
  /** Where the section begins and ends; pointers count from its beginning. */
  readonly start: number;
  readonly end: number;
  at: number;
  values: number;
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * The value at `at`, in a section of the file from `start` to `end`; `undefined` where the bytes are no value.
 *
 * Takes the bytes for hostile: a pointer that leads in a circle, a map that names itself twice on each level, or a length beyond
 * the end give `undefined` after a bounded amount of work.
 *
 * @see the MaxMind DB file format, version 2.0, "Output Data Section"
 */
export function readValue(bytes: Uint8Array, start: number, end: number, at: number): MmdbValue {
  try {
    return read({ bytes, start, end, at, values: 0 }, 0, true);
  } catch (error) {
    if (error instanceof NoValue || error instanceof TypeError) return undefined;
    throw error;
  }
}

function read(cursor: Cursor, depth: number, mayPoint: boolean): MmdbValue {
  if (++cursor.values > MAX_VALUES || depth > MAX_DEPTH) throw new NoValue();
  const control = byte(cursor);
  const kind = Math.floor(control / 32);
  if (kind === 1) {
    if (!mayPoint) throw new NoValue();
    return pointed(cursor, pointer(cursor, control), depth);
  }
  const type = kind === 0 ? byte(cursor) + 7 : kind;
  const size = sizeOf(cursor, control % 32);
  switch (type) {
    case 2:
      return text(cursor, size);
    case 3:
      return float(cursor, size, 8);
    case 5:
    case 6:
    case 9:
    case 10:
      return unsigned(cursor, size);
    case 7:
      return map(cursor, size, depth);
    case 8:
      return signed(cursor, size);
    case 11:
      return list(cursor, size, depth);
    case 14:
      return size === 1;
    case 15:
      return float(cursor, size, 4);
    default:
      // Bytes (4) and what a later version may add: skipped, by their length.
      take(cursor, size);
      return undefined;
  }
}

/** Reading goes on behind the pointer, not behind what it points to. A pointer to a pointer is not allowed. */
function pointed(cursor: Cursor, target: number, depth: number): MmdbValue {
  const back = cursor.at;
  if (target >= cursor.end) throw new NoValue();
  cursor.at = target;
  const value = read(cursor, depth + 1, false);
  cursor.at = back;
  return value;
}

function pointer(cursor: Cursor, control: number): number {
  const size = Math.floor(control / 8) % 4;
  const high = size === 3 ? 0 : control % 8;
  const base = [0, 2_048, 526_336, 0][size] ?? 0;
  return cursor.start + base + high * 256 ** (size + 1) + number(cursor, size + 1);
}

function sizeOf(cursor: Cursor, size: number): number {
  if (size === 29) return 29 + number(cursor, 1);
  if (size === 30) return 285 + number(cursor, 2);
  if (size === 31) return 65_821 + number(cursor, 3);
  return size;
}

function map(cursor: Cursor, size: number, depth: number): ReadonlyMap<string, MmdbValue> {
  const entries = new Map<string, MmdbValue>();
  for (let count = 0; count < size; count++) {
    const key = read(cursor, depth + 1, true);
    if (typeof key !== 'string') throw new NoValue();
    entries.set(key, read(cursor, depth + 1, true));
  }
  return entries;
}

function list(cursor: Cursor, size: number, depth: number): readonly MmdbValue[] {
  const values: MmdbValue[] = [];
  for (let count = 0; count < size; count++) values.push(read(cursor, depth + 1, true));
  return values;
}

/** A text that is not UTF-8 throws a TypeError, which ends the reading: a damaged file is not to be guessed at. */
function text(cursor: Cursor, size: number): string | undefined {
  const bytes = take(cursor, size);
  return size > MAX_TEXT_BYTES ? undefined : utf8.decode(bytes);
}

function unsigned(cursor: Cursor, size: number): number | undefined {
  if (size > 16) throw new NoValue();
  const value = number(cursor, size);
  return Number.isSafeInteger(value) ? value : undefined;
}

function float(cursor: Cursor, size: number, wanted: 4 | 8): number {
  if (size !== wanted) throw new NoValue();
  const bytes = take(cursor, size);
  const view = new DataView(bytes.buffer, bytes.byteOffset, size);
  return wanted === 8 ? view.getFloat64(0) : view.getFloat32(0);
}

/** Two's complement of four bytes; what has less is positive. */
function signed(cursor: Cursor, size: number): number {
  if (size > 4) throw new NoValue();
  const value = number(cursor, size);
  return value >= 2 ** 31 ? value - 2 ** 32 : value;
}

function number(cursor: Cursor, size: number): number {
  let value = 0;
  for (const part of take(cursor, size)) value = value * 256 + part;
  return value;
}

function byte(cursor: Cursor): number {
  return number(cursor, 1);
}

function take(cursor: Cursor, size: number): Uint8Array {
  const from = cursor.at;
  if (size > cursor.end - from) throw new NoValue();
  cursor.at = from + size;
  return cursor.bytes.subarray(from, from + size);
}
