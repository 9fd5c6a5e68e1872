import { fillRandom, sha256 } from './crypto.ts';
import { describeValue, invalidField } from './error.ts';
import { textProblem } from './text.ts';

const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[78][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
const MAX_ID_TIME_MS = 2 ** 48 - 1;

// Random bytes are drawn by the page: one system call for about a thousand ids.
const POOL_BYTES = 6 * 1024;
const pool = new Uint8Array(POOL_BYTES);
let poolHex = '';
let poolAt = POOL_BYTES;

// The state of the generator: the millisecond it is in and its counter there (26 bits: rand_a and the first
// 14 bits of rand_b). A worker thread has its own copy; 48 random bits behind the counter keep them apart.
const MAX_COUNTER = 2 ** 26 - 1;
let lastMs = -1;
let counter = 0;
let head = '';
let headCounter = -1;

/**
 * Makes a UUIDv7, lower case.
 *
 * Ids made in one process within one millisecond are unique and increasing: a counter that starts at a random
 * number each millisecond fills the bits behind the time, 48 random bits follow. (Beyond 33 million ids
 * in one millisecond the counter starts again: still unique, no longer increasing.) The id carries exactly
 * `nowMs`, also when the clock was set back.
 *
 * @param nowMs - Unix milliseconds, an integer, 0 ≤ nowMs < 2^48.
 * @throws EventError `ERR_EVENT_FIELD_INVALID` when `nowMs` is not such a number.
 * @see RFC 9562 §5.7, §6.2 (method 1)
 */
export function createId(nowMs: number = Date.now()): string {
  if (nowMs !== lastMs) {
    checkIdTime(nowMs, 'nowMs');
    lastMs = nowMs;
    headCounter = -1;
    counter = randomCounter();
  } else if (counter === MAX_COUNTER) counter = randomCounter();
  else counter++;

  const high = counter >>> 14;
  if (high !== headCounter) {
    head = `${timeHex(lastMs)}-7${HEX[high >>> 4]}${(high & 15).toString(16)}-`;
    // Flattens the pieces once; thousands of ids may begin with them.
    head.charCodeAt(0);
    headCounter = high;
  }
  const at = drawRandom() * 2;
  const middle = HEX[0x80 | ((counter >>> 8) & 0x3f)] + (HEX[counter & 0xff] + '-');
  return head + middle + poolHex.slice(at, at + 12);
}

/**
 * Makes the UUIDv8 of a fact: two observers who agree on its time and parts make the same id.
 *
 * The first 48 bits are the time; the other 74 free bits are the first of
 * SHA-256(`indelible fact v1\n` followed by each part as a netstring, `<bytes in decimal>:<UTF-8>,`).
 *
 * @param timeMs - When the fact happened, Unix milliseconds, an integer, 0 ≤ timeMs < 2^48.
 * @param parts - What identifies the fact; their order and borders count.
 * @throws EventError `ERR_EVENT_FIELD_INVALID` for a bad time, a part that is no string, or one that is not
 * well-formed Unicode (two such texts would have the same bytes).
 * @see RFC 9562 §5.8
 */
export function factId(timeMs: number, ...parts: string[]): string {
  checkIdTime(timeMs, 'timeMs');
  const utf8 = new TextEncoder();
  let text = 'indelible fact v1\n';
  for (const [i, part] of parts.entries()) {
    const problem = typeof part === 'string' ? textProblem(part) : `must be a string, not ${describeValue(part)}`;
    if (problem !== undefined) throw invalidField(`parts[${i}]`, problem);
    text += `${utf8.encode(part).length}:${part},`;
  }
  const hex = Array.from(sha256(utf8.encode(text)), (byte) => HEX[byte]).join('');
  // 12 bits after the version, 62 after the variant: the variant takes the top two bits of a nibble.
  const variant = '89ab'[Number(`0x${hex[3]}`) & 3];
  return `${timeHex(timeMs)}-8${hex.slice(0, 3)}-${variant}${hex.slice(4, 7)}-${hex.slice(7, 19)}`;
}

/**
 * Reads the time in an id: its first 48 bits, Unix milliseconds.
 *
 * @throws EventError `ERR_EVENT_FIELD_INVALID` when it is not a lower-case UUIDv7 or UUIDv8.
 */
export function idTimeMs(id: string): number {
  checkId(id, 'id');
  return Number(`0x${id.slice(0, 8)}${id.slice(9, 13)}`);
}

/** Whether the value is an id of this log format: a lower-case UUIDv7 or UUIDv8. */
export function isId(value: unknown): value is string {
  return typeof value === 'string' && value.length === 36 && ID.test(value);
}

/** Throws unless the value is an id; the message says what to change. */
export function checkId(value: unknown, field: string): asserts value is string {
  if (isId(value)) return;
  if (typeof value === 'string' && isId(value.toLowerCase())) {
    throw invalidField(field, 'has upper-case letters: ids are compared as bytes, lower-case it (id.toLowerCase())');
  }
  throw invalidField(field, `must be a UUIDv7 or UUIDv8 in lower case, not ${describeValue(value)}`);
}

function checkIdTime(ms: number, field: string): void {
  if (!Number.isSafeInteger(ms) || ms < 0 || ms > MAX_ID_TIME_MS) {
    throw invalidField(field, `must be an integer of Unix milliseconds below 2^48, not ${describeValue(ms)}`);
  }
}

/** The first two groups of a UUID: `xxxxxxxx-xxxx`. */
function timeHex(ms: number): string {
  const hex = ms.toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}`;
}

/** Takes six bytes from the pool and returns where they are. */
function drawRandom(): number {
  if (poolAt === POOL_BYTES) {
    fillRandom(pool);
    poolHex = Buffer.from(pool.buffer, pool.byteOffset, POOL_BYTES).toString('hex');
    poolAt = 0;
  }
  const at = poolAt;
  poolAt += 6;
  return at;
}

/** 25 random bits: the top bit of the counter stays 0, as room to count in (RFC 9562 §6.2). */
function randomCounter(): number {
  const at = drawRandom();
  const byte = (i: number): number => pool[at + i] ?? 0;
  return (byte(0) << 17) | (byte(1) << 9) | (byte(2) << 1) | (byte(3) >>> 7);
}
