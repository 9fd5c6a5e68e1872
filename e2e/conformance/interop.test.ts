import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createSigningKey, parseSigningKey, readSigningKey, writeSigningKey, type Log, type Signer } from '@indelible/log';
import {
  checkTlogProof,
  createNoteSigner,
  formatNote,
  formatTlogProof,
  KEY_TYPE_COSIGNATURE,
  leafHash,
  openCosignature,
  openNote,
  parseCheckpoint,
  parseNote,
  parseTlogProof,
  parseVerifierKey,
  signCosignature,
  signNote,
  type NoteSigner,
} from '@indelible/tlog';
import { flipped } from './mutations/mutation.ts';
import { buildGoProgram, type GoProgram } from './support/go-program.ts';
import { scratchDirectory } from './support/scratch.ts';
import { ORIGIN, openTestLog, type TestLog } from './support/test-log.ts';
import { TLOG_PROOF_MUTATIONS } from './tlog-proof-mutations.ts';

const TEXTS = ['one line\n', 'two\nlines\n', 'with an\n\nempty line\n', '\n', 'Zürich, 会計, 🦉, \u2028 and \u00a0\n', `${'long '.repeat(50_000)}\n`, '— log.example/a AAAA\n'];
const TIME_SECONDS = 1_752_000_000;

const scratch = scratchDirectory();
const built = buildGoProgram(scratch);
const go = 'missing' in built ? undefined : built;

describe.skipIf(go === undefined)('keys and notes, with golang.org/x/mod/sumdb/note', () => {
  const name = 'log.example/interop';
  let theirs: { path: string; vkey: string; signer: Signer };
  let ours: { path: string; vkey: string; signer: Signer };

  beforeAll(async () => {
    const path = join(scratch, 'theirs.key');
    const vkey = accepted(go!.run(['keygen', '-name', name, '-signing-key', path])).trim();
    theirs = { path, vkey, signer: readSigningKey(path) };
    const key = createSigningKey(name);
    ours = { path: join(scratch, 'ours.key'), vkey: key.vkey, signer: parseSigningKey(key.secret) };
    await writeSigningKey(ours.path, key);
  });

  test('a key of theirs is read, and has the same verifier key', () => {
    expect(theirs.signer.vkey).toBe(theirs.vkey);
    expect(parseVerifierKey(theirs.vkey).text).toBe(theirs.vkey);
  });

  test.each(TEXTS.map((text) => [text.slice(0, 20), text]))('a note that they signed is opened: %j', async (_, text) => {
    for (const key of [theirs, ours]) {
      const note = accepted(go!.run(['sign', '-signing-key', key.path], { stdin: text }));
      const opened = await openNote(note, [parseVerifierKey(key.vkey)]);
      expect(opened.text).toBe(text);
      expect(formatNote(parseNote(note))).toBe(note);
    }
  });

  test.each(TEXTS.map((text) => [text.slice(0, 20), text]))('a note that we signed is opened by them: %j', async (_, text) => {
    const signers = [theirs, ours].map(({ vkey, signer }): NoteSigner => ({ key: parseVerifierKey(vkey), sign: signer.sign }));
    const note = await signNote(text, signers);
    for (const { vkey } of [theirs, ours]) expect(accepted(go!.run(['open', '-key', vkey], { stdin: note }))).toBe(text);
  });

  test('a checkpoint that they signed is parsed', async () => {
    const text = `${name}\n1\n${Buffer.alloc(32, 7).toString('base64')}\n`;
    const note = accepted(go!.run(['sign', '-signing-key', theirs.path], { stdin: text }));
    expect(parseCheckpoint((await openNote(note, [parseVerifierKey(theirs.vkey)])).text)).toMatchObject({ origin: name, treeSize: 1 });
  });

  test('texts that cannot be signed are refused by both', async () => {
    const signer: NoteSigner = { key: parseVerifierKey(ours.vkey), sign: ours.signer.sign };
    for (const text of ['', 'no newline', 'a\n\nb']) {
      expect(go!.run(['sign', '-signing-key', ours.path], { stdin: text }).status).toBe(1);
      await expect(signNote(text, [signer])).rejects.toMatchObject({ code: 'ERR_TLOG_NOTE_MALFORMED' });
    }
  });

  test('a damaged signing key is refused by both', () => {
    const secret = readFileSync(ours.path, 'utf8').trim();
    const at = secret.lastIndexOf('+') + 1;
    const damaged = {
      'other name': secret.replace('interop', 'Interop'),
      'other key id': secret.replace(/\+[0-9a-f]{8}\+/, '+00000000+'),
      'short key id': secret.replace(/\+0?[0-9a-f]{7}\+|\+[0-9a-f]([0-9a-f]{7})\+/, '+$1+'),
      'other seed': `${secret.slice(0, at + 10)}${secret[at + 10] === 'A' ? 'B' : 'A'}${secret.slice(at + 11)}`,
      'other type': `${secret.slice(0, at)}Ag${secret.slice(at + 2)}`,
      'cut short': secret.slice(0, -4),
      'no prefix': secret.slice('PRIVATE+KEY+'.length),
      'space in the name': secret.replace('log.example', 'log example'),
      empty: '',
    };
    for (const [what, text] of Object.entries(damaged)) {
      const path = join(scratch, 'damaged.key');
      writeFileSync(path, text, { mode: 0o600 });
      expect(go!.run(['sign', '-signing-key', path], { stdin: 'text\n' }).status, what).toBe(1);
      expect(() => parseSigningKey(text), what).toThrow(expect.objectContaining({ code: 'ERR_LOG_KEY_INVALID' }));
    }
  });

  test('a damaged verifier key is refused by both', () => {
    const note = accepted(go!.run(['sign', '-signing-key', ours.path], { stdin: 'text\n' }));
    const [prefix = '', id = '', key = ''] = ours.vkey.split('+', 1).concat(ours.vkey.slice(name.length + 1, name.length + 9), ours.vkey.slice(name.length + 10));
    const damaged = [`${prefix}x+${id}+${key}`, `${prefix}+00000000+${key}`, `${prefix}+${id}+${key.slice(0, -4)}`, `${prefix}+${id}`, `${prefix}+${id.slice(1)}+${key}`, `+${id}+${key}`, ''];
    for (const vkey of damaged) {
      expect(go!.run(['open', '-key', vkey], { stdin: note }).status, vkey).toBe(1);
      expect(() => parseVerifierKey(vkey), vkey).toThrow(expect.objectContaining({ code: 'ERR_TLOG_KEY_MALFORMED' }));
    }
  });
});

