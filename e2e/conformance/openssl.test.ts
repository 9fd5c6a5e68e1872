import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createPublicKey } from 'node:crypto';
import { parseNote, parseVerifierKey } from '@indelible/tlog';
import { reportMissing, runProgram } from './support/outside-program.ts';
import { scratchDirectory } from './support/scratch.ts';
import { openTestLog, type TestLog } from './support/test-log.ts';

const scratch = scratchDirectory();
const openssl = findOpenssl();

describe.skipIf('missing' in openssl)('a seal, by openssl', () => {
  let grown: TestLog;
  let text: Uint8Array;
  let signature: Uint8Array;

  beforeAll(async () => {
    grown = await openTestLog(scratch);
    await grown.growTo(10);
    const note = parseNote(grown.log.seal!);
    text = new TextEncoder().encode(note.text);
    signature = note.signatures[0]!.signature;
    writeFileSync(join(scratch, 'log.pem'), pemOf(grown.log.vkey));
  });
  afterAll(() => grown.log.close());

  /** Nothing of ours and nothing of Node's in the verdict: openssl reads three files. */
  function verifies(message: Uint8Array, sig: Uint8Array): boolean {
    writeFileSync(join(scratch, 'seal.txt'), message);
    writeFileSync(join(scratch, 'seal.sig'), sig);
    const { status, stdout } = runProgram('openssl', ['pkeyutl', '-verify', '-pubin', '-inkey', 'log.pem', '-rawin', '-in', 'seal.txt', '-sigfile', 'seal.sig'], { cwd: scratch });
    return status === 0 && stdout.includes('Signature Verified Successfully');
  }

  test('has a valid Ed25519 signature', () => {
    expect(verifies(text, signature)).toBe(true);
  });

  test('has none once its text is changed', () => {
    for (const at of [0, 24, text.length - 2, text.length - 1]) expect(verifies(text.with(at, text[at]! ^ 1), signature), `byte ${at}`).toBe(false);
    expect(verifies(text.slice(0, -1), signature)).toBe(false);
  });

  test('has none once its signature is changed', () => {
    for (const at of [0, 31, 32, 63]) expect(verifies(text, signature.with(at, signature[at]! ^ 1)), `byte ${at}`).toBe(false);
    expect(verifies(text, signature.slice(1))).toBe(false);
  });
});

function findOpenssl(): { readonly version: string } | { readonly missing: string } {
  const { status, stdout, stderr } = runProgram('openssl', ['version']);
  if (status !== 0) return reportMissing({ missing: `there is no openssl (openssl version: ${stderr.trim()})` });
  // LibreSSL and OpenSSL before 1.1.1 have the command, and no Ed25519 in it.
  const [, major] = /^OpenSSL (\d+)\./.exec(stdout) ?? [];
  if (Number(major) >= 3) return { version: stdout.trim() };
  return reportMissing({ missing: `${stdout.trim()} is not OpenSSL 3 or later` });
}

function pemOf(vkey: string): string {
  const x = Buffer.from(parseVerifierKey(vkey).publicKey).toString('base64url');
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' }).export({ format: 'pem', type: 'spki' }) as string;
}
