import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  KEY_TYPE_COSIGNATURE,
  MAX_NOTE_SIGNATURES,
  createNoteSigner,
  formatBase64,
  formatNote,
  formatVerifierKey,
  isKeyName,
  openNote,
  parseNote,
  parseVerifierKey,
  sha256,
  signNote,
  type NoteSignature,
  type VerifierKey,
} from '@indelible/tlog';
import { bytesPlusOne, expectCode, isRefused, isRefusedSync, substrings } from './support/expect-code.ts';
import { RUNS, flipped, readVectors } from './support/testdata.ts';

const vector = readVectors<{ vkey: string; text: string; note: string }>('note.json');
const key = parseVerifierKey(vector.vkey);
const seed = (n: number): Uint8Array => sha256(Uint8Array.of(n));
const [alice, bob, carol] = await Promise.all(['alice', 'bob', 'carol'].map((name, n) => createNoteSigner(name, seed(n))));

/** A signature line of some key that nobody knows. */
function line(n: number): NoteSignature {
  return { name: `unknown.example/${n}`, keyId: Uint8Array.of(0, 0, 1, n), signature: new Uint8Array(64).fill(n) };
}

describe('the example of the specification', () => {
  it('opens, from text and from bytes', async () => {
    for (const note of [vector.note, new TextEncoder().encode(vector.note), parseNote(vector.note)]) {
      const opened = await openNote(note, [key]);
      expect(opened.text).toBe(vector.text);
      expect(opened.verified).toEqual([key]);
      expect(opened.signatures).toHaveLength(1);
    }
    expect(formatNote(parseNote(vector.note))).toBe(vector.note);
  });

  it('is refused in every substring', async () => {
    for (const part of substrings(vector.note)) {
      if (!(await isRefused(() => openNote(part, [key])))) expect.fail(JSON.stringify(part));
    }
  });

  it('is refused with any byte raised by one', async () => {
    for (const bytes of bytesPlusOne(vector.note)) {
      if (!(await isRefused(() => openNote(bytes, [key])))) expect.fail(Buffer.from(bytes).toString('latin1'));
    }
  });

  it('is refused with any byte left out or doubled', async () => {
    const bytes = [...new TextEncoder().encode(vector.note)];
    for (let i = 0; i < bytes.length; i++) {
      expect(await isRefused(() => openNote(Uint8Array.from(bytes.toSpliced(i, 1)), [key])), `without byte ${i}`).toBe(true);
      expect(await isRefused(() => openNote(Uint8Array.from(bytes.toSpliced(i, 0, bytes[i]!)), [key])), `byte ${i} twice`).toBe(true);
    }
  });
});

