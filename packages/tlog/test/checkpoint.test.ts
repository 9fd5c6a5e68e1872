import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createNoteSigner, formatCheckpoint, openNote, parseCheckpoint, sha256, signNote, type Checkpoint } from '@indelible/tlog';
import { bytesPlusOne, expectCode, isRefused, isRefusedSync, substrings } from './support/expect-code.ts';
import { RUNS } from './support/testdata.ts';

const checkpoint: Checkpoint = { origin: 'example.com/behind-the-sofa', treeSize: 20_852_163, rootHash: sha256(new Uint8Array(1)), extensions: [] };
const text = formatCheckpoint(checkpoint);
const [origin, size, root] = text.split('\n') as [string, string, string];

describe('parseCheckpoint', () => {
  it('reads what formatCheckpoint writes', () => {
    expect(text).toBe(`${checkpoint.origin}\n20852163\n${Buffer.from(checkpoint.rootHash).toString('base64')}\n`);
    expect(parseCheckpoint(text)).toEqual(checkpoint);
    for (const treeSize of [0, 1, 2 ** 31, 2 ** 32, Number.MAX_SAFE_INTEGER]) {
      expect(parseCheckpoint(formatCheckpoint({ ...checkpoint, treeSize })).treeSize).toBe(treeSize);
    }
    const extensions = ['one', 'two 2', '\u2014 a b', '3'];
    expect(parseCheckpoint(formatCheckpoint({ ...checkpoint, extensions }))).toEqual({ ...checkpoint, extensions });
    expect(parseCheckpoint(formatCheckpoint({ ...checkpoint, origin: 'has space + plus' })).origin).toBe('has space + plus');
  });

  it.each([
    ['nothing', ''],
    ['one line', 'a\n'],
    ['two lines', `${origin}\n${size}\n`],
    ['no final newline', text.slice(0, -1)],
    ['an empty origin', `\n${size}\n${root}\n`],
    ['an empty extension line', `${text}\n`],
    ['an empty extension line before another', `${text}\nx\n`],
    ['a leading zero', `${origin}\n0${size}\n${root}\n`],
    ['two zeros', `${origin}\n00\n${root}\n`],
    ['a sign', `${origin}\n+${size}\n${root}\n`],
    ['minus zero', `${origin}\n-0\n${root}\n`],
    ['a space before the size', `${origin}\n ${size}\n${root}\n`],
    ['a space after the size', `${origin}\n${size} \n${root}\n`],
    ['a hexadecimal size', `${origin}\n0x10\n${root}\n`],
    ['an exponent', `${origin}\n1e3\n${root}\n`],
    ['an empty size', `${origin}\n\n${root}\n`],
    ['a size of 2^53', `${origin}\n9007199254740992\n${root}\n`],
    ['a size of 2^64', `${origin}\n18446744073709551616\n${root}\n`],
    ['a root without padding', `${origin}\n${size}\n${root.slice(0, -1)}\n`],
    ['a root of 31 bytes', `${origin}\n${size}\n${Buffer.alloc(31).toString('base64')}\n`],
    ['a root of 33 bytes', `${origin}\n${size}\n${Buffer.alloc(33).toString('base64')}\n`],
    ['a root in hexadecimal', `${origin}\n${size}\n${'0'.repeat(64)}\n`],
    ['stray bits in the root', `${origin}\n${size}\n${Buffer.alloc(32).toString('base64').replace('A=', 'B=')}\n`],
    ['URL-safe base64', `${origin}\n${size}\n${Buffer.alloc(32, 0xff).toString('base64').replaceAll('/', '_')}\n`],
    ['CRLF', text.replaceAll('\n', '\r\n')],
    ['a tab in the origin', text.replace('the', 't\te')],
    ['a lone surrogate in the origin', text.replace('the', '\udc00')],
    ['a whole note', `${text}\n\u2014 a AAAAAAA=\n`],
  ])('refuses %s', async (_, bad) => {
    expect(bad).not.toBe(text);
    await expectCode('ERR_TLOG_CHECKPOINT_MALFORMED', () => parseCheckpoint(bad));
  });

  it('is, on any text, either refused or the text that formatCheckpoint writes', () => {
    const line = fc.constantFrom('', 'a', '0', '00', '1', '7 ', root, `${root} `, 'é', '\r', '\t', root.slice(1));
    fc.assert(
      fc.property(fc.array(line, { maxLength: 6 }), fc.constantFrom('', '\n'), (lines, end) => {
        const candidate = lines.join('\n') + end;
        if (!isRefusedSync(() => parseCheckpoint(candidate))) expect(formatCheckpoint(parseCheckpoint(candidate))).toBe(candidate);
      }),
      { numRuns: 10 * RUNS },
    );
  });
});

describe('a signed checkpoint', async () => {
  const signer = await createNoteSigner(origin, sha256(Uint8Array.of(7)));
  const note = await signNote(text, [signer]);
  const open = async (candidate: string | Uint8Array): Promise<Checkpoint> => parseCheckpoint((await openNote(candidate, [signer.key])).text);

  it('opens', async () => {
    expect(await open(note)).toEqual(checkpoint);
  });

  it('is refused in every substring and with any byte raised by one', async () => {
    for (const part of substrings(note)) {
      if (!(await isRefused(() => open(part)))) expect.fail(JSON.stringify(part));
    }
    for (const bytes of bytesPlusOne(note)) {
      if (!(await isRefused(() => open(bytes)))) expect.fail(Buffer.from(bytes).toString('latin1'));
    }
  });
});

describe('formatCheckpoint refuses what would not read back', () => {
  it.each([
    ['an empty origin', { origin: '' }],
    ['a newline in the origin', { origin: 'a\nb' }],
    ['a CR in the origin', { origin: 'a\rb' }],
    ['a lone surrogate in the origin', { origin: '\ud800' }],
    ['a negative size', { treeSize: -1 }],
    ['half an entry', { treeSize: 0.5 }],
    ['a size of 2^53', { treeSize: 2 ** 53 }],
    ['no number', { treeSize: Number.NaN }],
    ['a root of 31 bytes', { rootHash: new Uint8Array(31) }],
    ['an empty extension', { extensions: ['a', ''] }],
    ['a newline in an extension', { extensions: ['a\nb'] }],
  ])('%s', async (_, change) => {
    await expectCode('ERR_TLOG_CHECKPOINT_MALFORMED', () => formatCheckpoint({ ...checkpoint, ...change }));
  });
});
