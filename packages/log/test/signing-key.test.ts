import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { ed25519Verify, parseVerifierKey } from '@indelible/tlog';
import { createSigningKey, formatKeyId, parseSigningKey, readSigningKey, writeSigningKey, type LogError } from '@indelible/log';
import { signChecked } from '../dist/signer/sign-checked.js';
import { expectError } from './support/expect-error.ts';
import { testSigner } from './support/events.ts';
import { temporaryDirectory } from './support/temporary.ts';

const directory = temporaryDirectory('key');
const key = createSigningKey('test.example/log');
const secretPart = key.secret.split('+').at(-1)!;
const seedOf = (secret: string): Buffer => Buffer.from(secret.split('+').slice(4).join('+'), 'base64').subarray(1);
const message = new TextEncoder().encode('message');

/** Nothing that a logger could print of an error has any 6 characters of the key's secret part in it, in base64 or hex. */
function expectNoSecret(error: LogError, secret: string): void {
  const shown = `${inspect(error, { depth: 9, showHidden: true })} ${JSON.stringify(error)} ${String(error.stack)} ${String(error.cause)}`;
  for (const text of [secret, Buffer.from(secret, 'base64').toString('hex')]) {
    for (let at = 0; at + 6 <= text.length; at++) expect(shown.includes(text.slice(at, at + 6)), `part ${at} of the key is shown`).toBe(false);
  }
}

describe('parseSigningKey', () => {
  test('signs what its vkey verifies', async () => {
    const signer = parseSigningKey(key.secret);
    expect(signer.vkey).toBe(key.vkey);
    const signature = await signer.sign(message);
    expect(signature).toHaveLength(64);
    expect(await ed25519Verify(parseVerifierKey(key.vkey).publicKey, message, signature)).toBe(true);
    expect(parseSigningKey(`\n ${key.secret}\n`).vkey).toBe(key.vkey);
  });

  test('two keys differ, whatever their name', () => {
    expect(createSigningKey('a').secret).not.toBe(createSigningKey('a').secret);
    expect(seedOf(createSigningKey('a').secret)).not.toEqual(seedOf(createSigningKey('a').secret));
  });

  test('the key id is what people compare', () => {
    expect(formatKeyId(key.vkey)).toBe(key.vkey.slice('test.example/log+'.length, 'test.example/log+'.length + 8));
  });

  const flipped = (at: number): string => `${key.secret.slice(0, at)}${key.secret[at] === 'A' ? 'B' : 'A'}${key.secret.slice(at + 1)}`;
  test.each([
    ['nothing', ''],
    ['a verifier key', key.vkey],
    ['no prefix', key.secret.slice('PRIVATE+KEY+'.length)],
    ['a prefix in lower case', key.secret.replace('PRIVATE', 'private')],
    ['no name', `PRIVATE+KEY++${key.secret.split('+').slice(3).join('+')}`],
    ['a name with a space', key.secret.replace('test.example', 'test example')],
    ['another name', key.secret.replace('test.example', 'tesd.example')],
    ['a key id in upper case', key.secret.replace(/\+([0-9a-f]{8})\+/, (_all, id: string) => `+${id.toUpperCase().replace(/^\d+$/, 'ABCDEF00')}+`)],
    ['another key id', key.secret.replace(/\+([0-9a-f]{8})\+/, '+00000000+')],
    ['a changed character', flipped(key.secret.length - 10)],
    ['a missing character', key.secret.slice(0, -2)],
    ['base64url', key.secret.replace(/[^+]+$/, (encoded) => encoded.replaceAll('/', '_').replaceAll('=', '') + '-')],
    ['a second line', `${key.secret}\n${key.secret}`],
    ['another type', key.secret.replace(/[^+]+$/, Buffer.concat([Buffer.of(2), seedOf(key.secret)]).toString('base64'))],
    ['a key that is too short', key.secret.replace(/\+[^+]+$/, `+${Buffer.concat([Buffer.of(1), seedOf(key.secret).subarray(1)]).toString('base64')}`)],
    ['NUL', `${key.secret}\0`],
  ])('%s is refused, and the message shows nothing of the key', async (_name, secret) => {
    const error = await expectError('ERR_LOG_KEY_INVALID', () => parseSigningKey(secret));
    expectNoSecret(error, secretPart);
    expect(error.message).toContain('PRIVATE+KEY+');
  });
});

