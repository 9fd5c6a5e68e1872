import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeUtf8Strict, encodeUtf8, formatBase64, parseBase64, parseDecimal } from '@indelible/tlog';
import { expectCode, isRefusedSync } from './support/expect-code.ts';
import { RUNS } from './support/testdata.ts';

describe('parseDecimal', () => {
  it.each([0, 1, 9, 10, 99, 2 ** 31, 2 ** 32, 2 ** 40, Number.MAX_SAFE_INTEGER - 1, Number.MAX_SAFE_INTEGER])('reads %s', (n) => {
    expect(parseDecimal(String(n))).toBe(n);
  });

  it.each([
    '', ' ', ' 5 ', '5 ', ' 5', '\t5', '5\n', '\n5', '0x10', '0b1', '0o7', '01', '00', '007', '-1', '-0', '+1', '1.0', '1.', '.5', '1e3', '1E3', '12abc',
    'abc', 'NaN', 'Infinity', '1_000', '1,000', '1n', '٣', '１', '\u00001', '1\u0000', '9007199254740992', '9007199254740993', '99999999999999999',
    '18446744073709551615', '1'.repeat(400),
  ])('refuses %j', async (text) => {
    await expectCode('ERR_TLOG_DECIMAL_MALFORMED', () => parseDecimal(text));
  });

  it('throws the code of its field, names the field, and quotes no more than a line of it', () => {
    const field = { what: 'number of cows', code: 'ERR_TLOG_BUNDLE_MALFORMED' } as const;
    for (const text of ['x'.repeat(1e6), '9'.repeat(16)]) {
      try {
        parseDecimal(text, field);
        expect.fail();
      } catch (error) {
        expect(error).toMatchObject({ code: 'ERR_TLOG_BUNDLE_MALFORMED' });
        expect((error as Error).message).toMatch(/^number of cows/);
        expect((error as Error).message.length).toBeLessThan(200);
      }
    }
  });
});

describe('parseBase64', () => {
  it('reads back what formatBase64 writes, and that is what Buffer writes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const text = formatBase64(bytes);
        expect(text).toBe(Buffer.from(bytes).toString('base64'));
        expect(parseBase64(text)).toEqual(bytes);
        expect(parseBase64(text, bytes.length)).toEqual(bytes);
        expect(isRefusedSync(() => parseBase64(text, bytes.length + 1))).toBe(true);
      }),
      { numRuns: RUNS },
    );
  });

  it.each([
    '!!!!', 'AB==', 'AAB=', 'AA', 'AAA', 'A', 'A===', '====', '=', 'AA=A', 'AA==AA==', 'AAAA=', 'AAAA==', 'AAAA====', ' AAAA', 'AAAA ', 'AA AA', 'AAAA\n',
    '\nAAAA', 'AA\r\nAA', '-_-_', 'AAA_', 'AAA-', 'AAAé', 'AAA\u0000', 'AAAＡ', '/w=', '/x==', '__==', 'AAAA\u00a0', 'AAAA\ufeff',
  ])('refuses %j', async (text) => {
    await expectCode('ERR_TLOG_BASE64_MALFORMED', () => parseBase64(text));
  });

  it('accepts one spelling only: of all texts of four characters over a small alphabet, as many as there are byte strings', () => {
    const alphabet = ['A', 'B', 'Q', '/', '+', '=', '-', ' '];
    let accepted = 0;
    for (const a of alphabet) {
      for (const b of alphabet) {
        for (const c of alphabet) {
          for (const d of alphabet) {
            const text = a + b + c + d;
            const isAccepted = !isRefusedSync(() => parseBase64(text));
            expect(isAccepted, text).toBe(Buffer.from(text, 'base64').toString('base64') === text);
            accepted += isAccepted ? 1 : 0;
          }
        }
      }
    }
    // 5^4 of three bytes; 5^2 · {A} … of two: third character a multiple of 4 (A, Q); of one: second a multiple of 16 (A, Q).
    expect(accepted).toBe(625 + 5 * 5 * 2 + 5 * 2);
  });

  it('reads the empty text as no bytes, and says so where bytes are due', async () => {
    expect(parseBase64('')).toEqual(new Uint8Array(0));
    await expectCode('ERR_TLOG_NOTE_MALFORMED', () => parseBase64('', 32, { what: 'root', code: 'ERR_TLOG_NOTE_MALFORMED' }));
    await expectCode('ERR_TLOG_NOTE_MALFORMED', () => parseBase64('AB==', 1, { what: 'root', code: 'ERR_TLOG_NOTE_MALFORMED' }));
  });
});

describe('UTF-8', () => {
  it('reads back what it writes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(decodeUtf8Strict(encodeUtf8(text))).toBe(text);
        expect(encodeUtf8(text)).toEqual(new Uint8Array(Buffer.from(text, 'utf8')));
      }),
      { numRuns: RUNS },
    );
  });

  it('keeps a byte order mark', () => {
    expect(decodeUtf8Strict(Uint8Array.of(0xef, 0xbb, 0xbf, 0x41))).toBe('\ufeffA');
  });

  it.each([[[0x80]], [[0xff]], [[0xc0, 0x80]], [[0xe2, 0x82]], [[0xed, 0xa0, 0x80]], [[0xf4, 0x90, 0x80, 0x80]], [[0x41, 0xc3]]])(
    'refuses bytes %j',
    async (bytes) => {
      await expectCode('ERR_TLOG_UTF8_MALFORMED', () => decodeUtf8Strict(Uint8Array.from(bytes)));
    },
  );

  it.each(['\ud800', 'a\udc00b', '\udc00\ud800', '\ud83d'])('refuses lone surrogates: %j', async (text) => {
    await expectCode('ERR_TLOG_UTF8_MALFORMED', () => encodeUtf8(text));
    await expectCode('ERR_TLOG_NOTE_MALFORMED', () => encodeUtf8(text, { what: 'note', code: 'ERR_TLOG_NOTE_MALFORMED' }));
  });
});
