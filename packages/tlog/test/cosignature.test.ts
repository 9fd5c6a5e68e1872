import { describe, expect, it } from 'vitest';
import {
  createNoteSigner,
  formatCosignatureMessage,
  formatNote,
  formatSignatureLines,
  openCosignature,
  openNote,
  parseNote,
  parseVerifierKey,
  sha256,
  signCosignature,
  KEY_TYPE_COSIGNATURE,
  type Note,
} from '@indelible/tlog';
import { bytesPlusOne, expectCode, isRefused } from './support/expect-code.ts';
import { flipped, fromHex, readVectors } from './support/testdata.ts';

type Signed = {
  log: { name: string; seed: string; vkey: string };
  witness: { name: string; seed: string; vkey: string; timestampSeconds: number };
  text: string;
  logLine: string;
  witnessLine: string;
  checkpoint: string;
};

const vector = readVectors<Signed>('signed.json');
const witnessKey = parseVerifierKey(vector.witness.vkey);
const logKey = parseVerifierKey(vector.log.vkey);
const witness = await createNoteSigner(vector.witness.name, fromHex(vector.witness.seed), KEY_TYPE_COSIGNATURE);
const log = await createNoteSigner(vector.log.name, fromHex(vector.log.seed));
const note = parseNote(vector.checkpoint);
const cosigned = note.signatures[1]!;

/** Returns the vector's note with another payload in the witness's line. */
function withPayload(signature: Uint8Array): Note {
  return { text: note.text, signatures: [note.signatures[0]!, { ...cosigned, signature }] };
}

describe('the vector, which openssl signed', () => {
  it('has the keys and lines that we make', async () => {
    expect(log.key).toEqual(logKey);
    expect(witness.key).toEqual(witnessKey);
    const line = await signCosignature(vector.text, witness, vector.witness.timestampSeconds);
    expect(formatSignatureLines([line])).toBe(vector.witnessLine);
    expect(formatNote({ text: vector.text, signatures: [...parseNote(`${vector.text}\n${vector.logLine}`).signatures, line] })).toBe(vector.checkpoint);
  });

  it('opens for the log and for the witness', async () => {
    expect((await openNote(vector.checkpoint, [logKey])).verified).toEqual([logKey]);
    expect(await openCosignature(note, witnessKey)).toEqual({ key: witnessKey, timestampSeconds: vector.witness.timestampSeconds });
  });

  it('signs "cosignature/v1", the time and the whole text', () => {
    const message = new TextDecoder().decode(formatCosignatureMessage(vector.text, 1_679_315_147));
    expect(message).toBe(`cosignature/v1\ntime 1679315147\n${vector.text}`);
  });
});

describe('openCosignature', () => {
  it('is undefined where the key has no line', async () => {
    const other = await createNoteSigner('other', sha256(Uint8Array.of(1)), KEY_TYPE_COSIGNATURE);
    expect(await openCosignature(note, other.key)).toBeUndefined();
    expect(await openCosignature({ ...note, signatures: note.signatures.slice(0, 1) }, witnessKey)).toBeUndefined();
    const renamed = { ...note, signatures: [{ ...cosigned, name: 'other' }] };
    expect(await openCosignature(renamed, witnessKey)).toBeUndefined();
  });

  it('refuses every changed byte of time and signature', async () => {
    for (let i = 0; i < cosigned.signature.length; i++) {
      expect(await isRefused(() => openCosignature(withPayload(flipped(cosigned.signature, i)), witnessKey)), `byte ${i}`).toBe(true);
    }
  });

  it('refuses every changed byte of the text', async () => {
    for (const bytes of bytesPlusOne(vector.text)) {
      const text = Buffer.from(bytes).toString('utf8');
      expect(await isRefused(() => openCosignature({ ...note, text }, witnessKey)), text).toBe(true);
    }
  });

  it.each([0, 8, 64, 71, 73])('refuses a payload of %s bytes', async (length) => {
    await expectCode('ERR_TLOG_COSIGNATURE_MALFORMED', () => openCosignature(withPayload(new Uint8Array(length)), witnessKey));
  });

  it('reads times up to 2^53 − 1 and refuses those that a number cannot hold', async () => {
    for (const time of [0, 1, 2 ** 31, 2 ** 32, Number.MAX_SAFE_INTEGER]) {
      const line = await signCosignature(vector.text, witness, time);
      expect(await openCosignature({ text: vector.text, signatures: [line] }, witnessKey)).toEqual({ key: witnessKey, timestampSeconds: time });
    }
    for (const time of [2n ** 53n, 2n ** 63n - 1n, 2n ** 64n - 1n]) {
      const payload = cosigned.signature.slice();
      new DataView(payload.buffer).setBigUint64(0, time);
      await expectCode('ERR_TLOG_COSIGNATURE_MALFORMED', () => openCosignature(withPayload(payload), witnessKey));
    }
  });

  it('does not take the signature of a note for a cosignature, nor the other way round', async () => {
    await expectCode('ERR_TLOG_ARGUMENT_INVALID', () => openCosignature(note, logKey));
    const plain = { ...cosigned, signature: await witness.sign(new TextEncoder().encode(vector.text)) };
    await expectCode('ERR_TLOG_COSIGNATURE_MALFORMED', () => openCosignature({ ...note, signatures: [plain] }, witnessKey));
    const timed = { ...cosigned, signature: Uint8Array.of(...cosigned.signature.subarray(0, 8), ...plain.signature) };
    await expectCode('ERR_TLOG_SIGNATURE_INVALID', () => openCosignature({ ...note, signatures: [timed] }, witnessKey));
  });
});

describe('signCosignature', () => {
  it.each([-1, 0.5, Number.NaN, 2 ** 53])('refuses the time %s', async (time) => {
    await expectCode('ERR_TLOG_COSIGNATURE_MALFORMED', () => signCosignature(vector.text, witness, time));
  });

  it('refuses what is not a checkpoint, keys for notes, and broken signers', async () => {
    await expectCode('ERR_TLOG_CHECKPOINT_MALFORMED', () => signCosignature('hello\n', witness, 1));
    await expectCode('ERR_TLOG_ARGUMENT_INVALID', () => signCosignature(vector.text, log, 1));
    const broken = { key: witness.key, sign: () => Promise.resolve(new Uint8Array(72)) };
    await expectCode('ERR_TLOG_ARGUMENT_INVALID', () => signCosignature(vector.text, broken, 1));
  });
});