describe('parseNote', () => {
  const good = formatNote({ text: 'one\n\ntwo\n', signatures: [line(1), line(2)] });
  const [first, second] = good.split('\n\n').at(-1)!.split('\n');

  it('splits at the last empty line', () => {
    expect(parseNote(good)).toEqual({ text: 'one\n\ntwo\n', signatures: [line(1), line(2)] });
    expect(parseNote(`\n\n${first}\n`).text).toBe('\n');
  });

  it.each([
    ['nothing', ''],
    ['a newline', '\n'],
    ['two newlines', '\n\n'],
    ['no signature', 'one\n\n'],
    ['no text', `\n${first}\n`],
    ['no empty line', `one\n${first}\n`],
    ['no final newline', good.slice(0, -1)],
    ['an empty line at the end', `${good}\n`],
    ['an empty line between signatures', `one\n\n${first}\n\nnot a signature\n`],
    ['CRLF', good.replaceAll('\n', '\r\n')],
    ['one CR', good.replace('one\n', 'one\r\n')],
    ['CR in a signature line', good.replace(`${first}\n`, `${first}\r\n`)],
    ['a tab in the text', good.replace('one', 'o\tne')],
    ['NUL in the text', good.replace('one', 'o\0ne')],
    ['escape in the text', good.replace('one', 'o\u001bne')],
    ['unit separator in the text', good.replace('one', 'o\u001fne')],
    ['a lone surrogate', good.replace('one', 'o\ud800ne')],
    ['a hyphen for the dash', good.replaceAll('\u2014', '-')],
    ['an en dash', good.replaceAll('\u2014', '\u2013')],
    ['a horizontal bar', good.replaceAll('\u2014', '\u2015')],
    ['no space after the dash', good.replace('\u2014 ', '\u2014')],
    ['two spaces after the dash', good.replace('\u2014 ', '\u2014  ')],
    ['a no-break space after the dash', good.replace('\u2014 ', '\u2014\u00a0')],
    ['two spaces after the name', good.replace('/1 ', '/1  ')],
    ['a space in front', good.replace('\u2014', ' \u2014')],
    ['a space at the end of the line', good.replace(`${first}\n`, `${first} \n`)],
    ['a fourth field', good.replace(`${first}\n`, `${first} x\n`)],
    ['a plus in the name', good.replace('unknown.example/1', 'unknown+example/1')],
    ['an empty name', good.replace('unknown.example/1', '')],
    ['a Unicode space in the name', good.replace('unknown.example/1', 'unknown\u2003example/1')],
    ['no signature after the name', good.replace(/(\/1) .*/, '$1 ')],
    ['a key ID alone', good.replace(/(\/1) .*/, '$1 AAAAAQ==')],
    ['less than a key ID', good.replace(/(\/1) .*/, '$1 AAAA')],
    ['base64 without padding', good.replace(/=+\n/, '\n')],
    ['stray bits in base64', good.replace(/(.)=\n/, (_, c: string) => `${String.fromCharCode(c.charCodeAt(0) + 1)}=\n`)],
    ['URL-safe base64', good.replace(/(\/1) ..../, '$1 -_-_')],
    ['text after the signatures', `${good}more\n`],
    ['the same line twice', `${good}${first}\n`],
    ['two signatures of one key', `${good}${second!.replace(/(.{8})=$/, 'AAAAAAA=')}\n`],
  ])('refuses %s', async (_, note) => {
    expect(note).not.toBe(good);
    await expectCode('ERR_TLOG_NOTE_MALFORMED', () => parseNote(note));
    await expectCode('ERR_TLOG_NOTE_MALFORMED', () => openNote(note, [alice!.key]));
  });

  it('refuses bytes that are not UTF-8, and a byte order mark does not vanish', async () => {
    const bytes = new TextEncoder().encode(good);
    await expectCode('ERR_TLOG_NOTE_MALFORMED', () => parseNote(bytes.with(0, 0xff)));
    expect(parseNote(Uint8Array.of(0xef, 0xbb, 0xbf, ...bytes)).text).toBe('\ufeffone\n\ntwo\n');
  });

  it('takes all other characters, and keys with one name or one ID but not both', () => {
    const text = 'Ognuno sta solo\n\u007f\u0085\u2028😀\n';
    const signatures = [line(1), { ...line(1), keyId: Uint8Array.of(9, 9, 9, 9) }, { ...line(1), name: 'other' }];
    expect(parseNote(formatNote({ text, signatures }))).toEqual({ text, signatures });
  });

  it(`takes ${MAX_NOTE_SIGNATURES} signatures and no more, and any length of one`, async () => {
    const lines = Array.from({ length: MAX_NOTE_SIGNATURES }, (_, n) => line(n));
    const note = formatNote({ text: 'x\n', signatures: lines });
    expect(parseNote(note).signatures).toHaveLength(MAX_NOTE_SIGNATURES);
    expect(MAX_NOTE_SIGNATURES).toBeGreaterThanOrEqual(16);
    const extra = `\u2014 more ${formatBase64(new Uint8Array(68))}\n`;
    await expectCode('ERR_TLOG_NOTE_MALFORMED', () => parseNote(note + extra));
    await expectCode('ERR_TLOG_NOTE_MALFORMED', () => formatNote({ text: 'x\n', signatures: [...lines, line(200)] }));
    const long = { ...line(1), signature: new Uint8Array(300_000) };
    expect(parseNote(formatNote({ text: 'x\n', signatures: [long] })).signatures[0]!.signature).toHaveLength(300_000);
  });

  it('reads back what formatNote writes, and writes what it reads, on texts of all kinds', () => {
    const text = fc.array(fc.constantFrom('a', '\n', '\u2014', ' ', 'é', '\u2014 a AAAAAAA=', '+')).map((parts) => `${parts.join('')}\n`);
    const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }).filter(isKeyName);
    const signature = fc.record({ name, keyId: fc.uint8Array({ minLength: 4, maxLength: 4 }), signature: fc.uint8Array({ minLength: 1, maxLength: 80 }) });
    const signatures = fc.uniqueArray(signature, { minLength: 1, maxLength: 20, selector: (s) => `${s.name} ${s.keyId.join()}` });
    fc.assert(
      fc.property(text, signatures, (t, s) => {
        expect(parseNote(formatNote({ text: t, signatures: s }))).toEqual({ text: t, signatures: s });
      }),
      { numRuns: RUNS },
    );
    const hostile = fc.array(fc.constantFrom('a', '\n', '\n\n', '\u2014 ', 'a ', 'AAAAAAA=', '\u2014 a AAAAAAA=\n', '\r', '+', ' '), { maxLength: 12 });
    fc.assert(
      fc.property(hostile.map((parts) => parts.join('')), (note) => {
        if (!isRefusedSync(() => parseNote(note))) expect(formatNote(parseNote(note))).toBe(note);
      }),
      { numRuns: 10 * RUNS },
    );
  });
});

