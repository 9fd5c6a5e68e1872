import { describe, expect, test } from 'vitest';
import { parseVerifierKey } from '@indelible/tlog';
import { CONTROL_PREFIX, MAX_SEAL_BYTES, encodeSealLine, formatSealNote, formatSealText, isSealNote, parseSealLine, parseSealNote } from '../dist/record/seal-line.js';
import { openSegmentHeader, signSegmentHeader, type SegmentHeader } from '../dist/record/segment-header.js';
import { formatSegmentName, parseSegmentName } from '../dist/record/segment-name.js';
import { decodeLogFile, encodeLogFile } from '../dist/record/log-file.js';
import { createRecord } from '../dist/record/create-record.js';
import { MemoryDisk } from '../dist/disk/memory-disk.js';
import { testSigner } from './support/events.ts';
import { expectError } from './support/expect-error.ts';

const signer = testSigner();
const key = parseVerifierKey(signer.vkey);
const root = new Uint8Array(32).fill(7);
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (line: Uint8Array): string => new TextDecoder().decode(line);
const withoutLf = (line: Uint8Array): Uint8Array => line.subarray(0, -1);

async function sealLine(treeSize = 5): Promise<Uint8Array> {
  const signed = formatSealText(key.name, treeSize, root);
  return encodeSealLine({ offset: 400, length: 100, first: treeSize - 2, note: formatSealNote(signed, key, await signer.sign(bytes(signed))) });
}

describe('seal line', () => {
  test('what is encoded is parsed', async () => {
    const line = await sealLine();
    expect(line.at(-1)).toBe(0x0a);
    expect(text(line).startsWith(CONTROL_PREFIX)).toBe(true);
    const seal = parseSealLine(withoutLf(line), key);
    expect(seal).toMatchObject({ offset: 400, length: 100, first: 3, treeSize: 5, rootHash: root });
    expect(await isSealNote(seal!.note, key)).toBe(true);
    expect(await isSealNote(seal!.note, parseVerifierKey(testSigner().vkey))).toBe(false);
    expect(parseSealNote(seal!.note, key.name)).toEqual({ treeSize: 5, rootHash: root });
    expect(parseSealNote(seal!.note, 'other.example/log')).toBeUndefined();
    expect(parseSealNote('no note', key.name)).toBeUndefined();
  });

  test('every changed byte makes another line, no line, or a line without a signature', async () => {
    const line = withoutLf(await sealLine());
    const before = parseSealLine(line, key)!;
    for (let at = 0; at < line.length; at++) {
      for (const change of [1, 0x20, 0x80]) {
        const changed = line.slice();
        changed[at] = changed[at]! ^ change;
        const seal = parseSealLine(changed, key);
        if (seal === undefined) continue;
        const same = seal.note === before.note;
        // offset, length and first are not signed: what they claim is checked against the bytes.
        expect(same ? seal : await isSealNote(seal.note, key), `byte ${at} changed by ${change}`).toEqual(same ? { ...before, offset: seal.offset, length: seal.length, first: seal.first } : false);
      }
    }
  });

  const note = formatSealText(key.name, 5, root);
  test.each([
    ['white space', async () => text(withoutLf(await sealLine())).replace('"offset":400', '"offset": 400')],
    ['another order', async () => text(withoutLf(await sealLine())).replace('"offset":400,"length":100', '"length":100,"offset":400')],
    ['a leading zero', async () => text(withoutLf(await sealLine())).replace('"offset":400', '"offset":0400')],
    ['an exponent', async () => text(withoutLf(await sealLine())).replace('"offset":400', '"offset":4e2')],
    ['a negative offset', async () => text(withoutLf(await sealLine())).replace('"offset":400', '"offset":-400')],
    ['a fraction', async () => text(withoutLf(await sealLine())).replace('"offset":400', '"offset":400.5')],
    ['an unsafe number', async () => text(withoutLf(await sealLine())).replace('"offset":400', '"offset":9007199254740992')],
    ['an unknown field', async () => text(withoutLf(await sealLine())).replace('"first"', '"more":1,"first"')],
    ['a doubled field', async () => text(withoutLf(await sealLine())).replace('"first":3', '"first":3,"first":3')],
    ['two signatures', async () => {
      const signed = formatSealNote(note, key, await signer.sign(bytes(note)));
      return text(withoutLf(encodeSealLine({ offset: 1, length: 1, first: 3, note: signed + signed.slice(signed.indexOf('\u2014')) })));
    }],
    ['no signature', () => text(withoutLf(encodeSealLine({ offset: 1, length: 1, first: 3, note: `${note}\n` })))],
    ['an extension line', async () => {
      const signed = `${note}extension\n`;
      return text(withoutLf(encodeSealLine({ offset: 1, length: 1, first: 3, note: formatSealNote(signed, key, await signer.sign(bytes(signed))) })));
    }],
    ['another origin', async () => {
      const signed = formatSealText('other.example/log', 5, root);
      return text(withoutLf(encodeSealLine({ offset: 1, length: 1, first: 3, note: formatSealNote(signed, key, await signer.sign(bytes(signed))) })));
    }],
    ['a line that is too long', () => text(withoutLf(encodeSealLine({ offset: 1, length: 1, first: 3, note: 'x'.repeat(MAX_SEAL_BYTES) })))],
    ['null', () => 'null'],
    ['an array', () => '[]'],
    ['nothing', () => ''],
  ])('%s is no seal', async (_name, make) => {
    expect(parseSealLine(bytes(await make()), key)).toBeUndefined();
  });

  test('bytes that are not UTF-8 are no seal', async () => {
    const line = withoutLf(await sealLine());
    line[line.length - 10] = 0xff;
    expect(parseSealLine(line, key)).toBeUndefined();
  });
});