describe('key files', () => {
  test('what is written is read, mode 0600, and never written over', async () => {
    const path = join(directory, 'signing.key');
    const before = process.umask(0o077);
    try {
      await writeSigningKey(path, key);
    } finally {
      process.umask(before);
    }
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readFileSync(path, 'utf8')).toBe(`${key.secret}\n`);
    expect(readSigningKey(path).vkey).toBe(key.vkey);
    const error = await expectError('ERR_LOG_KEY_INVALID', () => writeSigningKey(path, createSigningKey('x')));
    expect(error.message).toContain('exists already');
    expect(readFileSync(path, 'utf8')).toBe(`${key.secret}\n`);
  });

  test('is 0600 even where the umask would allow nothing', async () => {
    const path = join(directory, 'umask.key');
    const before = process.umask(0o777);
    try {
      await writeSigningKey(path, key);
    } finally {
      process.umask(before);
    }
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test.skipIf(process.platform === 'win32').each([0o640, 0o604, 0o660, 0o666, 0o610, 0o601])('mode %o is refused with the remedy', async (mode) => {
    const path = join(directory, `mode-${mode.toString(8)}.key`);
    writeFileSync(path, `${key.secret}\n`);
    chmodSync(path, mode);
    const error = await expectError('ERR_LOG_KEY_PERMISSIONS', () => readSigningKey(path));
    expect(error.message).toContain(`chmod 600 ${path}`);
    expectNoSecret(error, secretPart);
    chmodSync(path, 0o400);
    expect(readSigningKey(path).vkey).toBe(key.vkey);
  });

  test('a file that is missing, a directory, too large, or no text is refused', async () => {
    expect((await expectError('ERR_LOG_KEY_INVALID', () => readSigningKey(join(directory, 'missing')))).message).toContain('there is no file');
    mkdirSync(join(directory, 'folder'), { mode: 0o700 });
    await expectError('ERR_LOG_KEY_INVALID', () => readSigningKey(join(directory, 'folder')));
    const large = join(directory, 'large');
    writeFileSync(large, key.secret.padEnd(5_000), { mode: 0o600 });
    await expectError('ERR_LOG_KEY_INVALID', () => readSigningKey(large));
    const binary = join(directory, 'binary');
    writeFileSync(binary, Buffer.of(0xff, 0xfe, 0), { mode: 0o600 });
    await expectError('ERR_LOG_KEY_INVALID', () => readSigningKey(binary));
  });
});

describe('signChecked', () => {
  const { vkey } = testSigner();
  const good = testSigner();

  test('passes a good signature on', async () => {
    expect(await signChecked(good, message)).toEqual(await good.sign(message));
    const elsewhere = { vkey: good.vkey, sign: (bytes: Uint8Array) => good.sign(bytes) };
    expect(await signChecked(elsewhere, message)).toEqual(await good.sign(message));
  });

  test('tries again after a failure', async () => {
    let calls = 0;
    const flaky = { vkey: good.vkey, sign: (bytes: Uint8Array) => (++calls < 3 ? Promise.reject(new Error('busy')) : good.sign(bytes)) };
    expect(await signChecked(flaky, message)).toHaveLength(64);
    expect(calls).toBe(3);
  });

  test.each([
    ['throws', () => Promise.reject(new Error('access denied'))],
    ['throws at once', () => { throw new Error('access denied'); }],
    ['signs with another key', (bytes: Uint8Array) => good.sign(bytes)],
    ['returns too little', () => Promise.resolve(new Uint8Array(63))],
    ['returns a DER signature', () => Promise.resolve(new Uint8Array(72))],
    ['returns nothing', () => Promise.resolve(undefined as unknown as Uint8Array)],
  ])('a signer that %s is an error, not a seal', async (_name, sign: (bytes: Uint8Array) => Promise<Uint8Array>) => {
    const error = await expectError('ERR_LOG_SIGNER_FAILED', () => signChecked({ vkey, sign }, message));
    expect(error.message).toContain('three times');
  });
});
