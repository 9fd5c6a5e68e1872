import type { KeyObject } from 'node:crypto';

/**
 * Whoever can sign for a log: a key file, an environment variable, or a callback to a key management service.
 *
 * `sign` returns the 64-byte Ed25519 signature (RFC 8032) of the message. It may be slow: batches then grow, throughput stays.
 * It is called again with the same message after a failure.
 */
export interface Signer {
  /** C2SP verifier key (`<name>+<key id>+<base64>`); its name is the log's origin. */
  readonly vkey: string;
  sign(message: Uint8Array): Promise<Uint8Array>;
  /**
   * The key itself, where this process holds it: lets the thread that writes the record sign without a detour. Never set it
   * for a key that must not leave its keeper.
   */
  readonly privateKey?: KeyObject;
}
