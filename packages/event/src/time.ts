import { describeValue, invalidField } from './error.ts';

const DAY_MS = 86_400_000;
/** 9999-12-31T23:59:59.999Z, the last moment that RFC 3339 can write. */
const MAX_TIME_MS = 253_402_300_799_999;

const two = (n: number): string => (n < 10 ? `0${n}` : `${n}`);
const HOUR_MINUTE: readonly string[] = Array.from({ length: 1440 }, (_, m) => `${two(Math.floor(m / 60))}:${two(m % 60)}:`);
const SECOND: readonly string[] = Array.from({ length: 60 }, (_, s) => `${two(s)}.`);
const MILLISECOND: readonly string[] = Array.from({ length: 1000 }, (_, ms) => `${String(ms).padStart(3, '0')}Z`);

// The date texts of the last few days that were asked for, by day modulo 4: events, their deadlines and
// yesterday's spool use a handful of dates, and Date.prototype.toISOString costs half of an encoding.
const dayOfSlot: number[] = [-1, -1, -1, -1];
const dateOfSlot: string[] = ['', '', '', ''];
let lastMs = -1;
let lastText = '';

/**
 * Formats a time as the 24 characters `YYYY-MM-DDTHH:MM:SS.mmmZ`.
 *
 * @param ms - Unix milliseconds, an integer in the years 1970 to 9999; the caller has checked that.
 */
export function formatTime(ms: number): string {
  if (ms === lastMs) return lastText;
  const day = Math.floor(ms / DAY_MS);
  const slot = day & 3;
  if (dayOfSlot[slot] !== day) {
    dateOfSlot[slot] = new Date(day * DAY_MS).toISOString().slice(0, 11);
    dayOfSlot[slot] = day;
  }
  // Within a day everything fits into 31 bits.
  const rest = ms - day * DAY_MS;
  const minute = (rest / 60_000) | 0;
  const inMinute = rest - minute * 60_000;
  const second = (inMinute / 1000) | 0;
  lastText = `${dateOfSlot[slot]}${HOUR_MINUTE[minute]}${SECOND[second]}${MILLISECOND[inMinute - second * 1000]}`;
  // Flattens the pieces once; they are read each time this text goes into a line.
  lastText.charCodeAt(0);
  lastMs = ms;
  return lastText;
}

/**
 * Reads a time: a `Date`, Unix milliseconds, or RFC 3339 text with any offset; fractions are cut to milliseconds.
 *
 * Strict on purpose: `new Date(text)` accepts 30 February and text without an offset, which means another
 * moment on another machine.
 *
 * @returns Unix milliseconds, an integer in the years 1970 to 9999 (UTC).
 * @throws EventError `ERR_EVENT_FIELD_INVALID` naming `field`.
 * @see RFC 3339 §5.6
 */
export function parseTime(value: unknown, field: string): number {
  let ms: number;
  if (typeof value === 'string') ms = parseText(value, field);
  else if (typeof value === 'number') ms = Math.floor(value);
  else ms = readDate(value, field);
  if (!(ms >= 0 && ms <= MAX_TIME_MS)) {
    throw invalidField(field, `is not a time in the years 1970 to 9999 (${describeValue(value)})`);
  }
  return ms;
}

/**
 * Reads a time and formats it as entries hold it; text that has this form already is returned as it is.
 *
 * @throws EventError `ERR_EVENT_FIELD_INVALID` naming `field`.
 */
export function normalizeTime(value: unknown, field: string): string {
  const ms = parseTime(value, field);
  return typeof value === 'string' && isNormalForm(value) ? value : formatTime(ms);
}

/** Whether RFC 3339 text that {@link parseTime} accepts has the form of {@link formatTime}. */
export function isNormalForm(text: string): boolean {
  return text.length === 24 && text[10] === 'T' && text[19] === '.' && text[23] === 'Z';
}

