import { encodeDetails } from './details.ts';
import { describeValue, EventError, invalidField } from './error.ts';
import type { EventInput } from './event-input.ts';
import { encodeField, encodeFreeField, FIELD, fieldsOf, notString } from './field.ts';
import { checkId, createId, idTimeMs } from './id.ts';
import { redactText } from './redact-text.ts';
import { type RedactOptions, secretKeyTest } from './redact.ts';
import { exceedsEntry, isPlainAgent, MAX_ENTRY_BYTES } from './text.ts';
import { formatTime, normalizeTime, parseTime } from './time.ts';
import { type EventRule, eventRule } from './vocabulary.ts';

/** How far ahead of the log's clock an event may be; beyond that it is refused. */
export const MAX_CLOCK_AHEAD_MS = 300_000;

/** From here on the difference between `timestamp` and now is put on record. */
const NOTED_CLOCK_DIFFERENCE_MS = 1000;
const MAX_NAME_CHARACTERS = 1024;
const MAX_IP_CHARACTERS = 128;
/** A digest of 128 bits or more in hex, or of 256 or more in base64: the id of express-session is 32 characters of base64url, a UUID has 36. */
const SID_HASH = /^(?:[A-Za-z][\w.-]{1,31}:)?(?:[0-9A-Fa-f]{32,128}|[A-Za-z0-9+/_-]{43,128}={0,2})$/;

/** Options of {@link encodeEvent}. */
export type EncodeOptions = {
  /** The clock, Unix milliseconds. Default: `Date.now()`. */
  readonly nowMs?: number | undefined;
  /** Names to redact besides the default ones. Pass the same object each time: it is compiled once. */
  readonly redact?: RedactOptions | undefined;
  /** Values of `app`, `instance` and `tenant` where the event has none. */
  readonly defaults?:
    | { readonly app?: string | undefined; readonly instance?: string | undefined; readonly tenant?: string | undefined }
    | undefined;
  /** Set by the log itself: allows the events of its own life. Default: false. */
  readonly lifecycle?: boolean | undefined;
};

/** An entry that is ready to be recorded. */
export type EncodedEntry = {
  readonly id: string;
  readonly line: string;
};

const NO_OPTIONS: EncodeOptions = {};

/**
 * Checks an event and encodes it as one entry line: these characters are hashed, stored, shown and proved.
 *
 * The line is compact JSON without a newline and without raw control characters, its fields in a fixed order
 * (`id`, `timestamp`, `recordedAt`, `event`, …), at most 65,535 bytes in UTF-8. `recordedAt` is stamped when
 * now and `timestamp` differ by a second or more, `clockAheadMs` when `timestamp` is more than a second ahead.
 * The event object is not changed and is not kept; only its own enumerable data properties are read, each once.
 * Costs about what `JSON.stringify` of the same object costs, up to twice that with `details` or text to escape.
 *
 * @throws EventError with the code of the rule and the field it is about.
 */
export function encodeEvent(event: EventInput, options: EncodeOptions = NO_OPTIONS): string {
  return encodeEntry(event, options).line;
}