describe('formatNote refuses what would not read back', () => {
  it.each([
    ['a text without final newline', { text: 'x', signatures: [line(1)] }],
    ['an empty text', { text: '', signatures: [line(1)] }],
    ['a control character', { text: 'x\r\n', signatures: [line(1)] }],
    ['a lone surrogate', { text: '\ud800\n', signatures: [line(1)] }],
    ['no signature', { text: 'x\n', signatures: [] }],
    ['two lines of one key', { text: 'x\n', signatures: [line(1), line(1)] }],
    ['a bad name', { text: 'x\n', signatures: [{ ...line(1), name: 'a b' }] }],
    ['a name with a newline', { text: 'x\n', signatures: [{ ...line(1), name: 'a\nb' }] }],
    ['a key ID of three bytes', { text: 'x\n', signatures: [{ ...line(1), keyId: new Uint8Array(3) }] }],
    ['a key ID of five bytes', { text: 'x\n', signatures: [{ ...line(1), keyId: new Uint8Array(5) }] }],
    ['an empty signature', { text: 'x\n', signatures: [{ ...line(1), signature: new Uint8Array(0) }] }],
  ])('%s', async (_, note) => {
    await expectCode('ERR_TLOG_NOTE_MALFORMED', () => formatNote(note));
  });
});

