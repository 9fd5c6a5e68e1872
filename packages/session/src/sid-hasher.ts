import { hash } from 'node:crypto';
import { sidHash } from '@indelible/event';

const BLOCK_BYTES = 64;
const DIGEST_BYTES = 32;
const MESSAGE = 'indelible sid v1\n';
/** Longer ids than frameworks make take the long way. */
const MAX_CHARACTERS = 256;

/**
 * Makes the same keyed hashes as `sidHash` of `@indelible/event`, in a third of the time: each request needs one or two.
 *
 * HMAC-SHA-256 with its two inner states' blocks prepared (RFC 2104 §4), and no object made per hash.
 */
export class SidHasher {
  readonly #key: Uint8Array;
  readonly #inner: Buffer = Buffer.alloc(BLOCK_BYTES + MESSAGE.length + MAX_CHARACTERS * 3);
  readonly #outer: Buffer = Buffer.alloc(BLOCK_BYTES + DIGEST_BYTES);

  /** `key` is checked when the first id is hashed. */
  constructor(key: Uint8Array) {
    this.#key = key;
    const block = Buffer.alloc(BLOCK_BYTES);
    block.set(key.length > BLOCK_BYTES ? hash('sha256', key, 'buffer') : key);
    for (let i = 0; i < BLOCK_BYTES; i++) {
      this.#inner[i] = block[i]! ^ 0x36;
      this.#outer[i] = block[i]! ^ 0x5c;
    }
    this.#inner.write(MESSAGE, BLOCK_BYTES, 'latin1');
  }

  /** The keyed hash of a raw session id. @throws EventError for what is none, see `sidHash`. */
  hash(rawSid: string): string {
    // Every runtime that we support has isWellFormed; the declarations of ES2023 do not.
    const plain = typeof rawSid === 'string' && rawSid.length > 0 && rawSid.length <= MAX_CHARACTERS && !rawSid.includes('\0');
    if (!plain || !(rawSid as string & { isWellFormed(): boolean }).isWellFormed()) return sidHash(this.#key, rawSid);
    const start = BLOCK_BYTES + MESSAGE.length;
    const end = start + this.#inner.write(rawSid, start, 'utf8');
    // As a string: a buffer would take memory of its own for each of them.
    this.#outer.write(hash('sha256', this.#inner.subarray(0, end), 'binary'), BLOCK_BYTES, 'latin1');
    this.#inner.fill(0, start, end); // it is a bearer secret
    return hash('sha256', this.#outer, 'base64url');
  }
}