/** Encodes an event like {@link encodeEvent}; says its id too, which cost a copy to cut out of the line. */
export function encodeEntry(event: EventInput, options: EncodeOptions = NO_OPTIONS): EncodedEntry {
  if (typeof event !== 'object' || event === null || Array.isArray(event)) {
    throw new EventError('ERR_EVENT_FIELD_INVALID', `an event must be an object, not ${describeValue(event)}`);
  }
  const has = fieldsOf(event);
  const nowMs = options.nowMs === undefined ? Date.now() : parseTime(options.nowMs, 'options.nowMs');

  const rule = readRule(has & FIELD.event ? event.event : undefined);
  const givenId = has & FIELD.id ? event.id : undefined;
  const givenTime = has & FIELD.timestamp ? event.timestamp : undefined;
  if (givenId !== undefined) checkId(givenId, 'id');
  // A retry that repeats the id and leaves the time out must say the same time again.
  const timeMs =
    givenTime !== undefined ? parseTime(givenTime, 'timestamp') : givenId === undefined ? nowMs : parseTime(idTimeMs(givenId), 'id');
  const aheadMs = timeMs - nowMs;
  if (aheadMs > MAX_CLOCK_AHEAD_MS) throw clockAhead(timeMs, nowMs);

  // Up to the source, `line` ends within a string: the next field brings the closing quote along. Half as many
  // pieces make a line that is built, and later copied out, in two thirds of the time.
  const id = givenId ?? createId(nowMs);
  let line = '{"id":"' + id + '","timestamp":"' + formatTime(timeMs);
  if (aheadMs >= NOTED_CLOCK_DIFFERENCE_MS || aheadMs <= -NOTED_CLOCK_DIFFERENCE_MS) {
    line = line + '","recordedAt":"' + formatTime(nowMs);
  }
  line = line + '","event":"' + rule.name;

  const userId = has & FIELD.userId ? event.userId : undefined;
  if (userId !== undefined) line = line + '","userId":"' + encodeField(userId, 'userId', MAX_NAME_CHARACTERS);
  else if (rule.needsUserId) throw missing('userId', rule);

  if (has & (FIELD.sessionId | FIELD.sidHash | FIELD.prev)) line = encodeSession(line, event, has);
  if (has & (FIELD.outcome | FIELD.reason | FIELD.initiator)) line = encodeCause(line, event, has, options);
  if (has & (FIELD.ip | FIELD.userAgent | FIELD.resource)) line = encodeOrigin(line, event, has, options);
  if (has & (FIELD.idleDeadline | FIELD.absoluteDeadline | FIELD.policy)) line = encodeExpiry(line, event, has);
  line = encodeSource(line, event, has, options, rule);
  line += '"';
  if (aheadMs > NOTED_CLOCK_DIFFERENCE_MS) line += ',"clockAheadMs":' + aheadMs;
  if (has & FIELD.details) {
    const { details } = event;
    if (details !== undefined) line += ',"details":' + encodeDetails(details, secretKeyTest(options.redact));
  }
  line += '}';
  if (exceedsEntry(line)) throw entryTooLarge(line);
  return { id, line };
}

function encodeSession(line: string, event: EventInput, has: number): string {
  const sessionId = has & FIELD.sessionId ? event.sessionId : undefined;
  if (sessionId !== undefined) line = line + '","sessionId":"' + encodeField(sessionId, 'sessionId', MAX_NAME_CHARACTERS);
  const sidHash = has & FIELD.sidHash ? event.sidHash : undefined;
  if (sidHash !== undefined) {
    if (typeof sidHash !== 'string') throw notString(sidHash, 'sidHash');
    if (!SID_HASH.test(sidHash)) {
      throw invalidField('sidHash', 'must be a digest in hex (32 to 128 digits) or base64 (43 to 128 characters), if need be behind `name:`: hash the id with sidHash(key, id)');
    }
    line = line + '","sidHash":"' + sidHash;
  }
  const prev = has & FIELD.prev ? event.prev : undefined;
  if (prev !== undefined) {
    checkId(prev, 'prev');
    line = line + '","prev":"' + prev;
  }
  return line;
}

function encodeCause(line: string, event: EventInput, has: number, options: EncodeOptions): string {
  const outcome = has & FIELD.outcome ? event.outcome : undefined;
  if (outcome !== undefined) {
    if (outcome !== 'success' && outcome !== 'failure') throw notOneOf('outcome', outcome, 'success or failure');
    line = line + '","outcome":"' + outcome;
  }
  const reason = has & FIELD.reason ? event.reason : undefined;
  if (reason !== undefined) line = line + '","reason":"' + encodeRedacted(reason, 'reason', options);
  const initiator = has & FIELD.initiator ? event.initiator : undefined;
  if (initiator !== undefined) {
    if (initiator !== 'user' && initiator !== 'admin' && initiator !== 'policy' && initiator !== 'system') {
      throw notOneOf('initiator', initiator, 'user, admin, policy or system');
    }
    line = line + '","initiator":"' + initiator;
  }
  return line;
}

function encodeOrigin(line: string, event: EventInput, has: number, options: EncodeOptions): string {
  const ip = has & FIELD.ip ? event.ip : undefined;
  if (ip !== undefined) line = line + '","ip":"' + encodeField(ip, 'ip', MAX_IP_CHARACTERS);
  const userAgent = has & FIELD.userAgent ? event.userAgent : undefined;
  if (userAgent !== undefined) line = line + '","userAgent":"' + encodeAgent(userAgent, options);
  const resource = has & FIELD.resource ? event.resource : undefined;
  if (resource !== undefined) line = line + '","resource":"' + encodeRedacted(resource, 'resource', options);
  return line;
}

