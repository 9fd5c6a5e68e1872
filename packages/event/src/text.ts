import { EventError, invalidField } from './error.ts';

/** The longest entry, in bytes of UTF-8: an entry's length fits into 16 bits, as C2SP tlog-tiles bundles demand. */
export const MAX_ENTRY_BYTES = 65_535;

/** Characters that cannot stand in a line as they are, or that need a closer look (surrogates). */
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const SUSPECT = /["\\\u0000-\u001f\u007f-\u009f\u2028\u2029\ud800-\udfff]/;
/** The same, and the marks of a token: the `eyJ` of a JWT, the space of `Bearer …` and `Basic …`, the `+` or `%` of a key. */
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const SUSPECT_NAME = /[ +%"\\\u0000-\u001f\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff\ud800-\udfff]|eyJ/;
/** The same for text that has spaces anyway: one pass over it, not two. */
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const SUSPECT_AGENT = /[=%"\\\u0000-\u001f\u007f-\u009f\u2028\u2029\ud800-\udfff]|eyJ|PRIVATE|[Bb](?:earer|asic)\s|B(?:EARER|ASIC)\s/;
/**
 * What JSON.stringify leaves raw and we escape: DEL and the C1 controls drive terminals, and NEL, U+2028 and
 * U+2029 are line breaks to some readers of lines (Python's splitlines, for one).
 */
const RAW_IN_JSON = /[\u007f-\u009f\u2028\u2029]/g;
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * Encodes a string as the inside of a JSON string: what stands between the quotes.
 *
 * All control characters, U+2028 and U+2029 are escaped; everything else stands as it is. Costs one regular
 * expression test for an ordinary string.
 *
 * @throws EventError `ERR_EVENT_FIELD_INVALID` for NUL and lone surrogates, which neither UTF-8 nor Postgres
 * can hold; `ERR_EVENT_TOO_LARGE` for a string that no entry can hold.
 * @see RFC 8259 §7, §8.2
 */
export function encodeText(text: string, field: string): string {
  if (text.length > MAX_ENTRY_BYTES) throw tooLarge(field, text.length);
  return SUSPECT.test(text) ? escapeText(text, field) : text;
}

/** Whether a string can stand in a line as it is. */
export function isPlainText(text: string): boolean {
  return !SUSPECT.test(text);
}

/** Whether a string can stand in a line as it is, and holds no mark of a token. */
export function isPlainName(text: string): boolean {
  return !SUSPECT_NAME.test(text);
}

/** Whether a client's name of itself can stand in a line as it is, and holds no mark of a secret. */
export function isPlainAgent(text: string): boolean {
  return !SUSPECT_AGENT.test(text);
}

/** Encodes a string that is not plain. */
function escapeText(text: string, field: string): string {
  const problem = textProblem(text);
  if (problem !== undefined) throw invalidField(field, problem);
  return JSON.stringify(text)
    .slice(1, -1)
    .replace(RAW_IN_JSON, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Says why a string cannot be recorded, or nothing when it can. */
export function textProblem(text: string): string | undefined {
  const nul = text.indexOf('\0');
  if (nul >= 0) return `holds NUL (U+0000) at character ${nul}: remove it`;
  // Every runtime that we support has it; the declarations of ES2023 do not.
  if ((text as string & { isWellFormed(): boolean }).isWellFormed()) return undefined;
  return `holds a lone surrogate at character ${text.search(LONE_SURROGATE)}: it is not well-formed Unicode`;
}

/** Whether the text has more bytes in UTF-8 than an entry may have; they are counted only when that is possible. */
export function exceedsEntry(text: string): boolean {
  return text.length * 3 > MAX_ENTRY_BYTES && new TextEncoder().encode(text).length > MAX_ENTRY_BYTES;
}

/** The refusal of something that no entry can hold. */
export function tooLarge(field: string, length: number): EventError {
  const message = `${field} is too large (${length} characters): an entry holds at most ${MAX_ENTRY_BYTES} bytes`;
  return new EventError('ERR_EVENT_TOO_LARGE', message, { field });
}