function readDate(value: unknown, field: string): number {
  try {
    // Not `instanceof`: a Date of another realm is a Date, an object that inherits from Date is none.
    const ms = Date.prototype.getTime.call(value);
    if (Number.isNaN(ms)) throw invalidField(field, 'is an invalid Date');
    return ms;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw invalidField(field, `must be a Date, RFC 3339 text or Unix milliseconds, not ${describeValue(value)}`);
  }
}

const DASH = 45;
const COLON = 58;

function parseText(text: string, field: string): number {
  const year = digits(text, 0, 4);
  const month = digits(text, 5, 2);
  const day = digits(text, 8, 2);
  const hour = digits(text, 11, 2);
  const minute = digits(text, 14, 2);
  const second = digits(text, 17, 2);
  const separated =
    text.charCodeAt(4) === DASH &&
    text.charCodeAt(7) === DASH &&
    (text.charCodeAt(10) | 0x20) === 0x74 && // T or t
    text.charCodeAt(13) === COLON &&
    text.charCodeAt(16) === COLON;
  if (!separated || year < 0 || month < 0 || day < 0 || hour < 0 || minute < 0 || second < 0 || text.length > 64) {
    throw invalidField(field, `is not RFC 3339 (${describeValue(text)}): write it like 2026-11-20T14:03:22.123Z`);
  }
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) {
    throw invalidField(field, 'names a day that the calendar does not have');
  }
  if (hour > 23) throw invalidField(field, 'has an hour above 23: midnight is 00:00 of the next day');
  if (minute > 59) throw invalidField(field, 'has a minute above 59');
  if (second > 59) {
    throw invalidField(field, 'has a second above 59: leap seconds cannot be told apart in Unix time, write :59 or the next :00');
  }
  const seconds = (dayNumber(year, month, day) * 24 + hour) * 3600 + minute * 60 + second;
  return seconds * 1000 + parseTail(text, field);
}

/** Reads the fraction and the offset, which begin at character 19; returns the milliseconds they add. */
function parseTail(text: string, field: string): number {
  let at = 19;
  let ms = 0;
  if (text.charCodeAt(at) === 46) {
    const start = ++at;
    let weight = 100;
    for (let d = digits(text, at, 1); d >= 0; d = digits(text, ++at, 1)) {
      ms += d * weight;
      weight = weight === 1 ? 0 : weight / 10;
    }
    if (at === start) throw invalidField(field, 'has a point without a fraction');
  }
  const mark = text.charCodeAt(at);
  if ((mark | 0x20) === 0x7a && at + 1 === text.length) return ms; // Z or z
  if (mark === 43 || mark === DASH) {
    const hours = digits(text, at + 1, 2);
    const minutes = digits(text, at + 4, 2);
    const formed = text.charCodeAt(at + 3) === COLON && text.length === at + 6;
    if (formed && hours >= 0 && hours <= 23 && minutes >= 0 && minutes <= 59) {
      const offset = (hours * 60 + minutes) * 60_000;
      return ms + (mark === DASH ? offset : -offset);
    }
  }
  throw invalidField(field, 'has no valid offset from UTC at its end: write Z or ±HH:MM');
}

/** The decimal number in `count` characters, or -1 when one of them is no ASCII digit. */
function digits(text: string, at: number, count: number): number {
  let n = 0;
  for (let i = at; i < at + count; i++) {
    const d = text.charCodeAt(i) - 48;
    if (!(d >= 0 && d <= 9)) return -1;
    n = n * 10 + d;
  }
  return n;
}

function daysIn(year: number, month: number): number {
  if (month !== 2) return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
}

/** Days since 1970-01-01. Years are counted from March, so that the leap day is the last day of its year. */
function dayNumber(year: number, month: number, day: number): number {
  const y = month > 2 ? year : year - 1;
  const sinceMarch = month > 2 ? month - 3 : month + 9;
  const leapDays = Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400);
  return 365 * y + leapDays + Math.floor((153 * sinceMarch + 2) / 5) + day - 719_469;
}
