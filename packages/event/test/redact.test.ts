import { DEFAULT_REDACT, encodeEvent, type EventInput, REDACTED, type RedactOptions } from '@indelible/event';
import { describe, expect, it } from 'vitest';
import { refusalOf } from './support/refusal.ts';

const secret = 's3cr3t-value';
const jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk';
const encode = (event: Partial<EventInput>, redact?: RedactOptions): Record<string, unknown> =>
  JSON.parse(encodeEvent({ event: 'login', userId: 'u', ...event }, { redact })) as Record<string, unknown>;
const details = (given: Record<string, unknown>, redact?: RedactOptions): unknown => encode({ details: given }, redact)['details'];

describe('keys', () => {
  const secretKeys = [
    'password', 'PASSWORD', 'newPassword', 'old_password', 'password_confirmation', 'passwd', 'pwd', 'passphrase', 'secret', 'clientSecret',
    'client_secret', 'token', 'accessToken', 'refresh-token', 'id token', 'csrf_token', 'X-CSRF-Token', 'cookie', 'Set-Cookie', 'authorization',
    'Proxy-Authorization', 'apiKey', 'api_key', 'X-API-Key', 'privateKey', 'aws_secret_access_key', 'sid', 'SESSID', 'connect.sid', 'PHPSESSID',
    'JSESSIONID', 'ASP.NET_SessionId', 'otp', 'TOTP', 'mfaCode', 'pin', 'cvv', 'cvc', 'pan', 'cardNumber', 'card_number', 'ssn', 'jwt', 'bearer',
    'credentials', 'user[password]', 'pass', 'passwd1', 'passwdNew', 'password2', 'newPassword1', 'access_token_v2', 'tokenValue', 'sessionKey',
    'SAMLResponse', 'client_assertion', 'token[0]', 'sessionID', 'session_id', 'x-session-id', 'sessionId', 'previousSessionId', 'sessionId2',
  ];
  it.each(secretKeys)('%s is redacted, whatever it holds', (key) => {
    for (const value of [secret, 1234, true, null, [secret], { deep: secret }, () => secret]) {
      expect(details({ outer: [{ [key]: value }] })).toEqual({ outer: [{ [key]: REDACTED }] });
    }
    expect(details({ [key]: undefined })).toEqual({});
  });

  it.each(['tokenType', 'passwordChangedAt', 'shipping', 'company', 'side', 'pinned', 'cookiesAccepted', 'user', 'ключ', ''])(
    '%s is kept', (key) => expect(details({ [key]: 'x' })).toEqual({ [key]: 'x' }),
  );

  it('keeps the id of an entry as the name of a session, and nothing else under such a key', () => {
    for (const id of ['019a9f3c-5d2e-7b1a-9c3d-1f2e3d4c5b6a', '019a9f3c-5d2e-8b1a-9c3d-1f2e3d4c5b6a']) {
      expect(details({ others: [{ sessionId: id }], session_id: id })).toEqual({ others: [{ sessionId: id }], session_id: id });
      expect(details({ password: id, sid: id, JSESSIONID: id })).toEqual({ password: REDACTED, sid: REDACTED, JSESSIONID: REDACTED });
    }
    for (const other of ['wDRJxtQxZDpdif6_MsPw1AmGSe9qbNZA', '6f1c2f9e-0f3b-4c3a-9a55-2a7c1f0f6b11', ['019a9f3c-5d2e-7b1a-9c3d-1f2e3d4c5b6a'], 7]) {
      expect(details({ others: [{ sessionId: other }] })).toEqual({ others: [{ sessionId: REDACTED }] });
    }
    expect(encode({ resource: '/x?session_id=abc' })).toMatchObject({ resource: `/x?session_id=${REDACTED}` });
  });

  it('leaves the fields of the event alone', () => {
    expect(encode({ sessionId: 'ses_1', sidHash: 'sha256:'.padEnd(71, 'a') })).toMatchObject({ sessionId: 'ses_1' });
  });

  it('can be extended, and keeps the defaults', () => {
    const redact = { keys: ['iban', '*Konto_Nr', 'пароль'] };
    expect(details({ IBAN: 1, 'altes-konto.nr': 2, 'Пароль': 3, kontonrx: 4, password: 5 }, redact)).toEqual({
      IBAN: REDACTED, 'altes-konto.nr': REDACTED, 'Пароль': REDACTED, kontonrx: 4, password: REDACTED,
    });
    expect(details({ iban: 1, password: 5 }, {})).toEqual({ iban: 1, password: REDACTED });
    for (const keys of [[''], ['*'], [7 as unknown as string]]) {
      expect(refusalOf(() => details({ a: 1 }, { keys }))).toMatchObject({ code: 'ERR_EVENT_FIELD_INVALID', field: 'redact.keys' });
    }
  });

  it('decides alike however many keys it has seen', () => {
    const many = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`k${i}`, 1]));
    for (let round = 0; round < 20; round++) {
      expect(details({ ...Object.fromEntries(Object.keys(many).map((k) => [`${k}r${round}`, 1])), [`${'x'.repeat(80)}password`]: 1 })).toMatchObject({
        [`${'x'.repeat(80)}password`]: REDACTED, [`k1r${round}`]: 1,
      });
    }
  });

  it('publishes its list', () => {
    expect(DEFAULT_REDACT).toContain('*password');
  });
});