describe('segment header', () => {
  const header: SegmentHeader = {
    origin: key.name,
    segment: 3,
    log: Buffer.from(root).toString('base64'),
    key: signer.vkey,
    time: '2025-01-01T00:00:00.000Z',
    size: 5,
    edge: [Buffer.from(root).toString('base64'), Buffer.from(root).toString('base64')],
    prev: { segment: 2, length: 1000, dead: 7, digest: Buffer.from(root).toString('base64'), reason: 'torn' },
    seal: 'a note\n',
  };
  const sign = (message: Uint8Array): Promise<Uint8Array> => signer.sign(message);

  test('what is signed is opened', async () => {
    for (const one of [header, { ...header, segment: 0, size: 0, edge: [], prev: undefined, seal: undefined }]) {
      const { prev, seal, ...rest } = one;
      const signed = await signSegmentHeader({ ...rest, ...(prev === undefined ? {} : { prev }), ...(seal === undefined ? {} : { seal }) }, sign);
      expect(signed.at(-1)).toBe(0x0a);
      expect(await openSegmentHeader(withoutLf(signed))).toMatchObject(rest);
    }
  });

  test('every changed byte and every truncation is no header', async () => {
    const line = withoutLf(await signSegmentHeader(header, sign));
    for (let at = 0; at < line.length; at++) {
      const changed = line.slice();
      changed[at] = changed[at]! ^ 1;
      expect(await openSegmentHeader(changed), `byte ${at}`).toBeUndefined();
    }
    for (let length = 0; length < line.length; length += 7) expect(await openSegmentHeader(line.subarray(0, length))).toBeUndefined();
    expect(await openSegmentHeader(bytes(`${text(line)} `))).toBeUndefined();
  });

  test('a header signed by another key than it names is no header', async () => {
    const other = testSigner();
    expect(await openSegmentHeader(withoutLf(await signSegmentHeader(header, (message) => other.sign(message))))).toBeUndefined();
  });

  test('a header whose key is for another origin is no header', async () => {
    expect(await openSegmentHeader(withoutLf(await signSegmentHeader({ ...header, origin: 'other.example/log' }, sign)))).toBeUndefined();
  });

  test('a signed seal text cannot pass for a header, nor the other way round', async () => {
    const line = text(await signSegmentHeader(header, sign));
    const forged = line.replace(/"sig":"[^"]*"/, `"sig":"${Buffer.from(await signer.sign(bytes(line))).toString('base64')}"`);
    expect(await openSegmentHeader(bytes(forged.trimEnd()))).toBeUndefined();
  });
});

