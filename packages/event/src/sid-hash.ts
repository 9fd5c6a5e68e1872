import { hmacSha256 } from './crypto.ts';
import { describeValue, EventError, invalidField } from './error.ts';
import { textProblem } from './text.ts';

const MIN_KEY_BYTES = 16;

/**
 * The keyed hash under which a framework's secret session id may stand in the record.
 *
 * HMAC-SHA-256 over `indelible sid v1\n` and the raw id in UTF-8, as base64url: 43 characters. The raw id is a
 * bearer secret and is never written; who holds the key can test whether a raw id that was found belongs to
 * an entry, nobody else can. The key is a secret of its own, never the log's signing key.
 *
 * @param key - At least 16 random bytes, the same for as long as entries are to be linked.
 * @param rawSid - The framework's session id.
 * @throws EventError `ERR_EVENT_KEY_INVALID` for a short key; `ERR_EVENT_FIELD_INVALID` for an id that is empty,
 * not a string or not well-formed Unicode.
 * @see RFC 2104
 */
export function sidHash(key: Uint8Array, rawSid: string): string {
  if (!(key instanceof Uint8Array) || key.length < MIN_KEY_BYTES) {
    const given = key instanceof Uint8Array ? `${key.length} bytes` : describeValue(key);
    throw new EventError('ERR_EVENT_KEY_INVALID', `the sidHash key must be at least ${MIN_KEY_BYTES} bytes, not ${given}`, {
      field: 'key',
    });
  }
  if (typeof rawSid !== 'string' || rawSid === '') {
    throw invalidField('rawSid', `must be a non-empty string, not ${describeValue(rawSid)}`);
  }
  const problem = textProblem(rawSid);
  if (problem !== undefined) throw invalidField('rawSid', problem);
  const mac = hmacSha256(key, new TextEncoder().encode(`indelible sid v1\n${rawSid}`));
  return Buffer.from(mac).toString('base64url');
}
