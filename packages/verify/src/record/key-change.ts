import { decodeUtf8Strict, encodeUtf8, parseBase64, parseVerifierKey, type VerifierKey } from '@indelible/tlog';
import { isSignature } from './seal-line.ts';
import { isTime } from './time.ts';

/** The details of a `key_changed` entry. */
interface KeyChangeDetails {
  readonly from: string;
  readonly to: string;
  readonly fromSig: string;
  readonly toSig: string;
}

const SIGNATURE_BYTES = 64;

/**
 * Returns the key to which `entry` hands over from `key`, or undefined where it is no change of key signed by both.
 *
 * The two signatures prove the change by themselves, wherever the entry was found.
 *
 * @see docs/spec/record.md §7
 */
export function openKeyChange(entry: Uint8Array, origin: string, key: VerifierKey): VerifierKey | undefined {
  try {
    const { event, timestamp, details } = JSON.parse(decodeUtf8Strict(entry)) as { event: string; timestamp: string; details: KeyChangeDetails };
    if (event !== 'key_changed' || !isTime(timestamp) || details.from !== key.text) return undefined;
    const to = parseVerifierKey(details.to);
    if (to.name !== origin || to.text === key.text) return undefined;
    const message = encodeUtf8(`indelible/key-change/v1\n${origin}\n${details.from}\n${details.to}\n${timestamp}\n`);
    const agreed = (signer: VerifierKey, signature: string): boolean => isSignature(signer, message, parseBase64(signature, SIGNATURE_BYTES));
    return agreed(key, details.fromSig) && agreed(to, details.toSig) ? to : undefined;
  } catch {
    return undefined;
  }
}
