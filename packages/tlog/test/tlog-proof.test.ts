import { describe, expect, it } from 'vitest';
import {
  checkTlogProof,
  createNoteSigner,
  formatNote,
  formatTlogProof,
  formatVerifierKey,
  leafHash,
  parseNote,
  parseTlogProof,
  parseVerifierKey,
  sha256,
  signCosignature,
  signNote,
  KEY_TYPE_COSIGNATURE,
  type TlogProofPolicy,
} from '@indelible/tlog';
import { bytesPlusOne, expectCode, isRefused, isRefusedSync, substrings } from './support/expect-code.ts';
import { flipped, fromHex, readVectors } from './support/testdata.ts';

type Signed = {
  log: { name: string; seed: string; vkey: string };
  witness: { name: string; seed: string; vkey: string; timestampSeconds: number };
  text: string;
  checkpoint: string;
  tlogProof: { index: number; entry: string; text: string; textWithExtra: string };
};

const vector = readVectors<Signed>('signed.json');
const { text, textWithExtra } = vector.tlogProof;
const proof = parseTlogProof(text);
const logKey = parseVerifierKey(vector.log.vkey);
const witnessKey = parseVerifierKey(vector.witness.vkey);
const policy: TlogProofPolicy = {
  leafHash: leafHash(fromHex(vector.tlogProof.entry)),
  origin: vector.log.name,
  logKeys: [logKey],
  witnesses: [witnessKey],
  quorum: 1,
};

describe('parseTlogProof', () => {
  it('reads the vector and writes it back', () => {
    expect(proof).toMatchObject({ index: 5, checkpoint: vector.checkpoint });
    expect(proof.inclusionProof).toHaveLength(3);
    expect('extra' in proof).toBe(false);
    expect(formatTlogProof(proof)).toBe(text);
    expect(parseTlogProof(new TextEncoder().encode(text))).toEqual(proof);
    const withExtra = parseTlogProof(textWithExtra);
    expect(withExtra).toEqual({ ...proof, extra: new TextEncoder().encode('opaque') });
    expect(formatTlogProof(withExtra)).toBe(textWithExtra);
    expect(formatTlogProof({ ...proof, extra: new Uint8Array(0) })).toBe(text);
  });

  const lines = text.split('\n');
  it.each([
    ['nothing', ''],
    ['another version', text.replace('@v1', '@v2')],
    ['no first line', lines.slice(1).join('\n')],
    ['a space after the first line', text.replace('@v1', '@v1 ')],
    ['no index', text.replace('index 5\n', '')],
    ['an empty index', text.replace('index 5', 'index ')],
    ['an index with a leading zero', text.replace('index 5', 'index 05')],
    ['an index with a sign', text.replace('index 5', 'index -5')],
    ['an index in upper case', text.replace('index 5', 'Index 5')],
    ['two indexes', text.replace('index 5', 'index 5\nindex 5')],
    ['two spaces', text.replace('index 5', 'index  5')],
    ['an extra line after the index', text.replace('index 5', 'index 5\nextra AAAA')],
    ['two extra lines', text.replace('index 5', 'extra AAAA\nextra AAAA\nindex 5')],
    ['an extra line without data', text.replace('index 5', 'extra \nindex 5')],
    ['an extra line without base64', text.replace('index 5', 'extra !!!!\nindex 5')],
    ['a hash without padding', text.replace('=\n', '\n')],
    ['a hash of 31 bytes', text.replace(lines[2]!, Buffer.alloc(31).toString('base64'))],
    ['64 hashes', text.replace('index 5\n', `index 5\n${`${lines[2]}\n`.repeat(61)}`)],
    ['CRLF', text.replaceAll('\n', '\r\n')],
    ['no empty line', text.replace('\n\n', '\n')],
    ['no checkpoint', `${lines.slice(0, 5).join('\n')}\n\n`],
    ['a cut checkpoint', text.slice(0, -1)],
    ['a byte order mark', `\ufeff${text}`],
  ])('refuses %s', (_, bad) => {
    expect(bad).not.toBe(text);
    expect(isRefusedSync(() => parseTlogProof(bad))).toBe(true);
  });

  it('says what it missed', async () => {
    await expectCode('ERR_TLOG_PROOF_MALFORMED', () => parseTlogProof(text.replaceAll('\n\n', '\n')));
    await expectCode('ERR_TLOG_PROOF_MALFORMED', () => parseTlogProof(text.replace('index 5', 'index 05')));
    await expectCode('ERR_TLOG_PROOF_MALFORMED', () => parseTlogProof(Uint8Array.of(0xff)));
    await expectCode('ERR_TLOG_NOTE_MALFORMED', () => parseTlogProof(text.slice(0, -1)));
  });

  it('does not write what it would refuse', async () => {
    await expectCode('ERR_TLOG_PROOF_MALFORMED', () => formatTlogProof({ ...proof, index: -1 }));
    await expectCode('ERR_TLOG_PROOF_MALFORMED', () => formatTlogProof({ ...proof, index: 0.5 }));
    await expectCode('ERR_TLOG_PROOF_MALFORMED', () => formatTlogProof({ ...proof, inclusionProof: [new Uint8Array(31)] }));
    await expectCode('ERR_TLOG_PROOF_MALFORMED', () => formatTlogProof({ ...proof, inclusionProof: Array.from({ length: 64 }, () => policy.leafHash) }));
    await expectCode('ERR_TLOG_NOTE_MALFORMED', () => formatTlogProof({ ...proof, checkpoint: 'x\n' }));
    expect(parseTlogProof(formatTlogProof({ ...proof, inclusionProof: [] })).inclusionProof).toEqual([]);
    const most = Array.from({ length: 63 }, () => policy.leafHash);
    expect(parseTlogProof(formatTlogProof({ ...proof, inclusionProof: most })).inclusionProof).toHaveLength(63);
  });
});