describe('texts', () => {
  const rows: [string, string][] = [
    [jwt, REDACTED],
    [`bad token ${jwt}, sorry`, `bad token ${REDACTED}, sorry`],
    [`a=${jwt}`, `a=${REDACTED}`],
    ['eyJhbGciOiJkaXIifQ..iv.text.tag', 'eyJhbGciOiJkaXIifQ..iv.text.tag'],
    ['eyJhbGciOiJSU0EifQ.key.iv.text.tag', REDACTED],
    ['Bearer abc.def', REDACTED],
    ['  bearer   AbC123==', REDACTED],
    ['Authorization: Bearer abc', REDACTED],
    ['Basic dXNlcjpwYXNz', REDACTED],
    ['Proxy-Authorization: Basic dXNlcjpwYXNz', REDACTED],
    ['Basic plan', 'Basic plan'],
    ['the bearer of this', 'the bearer of this'],
    ['https://x.example/cb?user=a&access_token=abc&page=2#id_token=def', `https://x.example/cb?user=a&access_token=${REDACTED}&page=2#id_token=${REDACTED}`],
    ['/x;jsessionid=ABC?a=1', `/x;jsessionid=${REDACTED}?a=1`],
    ['theme=dark; connect.sid=s%3Aabc; lang=en', `theme=dark; connect.sid=${REDACTED}; lang=en`],
    ['password=abc', `password=${REDACTED}`],
    ['/x?p%61ssword=abc&%zz=1', `/x?p%61ssword=${REDACTED}&%zz=1`],
    ['/x?token=', `/x?token=${REDACTED}`],
    ['/x;v=1?token=abc', `/x;v=1?token=${REDACTED}`],
    ['/x?next=/y?token=a?b&c=d', `/x?next=/y?token=${REDACTED}&c=d`],
    ['/x?q=token&a=b', '/x?q=token&a=b'],
    ['why? 1+1=2', 'why? 1+1=2'],
    ['sent Authorization: Bearer abc and failed', `sent Authorization: ${REDACTED} and failed`],
    ['got bearer abc123, refused', `got bearer ${REDACTED}, refused`],
    ['login with password: hunter2 failed', `login with password: ${REDACTED} failed`],
    ['login with password=hunter2 failed', `login with password=${REDACTED} failed`],
    ['{"password":"a b","n":1}', `{"password":${REDACTED},"n":1}`],
    ['Cookie: connect.sid=X; lang=en', `Cookie: ${REDACTED}`],
    ['had connect.sid=X', `had connect.sid=${REDACTED}`],
    ['from https://u:pw@host/x', `from https://${REDACTED}@host/x`],
    ['https://host:8080/x@y', 'https://host:8080/x@y'],
    ['/x?token[0]=a&token%5B1%5D=b', `/x?token[0]=${REDACTED}&token%5B1%5D=${REDACTED}`],
    ['/x?next=%2Fy%3Ftoken%3Dabc%26b%3D1', `/x?next=%2Fy%3Ftoken%3D${REDACTED}%26b%3D1`],
    ['-----BEGIN EC PRIVATE KEY-----\nabc\n-----END EC PRIVATE KEY----- end', `${REDACTED} end`],
    ['-----BEGIN PRIVATE KEY-----\nabc', REDACTED],
    ['key PRIVATE+KEY+log+00000000+AAAA here', `key ${REDACTED} here`],
  ];
  it.each(rows)('%s', (given, kept) => {
    expect(details({ list: [given] })).toEqual({ list: [kept] });
    expect(encode({ resource: given, reason: given })).toMatchObject({ resource: kept, reason: kept });
  });

  it.each([jwt, `u ${jwt}`, 'Bearer abc.def', 'Basic dXNlcjpwYXNz', 'PRIVATE+KEY+a+00000000+AAAA'])('no name may hold %s', (token) => {
    for (const field of ['userId', 'sessionId', 'ip', 'policy', 'tenant', 'app', 'instance']) {
      const error = refusalOf(() => encode({ [field]: token }));
      expect(error).toMatchObject({ code: 'ERR_EVENT_FIELD_INVALID', field });
      expect(error.message).toContain('looks like a token');
    }
    const error = refusalOf(() => details({ a: { [token]: 1 } }));
    expect(error).toMatchObject({ code: 'ERR_EVENT_FIELD_INVALID', field: 'details.a' });
    expect(error.message).not.toContain(token.slice(0, 12));
    expect(encode({ userAgent: `agent ${token}` })['userAgent']).toMatch(/^agent (?:(?:Bearer|Basic|u) )?\[redacted\]$/);
  });

  it('keeps names with spaces and signs', () => {
    for (const userId of ['Ann Basic', 'basic user', 'a+b@x.example', 'the bearer of it', 'eyJules']) expect(encode({ userId })).toMatchObject({ userId });
  });

  it('uses the added names too', () => {
    expect(encode({ resource: '/x?code=abc&a=1' }, { keys: ['code'] })['resource']).toBe(`/x?code=${REDACTED}&a=1`);
  });

  it('takes no longer for texts made to be slow', () => {
    const start = performance.now();
    for (const piece of ['eyJ', 'eyJ-', 'eyJ.', 'eyJa.a', '?a', '&;', 'a=', 'Bearer ', 'basic ', '://a:', ' a:', 'a: ', '%3Fa', '-----BEGIN PRIVATE KEY', 'PRIVATE+KEY+', 'password: ', '"', '\n']) {
      const resource = piece.repeat(Math.floor((/["\n]/.test(piece) ? 30_000 : 60_000) / piece.length));
      encodeEvent({ event: 'login', userId: 'u', resource });
    }
    expect(performance.now() - start).toBeLessThan(2000);
  });
});