function encodeExpiry(line: string, event: EventInput, has: number): string {
  const idle = has & FIELD.idleDeadline ? event.idleDeadline : undefined;
  if (idle !== undefined) line = line + '","idleDeadline":"' + normalizeTime(idle, 'idleDeadline');
  const absolute = has & FIELD.absoluteDeadline ? event.absoluteDeadline : undefined;
  if (absolute !== undefined) line = line + '","absoluteDeadline":"' + normalizeTime(absolute, 'absoluteDeadline');
  const policy = has & FIELD.policy ? event.policy : undefined;
  if (policy !== undefined) line = line + '","policy":"' + encodeField(policy, 'policy', MAX_NAME_CHARACTERS);
  return line;
}

function encodeSource(line: string, event: EventInput, has: number, options: EncodeOptions, rule: EventRule): string {
  const { defaults } = options;
  const app = given(has & FIELD.app ? event.app : undefined, defaults?.app);
  const instance = given(has & FIELD.instance ? event.instance : undefined, defaults?.instance);
  const tenant = given(has & FIELD.tenant ? event.tenant : undefined, defaults?.tenant);
  if (rule.writer !== 'any' && options.lifecycle !== true) checkWriter(rule, app, instance);
  if (app !== undefined) line = line + '","app":"' + encodeField(app, 'app', MAX_NAME_CHARACTERS);
  if (instance !== undefined) line = line + '","instance":"' + encodeField(instance, 'instance', MAX_NAME_CHARACTERS);
  if (tenant !== undefined) line = line + '","tenant":"' + encodeField(tenant, 'tenant', MAX_NAME_CHARACTERS);
  return line;
}

/** Not `??`: null is refused like in every other field, it does not mean the default. */
function given(value: string | undefined, byDefault: string | undefined): string | undefined {
  return value === undefined ? byDefault : value;
}

function encodeAgent(value: unknown, options: EncodeOptions): string {
  return typeof value === 'string' && value.length <= MAX_ENTRY_BYTES && isPlainAgent(value) ? value : encodeRedacted(value, 'userAgent', options);
}

/** Redaction comes after the check of the text, so that it cannot hide what is malformed. */
function encodeRedacted(value: unknown, field: string, options: EncodeOptions): string {
  const encoded = encodeFreeField(value, field);
  const redacted = redactText(value as string, secretKeyTest(options.redact));
  return redacted === value ? encoded : encodeFreeField(redacted, field);
}

function readRule(name: unknown): EventRule {
  if (name === undefined) throw new EventError('ERR_EVENT_FIELD_MISSING', 'event is missing: say what happened', { field: 'event' });
  if (typeof name !== 'string') throw notString(name, 'event');
  return eventRule(name);
}

function checkWriter(rule: EventRule, app: unknown, instance: unknown): void {
  if (rule.writer === 'log') {
    throw new EventError('ERR_EVENT_RESERVED', `${rule.name} is written by the log itself`, { field: 'event' });
  }
  if (app === undefined) throw missing('app', rule);
  if (instance === undefined) throw missing('instance', rule);
}

function missing(field: string, rule: EventRule): EventError {
  return new EventError('ERR_EVENT_FIELD_MISSING', `${field} is missing: ${rule.name} needs it`, { field });
}

function notOneOf(field: string, value: unknown, allowed: string): EventError {
  return invalidField(field, `must be ${allowed}, not ${describeValue(value)}`);
}

function clockAhead(timeMs: number, nowMs: number): EventError {
  const message =
    `timestamp ${formatTime(timeMs)} is ahead of the log's clock, ${formatTime(nowMs)}, ` +
    `by more than ${MAX_CLOCK_AHEAD_MS / 60_000} minutes: check the clock where the event was made`;
  return new EventError('ERR_EVENT_CLOCK_AHEAD', message, { field: 'timestamp' });
}

/** Names the largest field, which is where the remedy is. */
function entryTooLarge(line: string): EventError {
  const lengths = Object.entries(JSON.parse(line) as object).map(([field, value]) => ({
    field,
    length: JSON.stringify(value).length,
  }));
  const largest = lengths.reduce((a, b) => (b.length > a.length ? b : a));
  const message = `the entry is too large: at most ${MAX_ENTRY_BYTES} bytes, and ${largest.field} alone has ${largest.length} characters`;
  return new EventError('ERR_EVENT_TOO_LARGE', message, { field: largest.field });
}