describe('checkTlogProof', () => {
  it('tells what is proven', async () => {
    const checked = await checkTlogProof(proof, policy);
    expect(checked.checkpoint).toMatchObject({ origin: vector.log.name, treeSize: 8 });
    expect(checked.cosignatures).toEqual([{ key: witnessKey, timestampSeconds: vector.witness.timestampSeconds }]);
    const alone = await checkTlogProof(proof, { leafHash: policy.leafHash, origin: policy.origin, logKeys: [logKey] });
    expect(alone.cosignatures).toEqual([]);
  });

  it('refuses every substring and every byte raised by one', async () => {
    for (const part of substrings(text)) {
      if (!isRefusedSync(() => parseTlogProof(part)) && !(await isRefused(() => checkTlogProof(parseTlogProof(part), policy)))) {
        expect.fail(JSON.stringify(part));
      }
    }
    for (const bytes of bytesPlusOne(text)) {
      if (!(await isRefused(() => checkTlogProof(parseTlogProof(bytes), policy)))) expect.fail(Buffer.from(bytes).toString('latin1'));
    }
  });

  it('refuses another leaf, index, origin or log', async () => {
    await expectCode('ERR_TLOG_PROOF_MISMATCH', () => checkTlogProof(proof, { ...policy, leafHash: flipped(policy.leafHash) }));
    await expectCode('ERR_TLOG_PROOF_MISMATCH', () => checkTlogProof({ ...proof, index: 4 }, policy));
    await expectCode('ERR_TLOG_TREE_SIZE', () => checkTlogProof({ ...proof, index: 8 }, policy));
    await expectCode('ERR_TLOG_ORIGIN_MISMATCH', () => checkTlogProof(proof, { ...policy, origin: 'log.example' }));
    const stranger = await createNoteSigner('log.example/audit', sha256(Uint8Array.of(1)));
    await expectCode('ERR_TLOG_NOTE_UNVERIFIED', () => checkTlogProof(proof, { ...policy, logKeys: [stranger.key] }));
    await expectCode('ERR_TLOG_NOTE_UNVERIFIED', () => checkTlogProof(proof, { ...policy, logKeys: [] }));
  });

  it('needs the quorum, of different keys', async () => {
    await expectCode('ERR_TLOG_QUORUM_UNMET', () => checkTlogProof(proof, { ...policy, quorum: 2 }));
    await expectCode('ERR_TLOG_QUORUM_UNMET', () => checkTlogProof(proof, { ...policy, witnesses: [] }));
    await expectCode('ERR_TLOG_QUORUM_UNMET', () => checkTlogProof(proof, { ...policy, quorum: Number.NaN }));
    await expectCode('ERR_TLOG_QUORUM_UNMET', () => checkTlogProof(proof, { ...policy, witnesses: [witnessKey, witnessKey], quorum: 2 }));

    // One key under two names has two lines, and still counts once.
    const alias = parseVerifierKey(formatVerifierKey('witness.example/alias', KEY_TYPE_COSIGNATURE, witnessKey.publicKey));
    const witness = await createNoteSigner(witnessKey.name, fromHex(vector.witness.seed), KEY_TYPE_COSIGNATURE);
    const second = await createNoteSigner('witness.example/w2', sha256(Uint8Array.of(2)), KEY_TYPE_COSIGNATURE);
    const { signatures } = parseNote(vector.checkpoint);
    const aliasLine = await signCosignature(vector.text, { key: alias, sign: (message) => witness.sign(message) }, 5);
    const aliased = { ...proof, checkpoint: formatNote({ text: vector.text, signatures: [...signatures, aliasLine] }) };
    const both = { ...policy, witnesses: [witnessKey, alias], quorum: 2 };
    await expectCode('ERR_TLOG_QUORUM_UNMET', () => checkTlogProof(aliased, both));
    const secondLine = await signCosignature(vector.text, second, 5);
    const seen = { ...proof, checkpoint: formatNote({ text: vector.text, signatures: [...signatures, secondLine] }) };
    expect((await checkTlogProof(seen, { ...policy, witnesses: [witnessKey, second.key], quorum: 2 })).cosignatures).toHaveLength(2);
  });

  it('refuses a false cosignature of a known witness even where no quorum is asked', async () => {
    const { signatures } = parseNote(vector.checkpoint);
    const bad = { ...signatures[1]!, signature: flipped(signatures[1]!.signature, 20) };
    const forged = { ...proof, checkpoint: formatNote({ text: vector.text, signatures: [signatures[0]!, bad] }) };
    await expectCode('ERR_TLOG_SIGNATURE_INVALID', () => checkTlogProof(forged, { ...policy, quorum: 0 }));
    expect((await checkTlogProof(forged, { ...policy, witnesses: [], quorum: 0 })).cosignatures).toEqual([]);
  });

  it('refuses a signed note that is no checkpoint', async () => {
    const log = await createNoteSigner(vector.log.name, fromHex(vector.log.seed));
    const other = { ...proof, checkpoint: await signNote('hello\n', [log]) };
    await expectCode('ERR_TLOG_CHECKPOINT_MALFORMED', () => checkTlogProof(other, policy));
  });
});
