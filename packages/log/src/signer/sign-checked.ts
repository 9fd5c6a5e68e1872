import { ed25519Verify, parseVerifierKey } from '@indelible/tlog';
import { LogError } from '../error.ts';
import type { Signer } from './signer.ts';

const ATTEMPTS = 3;
const FIRST_PAUSE_MS = 100;

/**
 * Gets a signature, with two more tries after a failure. A signature that comes from elsewhere is checked before anything is
 * built on it: under one that does not verify, what was acknowledged would be off the record.
 *
 * @throws LogError `ERR_LOG_SIGNER_FAILED` when three tries have failed.
 */
export async function signChecked(signer: Signer, message: Uint8Array): Promise<Uint8Array> {
  for (let attempt = 1; ; attempt++) {
    try {
      const signature = await signer.sign(message);
      if (signer.privateKey !== undefined) return signature; // made here, by a key whose public half was derived from it
      if (await ed25519Verify(parseVerifierKey(signer.vkey).publicKey, message, signature)) return signature;
      throw new Error(`what it returned is not a signature by the key ${signer.vkey}`);
    } catch (cause) {
      if (attempt === ATTEMPTS) {
        throw new LogError('ERR_LOG_SIGNER_FAILED', `the signer failed three times: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
      }
      await new Promise((resolve) => setTimeout(resolve, FIRST_PAUSE_MS * 4 ** (attempt - 1)));
    }
  }
}