describe('cosignatures and .tlog-proof files', () => {
  const entryPath = join(scratch, 'entry');
  let grown: TestLog;
  let witness: NoteSigner;
  let cosigned: string;
  let proof: string;

  beforeAll(async () => {
    grown = await openTestLog(scratch, 'proved');
    await grown.growTo(1_000);
    witness = await createNoteSigner('witness.example/w1', new Uint8Array(32).fill(9), KEY_TYPE_COSIGNATURE);
    const receipt = await grown.log.receipt(700);
    const note = parseNote(receipt.seal);
    const line = await signCosignature(note.text, witness, TIME_SECONDS);
    cosigned = formatNote({ text: note.text, signatures: [...note.signatures, line] });
    proof = formatTlogProof({ index: 700, inclusionProof: receipt.proof, checkpoint: cosigned });
    writeFileSync(entryPath, receipt.entry);
  });
  afterAll(() => grown.log.close());

  test.skipIf(go === undefined)('ours are accepted by golang.org/x/mod', () => {
    expect(judgedByGo(go!, proof, grown.log, [witness.key.text])).toBe('accepted: entry 700 of 1000');
    expect(judgedByGo(go!, formatTlogProof({ ...parseTlogProof(proof), extra: Uint8Array.of(1, 2, 3) }), grown.log, [])).toMatch(/^accepted/);
  });

  test('ours are accepted by @indelible/tlog', async () => {
    await expect(judgedByUs(proof, grown.log, witness)).resolves.toMatchObject({ cosignatures: [{ timestampSeconds: TIME_SECONDS }] });
  });

  describe.each(TLOG_PROOF_MUTATIONS)('$name', ({ change }) => {
    test('is rejected by @indelible/tlog', async () => {
      await expect(judgedByUs(change(proof), grown.log, witness)).rejects.toMatchObject({ name: 'TlogError' });
    });

    test.skipIf(go === undefined)('is rejected by golang.org/x/mod', () => {
      expect(judgedByGo(go!, change(proof), grown.log, [witness.key.text])).toMatch(/^rejected: /);
    });
  });

  test.skipIf(go === undefined)('a cosignature of theirs is opened', async () => {
    const keyPath = join(scratch, 'witness.key');
    accepted(go!.run(['keygen', '-name', 'witness.example/w2', '-signing-key', keyPath]));
    const vkey = accepted(go!.run(['cosign', '-signing-key', keyPath, '-print-key'])).trim();
    const note = accepted(go!.run(['cosign', '-signing-key', keyPath, '-time', String(TIME_SECONDS)], { stdin: cosigned }));
    const key = parseVerifierKey(vkey);
    await expect(openCosignature(parseNote(note), key)).resolves.toMatchObject({ timestampSeconds: TIME_SECONDS });
    const [first, second, third] = parseNote(note).signatures;
    expect([first?.name, second?.name, third?.name].sort()).toEqual([ORIGIN, 'witness.example/w1', 'witness.example/w2'].sort());
  });

  function judgedByGo(program: GoProgram, text: string, log: Log, cosigners: readonly string[]): string {
    const path = join(scratch, 'entry.tlog-proof');
    writeFileSync(path, text);
    const outcome = program.run(['tlog-proof', '-proof', path, '-entry', entryPath, '-origin', ORIGIN, '-key', log.vkey, ...cosigners.flatMap((key) => ['-cosigner', key])]);
    return (outcome.status === 0 ? outcome.stdout : outcome.stderr).trim();
  }

  async function judgedByUs(text: string, log: Log, by: NoteSigner): Promise<unknown> {
    const policy = { leafHash: leafHash(new Uint8Array(readFileSync(entryPath))), origin: ORIGIN, logKeys: [parseVerifierKey(log.vkey)], witnesses: [by.key], quorum: 1 };
    return checkTlogProof(parseTlogProof(text), policy);
  }
});

