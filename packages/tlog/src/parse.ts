import { TlogError, quote, type TlogErrorCode } from './error.ts';

/** What a strict parser is reading, so that its error names the field and carries the code of the whole structure. */
export type ParseField = {
  /** The field as a reader knows it, such as "checkpoint tree size". */
  readonly what: string;
  /** The code to throw with. */
  readonly code: TlogErrorCode;
};

/**
 * Returns the number that `text` writes in decimal: `0|[1-9][0-9]*`, at most 2^53−1.
 *
 * `BigInt('')` is 0, `Number(' 5 ')` is 5 and `parseInt('12abc')` is 12: evidence may not pass through any of them, or two
 * texts would mean the same number and a signed text could be changed without anybody's notice.
 *
 * @param field - What is being read; without it the error says "decimal" and `ERR_TLOG_DECIMAL_MALFORMED`.
 * @throws TlogError `ERR_TLOG_DECIMAL_MALFORMED`, or the code of `field`.
 */
export function parseDecimal(text: string, field?: ParseField): number {
  const { what, code } = field ?? { what: 'decimal', code: 'ERR_TLOG_DECIMAL_MALFORMED' };
  if (!/^(?:0|[1-9][0-9]{0,15})$/.test(text)) {
    throw new TlogError(code, `${what} ${quote(text)} is not a decimal number without sign, space or leading zero`);
  }
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new TlogError(code, `${what} ${text} is above ${Number.MAX_SAFE_INTEGER}`);
  return value;
}

/**
 * Returns the bytes that `text` writes in base64: standard alphabet, padded, no white space, unused bits zero.
 *
 * Only the one text that `formatBase64` makes of the bytes is accepted. Lenient decoders read `AB==` and `AA==` alike, or
 * skip what they do not know, and so let a signed line be changed.
 *
 * @param expectedLength - Exact number of bytes, where the format fixes it.
 * @param field - What is being read; without it the error says "base64" and `ERR_TLOG_BASE64_MALFORMED`.
 * @throws TlogError `ERR_TLOG_BASE64_MALFORMED`, or the code of `field`.
 * @see RFC 4648 §4, §3.5
 */
export function parseBase64(text: string, expectedLength?: number, field?: ParseField): Uint8Array {
  const { what, code } = field ?? { what: 'base64', code: 'ERR_TLOG_BASE64_MALFORMED' };
  const bytes = decodeBase64(text);
  if (bytes === undefined) {
    throw new TlogError(code, `${what} ${quote(text)} is not canonical padded base64`);
  }
  if (expectedLength !== undefined && bytes.length !== expectedLength) {
    throw new TlogError(code, `${what} ${quote(text)} holds ${bytes.length} bytes, not ${expectedLength}`);
  }
  return bytes;
}

function decodeBase64(text: string): Uint8Array | undefined {
  let binary: string;
  try {
    binary = atob(text);
  } catch {
    return undefined;
  }
  // atob skips white space and accepts missing padding and stray bits: encoding again finds all three.
  if (btoa(binary) !== text) return undefined;
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

/**
 * Returns `bytes` in base64: standard alphabet, padded.
 *
 * @see RFC 4648 §4
 */
export function formatBase64(bytes: Uint8Array): string {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

const encoder = new TextEncoder();
// Without ignoreBOM the decoder would drop a leading U+FEFF, and two byte strings would read as one text.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Returns the text that `bytes` hold in UTF-8; a byte order mark is text like any other.
 *
 * @throws TlogError `ERR_TLOG_UTF8_MALFORMED` when the bytes are not valid UTF-8, or the code of `field`.
 * @see RFC 3629 §3
 */
export function decodeUtf8Strict(bytes: Uint8Array, field?: ParseField): string {
  const { what, code } = field ?? { what: 'text', code: 'ERR_TLOG_UTF8_MALFORMED' };
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new TlogError(code, `${what} of ${bytes.length} bytes is not valid UTF-8`, { cause });
  }
}

/**
 * Returns the UTF-8 bytes of `text`.
 *
 * @throws TlogError `ERR_TLOG_UTF8_MALFORMED` when `text` has a lone surrogate, which the platform's encoder would silently
 * replace by U+FFFD; or the code of `field`.
 */
export function encodeUtf8(text: string, field?: ParseField): Uint8Array {
  const { what, code } = field ?? { what: 'text', code: 'ERR_TLOG_UTF8_MALFORMED' };
  if (/\p{Surrogate}/u.test(text)) throw new TlogError(code, `${what} ${quote(text)} has a lone surrogate`);
  return encoder.encode(text);
}