describe('segment name', () => {
  test.each([
    [0, '000000.ndjson'],
    [42, '000042.ndjson'],
    [999_999, '999999.ndjson'],
    [1_000_000, '1000000.ndjson'],
    [999_999_999_999_999, '999999999999999.ndjson'],
  ])('%d is %s', (number, name) => {
    expect(formatSegmentName(number)).toBe(name);
    expect(parseSegmentName(name)).toBe(number);
  });

  test.each(['0.ndjson', '00000.ndjson', '0000000.ndjson', '0000001.ndjson', '000000.NDJSON', '000000.ndjson.gz', ' 000000.ndjson', '00000a.ndjson', '-00001.ndjson', '9999999999999999.ndjson', '', 'log.json'])('%j names no segment', (name) => {
    expect(parseSegmentName(name)).toBeUndefined();
  });
});

describe('log.json', () => {
  const file = { origin: key.name, key: signer.vkey, created: '2025-01-01T00:00:00.000Z' };
  const after = { origin: 'old.example/log', seal: '', reason: 'disk "full"\n', findings: ['a', 'b'] };

  test('what is encoded is decoded', () => {
    for (const one of [file, { ...file, after }]) expect(decodeLogFile(encodeLogFile(one))).toMatchObject(one);
  });

  test.each([
    ['nothing', () => ''],
    ['no JSON', () => '{'],
    ['null', () => 'null\n'],
    ['a list', () => '[]\n'],
    ['no LF', () => text(encodeLogFile(file)).trimEnd()],
    ['CRLF', () => text(encodeLogFile(file)).replace('\n', '\r\n')],
    ['two lines', () => `${text(encodeLogFile(file))}\n`],
    ['a byte order mark', () => `\ufeff${text(encodeLogFile(file))}`],
    ['a later version', () => text(encodeLogFile(file)).replace('"v":1', '"v":2')],
    ['white space', () => text(encodeLogFile(file)).replace('"v":1', '"v": 1')],
    ['an unknown field', () => text(encodeLogFile(file)).replace('"v":1', '"v":1,"more":true')],
    ['a doubled field', () => text(encodeLogFile(file)).replace('"v":1', '"v":1,"v":1')],
    ['__proto__', () => text(encodeLogFile(file)).replace('"v":1', '"v":1,"__proto__":{"key":"x"}')],
    ['a key for another origin', () => text(encodeLogFile({ ...file, key: testSigner('other.example/log').vkey }))],
    ['another kind of file', () => text(encodeLogFile(file)).replace('"log"', '"segment"')],
  ])('%s is refused', async (_name, make) => {
    const error = await expectError('ERR_LOG_FILE_INVALID', () => decodeLogFile(bytes(make())));
    expect(error.message).toContain('log.json');
  });
});

describe('createRecord', () => {
  test('makes log.json and the first segment, durable', async () => {
    const disk = new MemoryDisk();
    await createRecord(disk, signer, { nowMs: 0 });
    disk.crash();
    expect([...(await disk.list())].sort()).toEqual(['000000.ndjson', 'log.json']);
    expect(decodeLogFile(disk.get('log.json')!)).toMatchObject({ origin: key.name, key: signer.vkey });
    expect(await openSegmentHeader(withoutLf(disk.get('000000.ndjson')!))).toMatchObject({ segment: 0, size: 0, edge: [] });
  });

  test.each(['log.json', '000000.ndjson'])('leaves a directory alone that has a %s', async (name) => {
    const disk = new MemoryDisk();
    disk.put(name, bytes('something'));
    await expectError('ERR_LOG_ALREADY_EXISTS', () => createRecord(disk, signer, { nowMs: 0 }));
    expect(await disk.list()).toEqual([name]);
    expect(text(disk.get(name)!)).toBe('something');
  });

  test('a signer whose key does not belong to its vkey is found out before anything counts', async () => {
    const disk = new MemoryDisk();
    const wrong = { vkey: signer.vkey, sign: (message: Uint8Array) => testSigner().sign(message) };
    await expectError('ERR_LOG_SIGNER_FAILED', () => createRecord(disk, wrong, { nowMs: 0 }));
    expect(disk.get('000000.ndjson')).toBeUndefined();
  });
});
