import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KEY_TYPE_COSIGNATURE, KEY_TYPE_ED25519, formatBase64, formatVerifierKey, isKeyName, parseVerifierKey, sha256 } from '@indelible/tlog';
import { bytesPlusOne, expectCode, isRefusedSync, substrings } from './support/expect-code.ts';
import { RUNS, readVectors, toHex } from './support/testdata.ts';

const { vkey } = readVectors<{ vkey: string }>('note.json');

/** Writes a verifier key whose key ID fits, whatever its parts are. */
function craft(name: string, material: Uint8Array): string {
  const id = sha256(Uint8Array.of(...new TextEncoder().encode(name), 0x0a, ...material)).subarray(0, 4);
  return `${name}+${toHex(id)}+${formatBase64(material)}`;
}

describe('parseVerifierKey', () => {
  it('reads the example of the specification', () => {
    const key = parseVerifierKey(vkey);
    expect(key).toMatchObject({ name: 'example.com/foo', type: KEY_TYPE_ED25519, text: vkey });
    expect(toHex(key.keyId)).toBe('530d903a');
    expect(key.publicKey).toHaveLength(32);
    expect(formatVerifierKey(key.name, key.type, key.publicKey)).toBe(vkey);
  });

  it('refuses every substring', () => {
    for (const part of substrings(vkey)) {
      if (!isRefusedSync(() => parseVerifierKey(part))) expect.fail(part);
    }
  });

  it('refuses every byte raised by one', () => {
    for (const bytes of bytesPlusOne(vkey)) {
      const changed = Buffer.from(bytes).toString('latin1');
      if (!isRefusedSync(() => parseVerifierKey(changed))) expect.fail(changed);
    }
  });

  it.each([
    ['upper-case key ID', vkey.replace('530d903a', '530D903A')],
    ['key ID with a sign', vkey.replace('530d903a', '+30d903a')],
    ['short key ID', vkey.replace('530d903a', '530d903')],
    ['long key ID', vkey.replace('530d903a', '0530d903a')],
    ['trailing newline', `${vkey}\n`],
    ['leading space', ` ${vkey}`],
    ['trailing space', `${vkey} `],
    ['a fourth field', `${vkey}+AA==`],
    ['padding that is not due', `${vkey}=`],
    ['another name', vkey.replace('foo', 'bar')],
    ['no name', craft('', Uint8Array.of(1, ...new Uint8Array(32)))],
    ['no key material', craft('a', new Uint8Array(0))],
    ['no public key', craft('a', Uint8Array.of(1))],
    ['a public key of 31 bytes', craft('a', Uint8Array.of(1, ...new Uint8Array(31)))],
    ['a public key of 33 bytes', craft('a', Uint8Array.of(4, ...new Uint8Array(33)))],
    ['a name of a megabyte', `${'a'.repeat(1_000_000)}+00000000+${formatBase64(Uint8Array.of(1, ...new Uint8Array(32)))}`],
  ])('refuses %s', async (_, text) => {
    await expectCode('ERR_TLOG_KEY_MALFORMED', () => parseVerifierKey(text));
  });

  it.each([0x00, 0x02, 0x03, 0x05, 0x06, 0xfa, 0xff])('says of type %s that it is not supported', async (type) => {
    await expectCode('ERR_TLOG_KEY_UNSUPPORTED', () => parseVerifierKey(craft('a', Uint8Array.of(type, ...new Uint8Array(32)))));
    await expectCode('ERR_TLOG_KEY_UNSUPPORTED', () => formatVerifierKey('a', type as 1, new Uint8Array(32)));
  });

  it('reads back what formatVerifierKey writes; the key ID depends on the type', () => {
    const name = fc.string({ unit: 'grapheme', minLength: 1 }).filter(isKeyName);
    fc.assert(
      fc.property(name, fc.constantFrom(KEY_TYPE_ED25519, KEY_TYPE_COSIGNATURE), fc.uint8Array({ minLength: 32, maxLength: 32 }), (n, type, publicKey) => {
        const text = formatVerifierKey(n, type, publicKey);
        expect(text).toBe(craft(n, Uint8Array.of(type, ...publicKey)));
        expect(parseVerifierKey(text)).toMatchObject({ name: n, type, publicKey, text });
        expect(isRefusedSync(() => parseVerifierKey(text.replace(/.=+$|.$/, '')))).toBe(true);
      }),
      { numRuns: RUNS },
    );
    const [note, cosignature] = ([KEY_TYPE_ED25519, KEY_TYPE_COSIGNATURE] as const).map((type) => formatVerifierKey('a', type, new Uint8Array(32)).slice(2, 10));
    expect(note).not.toBe(cosignature);
  });
});

it.each([0, 31, 33, 64])('formatVerifierKey refuses a public key of %s bytes', async (length) => {
  await expectCode('ERR_TLOG_KEY_MALFORMED', () => formatVerifierKey('a', KEY_TYPE_ED25519, new Uint8Array(length)));
});

describe('isKeyName', () => {
  it.each(['a', 'example.com/foo', 'oid/1.3.6', 'naïve', '日本', '😀', 'a-b_c~!@#$%^&*()', '\u007f', '\ufeff'])('accepts %j', (name) => {
    expect(isKeyName(name)).toBe(true);
  });

  it.each([
    '', ' ', 'a b', ' a', 'a ', 'a+b', '+', 'a\tb', 'a\nb', 'a\n', 'a\r', 'a\u0000', 'a\u001f', 'a\u000b', 'a\u000c', 'a\u0085b', 'a\u00a0b', 'a\u1680b',
    'a\u2003b', 'a\u2028b', 'a\u2029b', 'a\u202fb', 'a\u205fb', 'a\u3000b', '\ud800', 'a\udfff',
  ])('refuses %j', async (name) => {
    expect(isKeyName(name)).toBe(false);
    await expectCode('ERR_TLOG_KEY_MALFORMED', () => formatVerifierKey(name, KEY_TYPE_ED25519, new Uint8Array(32)));
    await expectCode('ERR_TLOG_KEY_MALFORMED', () => parseVerifierKey(craft(name, Uint8Array.of(1, ...new Uint8Array(32)))));
  });
});
