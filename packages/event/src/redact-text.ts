import { REDACTED, type SecretKeyTest } from './redact.ts';

// The texts are hostile: every repetition below is bounded, or begins at a mark and runs on from where it ended.
const MAY_HOLD_SECRET = /[=:]|%3D|eyJ|-----BEGIN|PRIVATE(?:\+|%2B)KEY|\b(?:bearer|basic)\s/i;
const MAY_HOLD_TOKEN = /eyJ|-----BEGIN|PRIVATE(?:\+|%2B)KEY|(?:bearer|basic)\s/i;
/** `name=` at the start, after a space, in a query, a fragment, a form body, path parameters or a cookie header; plain or percent-encoded. */
const PARAMETER_NAME = /(?:^|[?&#;,"'\s]|%3F|%26|%23|%3B)([^?&#;=\s]{1,128}?)(=|%3D)/gi;
const PARAMETER_VALUE = /[^&#;\s]*/y;
/** A path parameter (`/x;jsessionid=…?page=2`) ends where the query begins; in other values `?` is a character. */
const PATH_PARAMETER_VALUE = /[^?&#;\s]*/y;
const ENCODED_VALUE = /(?:(?!%26|%23|%3B)[^&#;\s])*/iy;
/** A whole Authorization value (RFC 6750 §2.1, RFC 7617 §2), with or without the header's name. */
const CREDENTIAL = /^\s*(?:(?:proxy-)?authorization:\s*)?(bearer|basic)\s+(\S+)\s*$/i;
/** The same within a text, where both schemes may be words. */
const CREDENTIAL_WITHIN = /\b(bearer|basic)(\s{1,16})([\w.~+/-]+=*)/gi;
/** `name: value`, as in a header, in YAML or in JSON. */
const HEADER_NAME = /(?<![\w.-])([\w.-]{1,64})["']?\s{0,4}:(?!\/\/)\s{0,4}/g;
const HEADER_VALUE = /"[^"\n]*"?|'[^'\n]*'?|(?:bearer|basic|digest|token)\s{1,16}[^\s,;&"'}]+|[^\s,;&}\]]+/iy;
const COOKIE_VALUE = /[^\r\n"]+/y;
/** A JWS or JWE in compact form (RFC 7515 §7.1): its first part is the base64url of `{"…`. */
const COMPACT_TOKEN = /(?<![\w-])eyJ[\w-]*\.[\w-]+\.[\w-]*(?:\.[\w-]+)*/g;
/** The password of a URL (RFC 3986 §3.2.1). */
const USER_INFO = /:\/\/[^\s/?#:@]{0,256}:[^\s/?#]{1,512}@/g;
/** A private key in PEM (RFC 7468), cut off or not. */
const PEM_KEY = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY[^]*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|$)/g;
/** A private key of a signed note. */
const NOTE_KEY = /PRIVATE(?:\+|%2B)KEY(?:\+|%2B)\S*/gi;

/** Whether a text holds a JWT, credentials of an Authorization header or a private key: what no name may be. */
export function holdsToken(text: string): boolean {
  return MAY_HOLD_TOKEN.test(text) && (replaceTokens(text) !== text || isCredentialAlone(text));
}

/**
 * Takes secrets out of a text: parameters and headers whose name is a secret's, Authorization values, passwords of
 * URLs, private keys and JWTs.
 *
 * A text without any of their marks costs one regular expression test; any other takes time linear in its length.
 */
export function redactText(text: string, isSecretKey: SecretKeyTest): string {
  if (!MAY_HOLD_SECRET.test(text)) return text;
  if (isCredentialAlone(text)) return REDACTED;
  const parameters = redactParameters(text.replace(PEM_KEY, REDACTED).replace(NOTE_KEY, REDACTED).replace(COMPACT_TOKEN, REDACTED), isSecretKey);
  return replaceTokens(redactHeaders(parameters, isSecretKey)).replace(USER_INFO, `://${REDACTED}@`);
}

function replaceTokens(text: string): string {
  return text
    .replace(PEM_KEY, REDACTED)
    .replace(NOTE_KEY, REDACTED)
    .replace(COMPACT_TOKEN, REDACTED)
    .replace(CREDENTIAL_WITHIN, (all: string, scheme: string, space: string, value: string) =>
      isCredentialWithin(scheme, value) ? scheme + space + REDACTED : all,
    );
}

/** Only a secret's value is skipped: any other value may hold a URL with parameters of its own. */
function redactParameters(text: string, isSecretKey: SecretKeyTest): string {
  return redactAfter(PARAMETER_NAME, text, (match) => {
    if (!isSecretKey(decodeName(match[1] ?? ''))) return undefined;
    if (match[2] !== '=') return ENCODED_VALUE;
    return match[0].startsWith(';') && !/\s$/.test(text.slice(0, match.index + 2)) ? PATH_PARAMETER_VALUE : PARAMETER_VALUE;
  });
}

function redactHeaders(text: string, isSecretKey: SecretKeyTest): string {
  return redactAfter(HEADER_NAME, text, (match) => {
    const name = match[1] ?? '';
    if (!isSecretKey(name)) return undefined;
    return /cookie$/i.test(name) && !/["']/.test(match[0]) ? COOKIE_VALUE : HEADER_VALUE;
  });
}

/** Replaces what `valueOf` matches (a sticky expression) behind each match of `name`. */
function redactAfter(name: RegExp, text: string, valueOf: (match: RegExpExecArray) => RegExp | undefined): string {
  let redacted = '';
  let done = 0;
  name.lastIndex = 0;
  for (let match = name.exec(text); match !== null; match = name.exec(text)) {
    const value = valueOf(match);
    if (value === undefined) continue;
    const start = name.lastIndex;
    value.lastIndex = start;
    if (!value.test(text)) {
      name.lastIndex = start;
      continue;
    }
    redacted += text.slice(done, start) + REDACTED;
    done = value.lastIndex;
    name.lastIndex = done;
  }
  return done === 0 ? text : redacted + text.slice(done);
}

function isCredentialAlone(text: string): boolean {
  const match = CREDENTIAL.exec(text);
  return match !== null && (match[1]?.toLowerCase() === 'bearer' || isUserAndPassword(match[2] ?? ''));
}

/** "The bearer of this": a token is long, or no word. */
function isCredentialWithin(scheme: string, value: string): boolean {
  if (scheme.toLowerCase() === 'basic') return isUserAndPassword(value);
  return value.length >= 16 || /\d|[.~+/_=][\w=]/.test(value);
}

/** `Basic` is also a word ("basic plan"): its credentials are base64 of `user:password`. */
function isUserAndPassword(value: string): boolean {
  const decoded = Buffer.from(value, 'base64').toString();
  return decoded.includes(':') && !decoded.includes('\ufffd');
}

function decodeName(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