describe('openNote', () => {
  const text = 'log.example\n7\n';

  it('tells which of the known keys signed, in the order of the lines, and ignores the unknown', async () => {
    const note = await signNote(text, [alice!, bob!]);
    expect((await openNote(note, [bob!.key, carol!.key, alice!.key])).verified).toEqual([alice!.key, bob!.key]);
    expect((await openNote(note, [bob!.key])).verified).toEqual([bob!.key]);
    const { signatures } = parseNote(note);
    const withUnknown = formatNote({ text, signatures: [line(1), ...signatures, line(2)] });
    const opened = await openNote(withUnknown, [alice!.key]);
    expect(opened.verified).toEqual([alice!.key]);
    expect(opened.signatures).toHaveLength(4);
  });

  it('refuses a note that no known key signed', async () => {
    const note = await signNote(text, [alice!]);
    await expectCode('ERR_TLOG_NOTE_UNVERIFIED', () => openNote(note, [bob!.key]));
    await expectCode('ERR_TLOG_NOTE_UNVERIFIED', () => openNote(note, []));
    await expectCode('ERR_TLOG_NOTE_UNVERIFIED', () => openNote({ text, signatures: [] }, [alice!.key]));
  });

  it('refuses the whole note when one known key did not sign it, whatever else is good', async () => {
    const { signatures } = parseNote(await signNote(text, [alice!, bob!]));
    for (let i = 0; i < 64; i++) {
      const bad = { ...signatures[1]!, signature: flipped(signatures[1]!.signature, i) };
      await expectCode('ERR_TLOG_SIGNATURE_INVALID', () => openNote({ text, signatures: [signatures[0]!, bad] }, [alice!.key, bob!.key]));
    }
    // Not known, so not verified: the same note opens for whoever does not know Bob.
    const bad = { ...signatures[1]!, signature: flipped(signatures[1]!.signature) };
    expect((await openNote({ text, signatures: [signatures[0]!, bad] }, [alice!.key])).verified).toEqual([alice!.key]);
    for (const length of [1, 63, 65, 72]) {
      const wrongLength = { ...signatures[0]!, signature: new Uint8Array(length) };
      await expectCode('ERR_TLOG_SIGNATURE_INVALID', () => openNote({ text, signatures: [wrongLength] }, [alice!.key]));
    }
  });

  it('needs name and key ID to match: one of them alone is an unknown key', async () => {
    const [signature] = parseNote(await signNote(text, [alice!])).signatures;
    await expectCode('ERR_TLOG_NOTE_UNVERIFIED', () => openNote({ text, signatures: [{ ...signature!, name: 'bob' }] }, [alice!.key, bob!.key]));
    for (let i = 0; i < 4; i++) {
      const other = { ...signature!, keyId: flipped(signature!.keyId, i) };
      await expectCode('ERR_TLOG_NOTE_UNVERIFIED', () => openNote({ text, signatures: [other] }, [alice!.key]));
    }
  });

  it('refuses a signature moved to another text', async () => {
    const { signatures } = parseNote(await signNote(text, [alice!]));
    for (const other of ['log.example\n8\n', 'log.example\n7\n\n', 'log.example\n7 \n', '\nlog.example\n7\n']) {
      await expectCode('ERR_TLOG_SIGNATURE_INVALID', () => openNote({ text: other, signatures }, [alice!.key]));
    }
  });

  it('refuses keys that it cannot tell apart or that are not for notes', async () => {
    const note = await signNote(text, [alice!]);
    const twin: VerifierKey = { ...alice!.key, text: 'another', publicKey: bob!.key.publicKey };
    await expectCode('ERR_TLOG_ARGUMENT_INVALID', () => openNote(note, [alice!.key, twin]));
    expect((await openNote(note, [alice!.key, parseVerifierKey(alice!.key.text)])).verified).toEqual([alice!.key]);
    const witness = parseVerifierKey(formatVerifierKey('w', KEY_TYPE_COSIGNATURE, alice!.key.publicKey));
    await expectCode('ERR_TLOG_ARGUMENT_INVALID', () => openNote(note, [alice!.key, witness]));
  });
});

describe('signNote', () => {
  it('refuses bad texts and bad signers before and after signing', async () => {
    const unasked = { key: alice!.key, sign: () => expect.fail('a text that cannot be a note must not be signed') };
    await expectCode('ERR_TLOG_NOTE_MALFORMED', () => signNote('no newline', [unasked]));
    await expectCode('ERR_TLOG_NOTE_MALFORMED', () => signNote('x\n', []));
    await expectCode('ERR_TLOG_NOTE_MALFORMED', () => signNote('x\n', [alice!, alice!]));
    await expectCode('ERR_TLOG_ARGUMENT_INVALID', () => signNote('x\n', [{ key: alice!.key, sign: () => Promise.resolve(new Uint8Array(63)) }]));
    const witness = await createNoteSigner('w', seed(9), KEY_TYPE_COSIGNATURE);
    expect(witness.key.type).toBe(KEY_TYPE_COSIGNATURE);
    await expectCode('ERR_TLOG_ARGUMENT_INVALID', () => signNote('x\n', [witness]));
    const failure = new Error('the key service is away');
    await expect(signNote('x\n', [alice!, { key: bob!.key, sign: () => Promise.reject(failure) }])).rejects.toBe(failure);
  });

  it('calls a signer as its method', async () => {
    class Keeper {
      readonly key = alice!.key;
      #calls = 0;
      sign(message: Uint8Array): Promise<Uint8Array> {
        this.#calls++;
        return alice!.sign(message);
      }
      get calls(): number {
        return this.#calls;
      }
    }
    const keeper = new Keeper();
    await openNote(await signNote('x\n', [keeper]), [alice!.key]);
    expect(keeper.calls).toBe(1);
  });

  it('makes signers with good names only', async () => {
    await expectCode('ERR_TLOG_KEY_MALFORMED', () => createNoteSigner('a b', seed(1)));
    await expect(createNoteSigner('a', new Uint8Array(31))).rejects.toThrow(RangeError);
  });
});
