import { describeValue, invalidField } from './error.ts';

/** What stands in the record in place of a secret. */
export const REDACTED = '[redacted]';

/**
 * The names of keys whose values are redacted by default.
 *
 * Names are compared without regard to case and to anything that is no letter or digit (`Set-Cookie`, `set_cookie` and
 * `setCookie` are one name). A leading `*` matches any name that ends so: `*token` covers `accessToken` and
 * `csrf_token`, and leaves `tokenType` alone. A trailing `*` matches any name that begins so. Digits at the end of a key,
 * and a version (`access_token_v2`, `token[0]`), do not count.
 */
export const DEFAULT_REDACT: readonly string[] = [
  // passwords
  '*password', '*passwords', 'pass', '*passwd', 'passwd*', '*pwd', '*passphrase', 'passwordhash', 'passwordconfirm', 'passwordconfirmation',
  'passwordnew', 'passwordold', 'passwordcurrent', 'passwordrepeat', 'passwordagain', 'passwordvalue',
  // bearer secrets and keys
  '*secret', '*secrets', '*token', '*tokens', '*tokenvalue', '*jwt', '*samlresponse', '*clientassertion', 'bearer', '*authorization', '*credentials',
  '*apikey', '*privatekey', '*secretkey', '*secretaccesskey', '*signingkey', '*encryptionkey',
  // session cookies
  '*cookie', '*cookies', 'sid', 'sessid', '*sessionkey', '*sessionid', 'connectsid', 'phpsessid', 'jsessionid', 'aspnetsessionid',
  // one-time codes
  'otp', 'totp', 'otpcode', 'totpcode', 'mfacode', 'pin', 'pincode',
  // cards and persons
  'cvv', 'cvc', 'cvv2', 'pan', '*cardnumber', 'ssn',
];

/** Options of redaction. */
export type RedactOptions = {
  /** Names to redact in addition to {@link DEFAULT_REDACT}, written in the same way (`*` in front: ends so). */
  readonly keys?: readonly string[] | undefined;
};

/** Whether the value under this key is a secret. */
export type SecretKeyTest = (key: string) => boolean;

const MAX_CACHED_KEYS = 4096;
const testsByOptions = new WeakMap<RedactOptions, SecretKeyTest>();
const testByDefault: SecretKeyTest = compileTest(DEFAULT_REDACT);

/**
 * The key test of the given options; compiled once per options object, so pass the same object each time.
 *
 * @throws EventError `ERR_EVENT_FIELD_INVALID` when a name is no string or has no letter or digit.
 */
export function secretKeyTest(options: RedactOptions | undefined): SecretKeyTest {
  if (options === undefined) return testByDefault;
  let test = testsByOptions.get(options);
  if (test === undefined) {
    test = options.keys === undefined ? testByDefault : compileTest([...DEFAULT_REDACT, ...options.keys]);
    testsByOptions.set(options, test);
  }
  return test;
}

function compileTest(names: readonly string[]): SecretKeyTest {
  const exact = new Set<string>();
  const endings: string[] = [];
  const beginnings: string[] = [];
  for (const name of names) {
    const plain = typeof name === 'string' ? normalizeKey(name) : '';
    if (plain === '') throw invalidField('redact.keys', `has an entry without a letter or digit (${describeValue(name)})`);
    if (name.startsWith('*')) endings.push(plain);
    else if (name.endsWith('*')) beginnings.push(plain);
    else exact.add(plain);
  }
  const isNamed = (plain: string): boolean =>
    exact.has(plain) || endings.some((ending) => plain.endsWith(ending)) || beginnings.some((beginning) => plain.startsWith(beginning));
  // Applications use the same few keys again and again; hostile ones must not make the cache grow.
  const known = new Map<string, boolean>();
  return (key) => {
    const cached = known.get(key);
    if (cached !== undefined) return cached;
    const plain = normalizeKey(key);
    const secret = isNamed(plain) || isNamed(plain.replace(/v?\p{N}{1,8}$/u, ''));
    if (key.length <= 64) {
      if (known.size >= MAX_CACHED_KEYS) known.clear();
      known.set(key, secret);
    }
    return secret;
  };
}

/**
 * Whether a key of `details` may name a session by its entry's id (`others[].sessionId`), which opens nothing.
 *
 * Asked about keys that are a secret's, before their value is redacted. The session cookies of frameworks never do.
 */
export function namesSession(key: string): boolean {
  const plain = normalizeKey(key);
  return plain.endsWith('sessionid') && plain !== 'jsessionid' && plain !== 'aspnetsessionid';
}

function normalizeKey(key: string): string {
  return key.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
}