describe.skipIf(go === undefined)('vectors, by golang.org/x/mod', () => {
  test('the example of C2SP signed-note', () => {
    const { vkey, note, text } = readVectors<{ vkey: string; note: string; text: string }>('note.json');
    expect(accepted(go!.run(['open', '-key', vkey], { stdin: note }))).toBe(text);
    const bytes = new TextEncoder().encode(note);
    // Each byte, as in the tests of the package itself: none may matter less than the others.
    for (let at = 0; at < text.length; at++) {
      expect(go!.run(['open', '-key', vkey], { stdin: flipped(bytes, at) }).status, `byte ${at}`).toBe(1);
    }
  });

  test('the proof, checkpoint and cosignature that openssl signed', () => {
    type Signed = Record<'log' | 'witness', { name: string; vkey: string }> & { tlogProof: { entry: string; text: string; textWithExtra: string } };
    const { log, witness, tlogProof } = readVectors<Signed>('signed.json');
    const [entryPath, path] = [join(scratch, 'vector-entry'), join(scratch, 'vector.tlog-proof')];
    writeFileSync(entryPath, Buffer.from(tlogProof.entry, 'hex'));
    for (const text of [tlogProof.text, tlogProof.textWithExtra]) {
      writeFileSync(path, text);
      const outcome = go!.run(['tlog-proof', '-proof', path, '-entry', entryPath, '-origin', log.name, '-key', log.vkey, '-cosigner', witness.vkey]);
      expect(accepted(outcome)).toBe('accepted: entry 5 of 8\n');
    }
  });
});

function accepted(outcome: { readonly status: number | null; readonly stdout: string; readonly stderr: string }): string {
  expect(outcome).toMatchObject({ status: 0, stderr: '' });
  return outcome.stdout;
}

function readVectors<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../../testdata/tlog/${name}`, import.meta.url), 'utf8')) as T;
}
