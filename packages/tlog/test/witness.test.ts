import { describe, expect, it } from 'vitest';
import {
  formatAddCheckpoint,
  formatSignatureLines,
  formatTreeSizeBody,
  leafHash,
  parseAddCheckpoint,
  parseSignatureLines,
  parseTreeSizeBody,
} from '@indelible/tlog';
import { expectCode, isRefusedSync } from './support/expect-code.ts';
import { readVectors } from './support/testdata.ts';

const vector = readVectors<{ witnessLine: string; addCheckpoint: { oldSize: number; body: string } }>('signed.json');
const { body } = vector.addCheckpoint;
const request = parseAddCheckpoint(body);
const hash = leafHash(new Uint8Array(1));

describe('add-checkpoint', () => {
  it('is read and written as in the vector', () => {
    expect(request.oldSize).toBe(3);
    expect(request.consistencyProof).toHaveLength(4);
    expect(formatAddCheckpoint(request)).toBe(body);
    expect(parseAddCheckpoint(new TextEncoder().encode(body))).toEqual(request);
    const empty = { ...request, oldSize: 0, consistencyProof: [] };
    expect(parseAddCheckpoint(formatAddCheckpoint(empty))).toEqual(empty);
    expect(formatAddCheckpoint(empty).startsWith('old 0\n\nlog.example/audit\n8\n')).toBe(true);
  });

  it.each([
    ['nothing', ''],
    ['no old line', body.replace('old 3\n', '')],
    ['another word', body.replace('old', 'new')],
    ['no size', body.replace('old 3', 'old ')],
    ['a leading zero', body.replace('old 3', 'old 03')],
    ['a sign', body.replace('old 3', 'old +3')],
    ['two spaces', body.replace('old 3', 'old  3')],
    ['a space after the size', body.replace('old 3', 'old 3 ')],
    ['two old lines', body.replace('old 3', 'old 3\nold 3')],
    ['a hash without padding', body.replace('=\n', '\n')],
    ['64 hashes', body.replace('old 3\n', `old 3\n${`${body.split('\n')[1]}\n`.repeat(60)}`)],
    ['CRLF', body.replaceAll('\n', '\r\n')],
    ['no empty line', body.replace('\n\n', '\n')],
    ['a second empty line before the checkpoint', body.replace(/^/, '\n')],
    ['no checkpoint', body.slice(0, body.indexOf('\n\n') + 2)],
    ['no final newline', body.slice(0, -1)],
  ])('refuses %s', (_, bad) => {
    expect(bad).not.toBe(body);
    expect(isRefusedSync(() => parseAddCheckpoint(bad))).toBe(true);
  });

  it('is not written where it would be refused', async () => {
    await expectCode('ERR_TLOG_WITNESS_MALFORMED', () => formatAddCheckpoint({ ...request, oldSize: -1 }));
    await expectCode('ERR_TLOG_WITNESS_MALFORMED', () => formatAddCheckpoint({ ...request, consistencyProof: [new Uint8Array(31)] }));
    await expectCode('ERR_TLOG_WITNESS_MALFORMED', () => formatAddCheckpoint({ ...request, consistencyProof: Array.from({ length: 64 }, () => hash) }));
    await expectCode('ERR_TLOG_NOTE_MALFORMED', () => formatAddCheckpoint({ ...request, checkpoint: 'x' }));
    await expectCode('ERR_TLOG_WITNESS_MALFORMED', () => parseAddCheckpoint(Uint8Array.of(0xff)));
  });
});

describe('answers of a witness', () => {
  it('are signature lines', () => {
    const lines = parseSignatureLines(vector.witnessLine);
    expect(lines).toHaveLength(1);
    expect(formatSignatureLines(lines)).toBe(vector.witnessLine);
    const unended = vector.witnessLine.slice(0, -1);
    for (const bad of ['', '\n', unended, `${unended}x`, `${vector.witnessLine}\n`, `\n${vector.witnessLine}`, vector.witnessLine.repeat(2)]) {
      expect(isRefusedSync(() => parseSignatureLines(bad)), JSON.stringify(bad)).toBe(true);
    }
  });

  it('or the size that it has seen', async () => {
    for (const size of [0, 1, Number.MAX_SAFE_INTEGER]) expect(parseTreeSizeBody(formatTreeSizeBody(size))).toBe(size);
    expect(formatTreeSizeBody(42)).toBe('42\n');
    for (const bad of ['', '\n', '42', '42\n\n', '42\r\n', '042\n', ' 42\n', '-1\n', '9007199254740992\n']) {
      await expectCode('ERR_TLOG_WITNESS_MALFORMED', () => parseTreeSizeBody(bad));
    }
    await expectCode('ERR_TLOG_WITNESS_MALFORMED', () => formatTreeSizeBody(-1));
    await expectCode('ERR_TLOG_WITNESS_MALFORMED', () => formatTreeSizeBody(2 ** 53));
  });
});
