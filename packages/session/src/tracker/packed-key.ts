import { hashText } from './slot-index.ts';

const NO_DIGIT = 255;
const DASH = 45;
const HEX = digitsOf('0123456789abcdef');
const BASE64URL = digitsOf('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_');

/**
 * A column of keys that are mostly random digests in one textual form: UUIDs (RFC 9562 §4) or keyed hashes in base64url (RFC 4648
 * §5). Those are kept as bytes, any other text as it is.
 */
export class PackedKeys {
  readonly #kind: 'uuid' | 'sidHash';
  readonly #bytes: number;
  readonly #scratch: Buffer;
  #packed: Buffer = Buffer.alloc(0);
  readonly #texts: Map<number, string> = new Map();

  constructor(kind: 'uuid' | 'sidHash') {
    this.#kind = kind;
    this.#bytes = kind === 'uuid' ? 16 : 32;
    this.#scratch = Buffer.alloc(this.#bytes);
  }

  /** Moves to where there is room for more. */
  move(to: Uint8Array): void {
    to.set(this.#packed);
    this.#packed = Buffer.from(to.buffer, to.byteOffset, to.length);
  }

  /** Sets the key of a slot; the empty text for none. */
  set(slot: number, key: string): void {
    if (this.#texts.size > 0) this.#texts.delete(slot);
    if (!this.#pack(key)) {
      this.#scratch.fill(0);
      if (key !== '') this.#texts.set(slot, key);
    }
    this.#packed.set(this.#scratch, slot * this.#bytes);
  }

  /** The key of a slot, or the empty text. */
  get(slot: number): string {
    if (!this.has(slot)) return '';
    const text = this.#texts.size > 0 ? this.#texts.get(slot) : undefined;
    if (text !== undefined) return text;
    const at = slot * this.#bytes;
    if (this.#kind === 'sidHash') return this.#packed.toString('base64url', at, at + this.#bytes);
    const hex = this.#packed.toString('hex', at, at + this.#bytes);
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  }

  /** Whether the slot has a key. */
  has(slot: number): boolean {
    const at = slot * this.#bytes;
    for (let i = 0; i < this.#bytes; i++) if (this.#packed[at + i] !== 0) return true;
    return this.#texts.has(slot);
  }

  /** Whether this is the key of the slot. */
  is(slot: number, key: string): boolean {
    if (!this.#pack(key)) return this.#texts.get(slot) === key;
    const at = slot * this.#bytes;
    for (let i = 0; i < this.#bytes; i++) if (this.#packed[at + i] !== this.#scratch[i]) return false;
    return true;
  }

  /** A hash of the key of a slot, the same as {@link PackedKeys.hash} of the key. */
  hashOf(slot: number): number {
    const text = this.#texts.size > 0 ? this.#texts.get(slot) : undefined;
    return text === undefined ? this.#packed.readInt32LE((slot + 1) * this.#bytes - 4) : hashText(text);
  }

  /** A hash of a key: of a digest simply its last bits, which are random. */
  hash(key: string): number {
    return this.#pack(key) ? this.#scratch.readInt32LE(this.#bytes - 4) : hashText(key);
  }

  /** Reads a key into the scratch; false where it has another form than this column's. */
  #pack(key: string): boolean {
    return this.#kind === 'uuid' ? packUuid(key, this.#scratch) : packBase64Url(key, this.#scratch);
  }
}

function packUuid(key: string, to: Uint8Array): boolean {
  if (key.length !== 36) return false;
  let at = 0;
  for (let i = 0; i < 36; ) {
    if (i === 8 || i === 13 || i === 18 || i === 23) {
      if (key.charCodeAt(i++) !== DASH) return false;
    }
    const [high, low] = [digit(HEX, key, i), digit(HEX, key, i + 1)];
    if (high === NO_DIGIT || low === NO_DIGIT) return false;
    to[at++] = high * 16 + low;
    i += 2;
  }
  return true;
}

/** 43 characters are 32 bytes and two bits that must be zero: another spelling of the same bytes is kept as text. */
function packBase64Url(key: string, to: Uint8Array): boolean {
  if (key.length !== 43) return false;
  let bits = 0;
  let held = 0;
  let at = 0;
  for (let i = 0; i < 43; i++) {
    const value = digit(BASE64URL, key, i);
    if (value === NO_DIGIT) return false;
    bits = (bits << 6) | value;
    held += 6;
    if (held >= 8) {
      held -= 8;
      to[at++] = (bits >>> held) & 255;
      bits &= (1 << held) - 1;
    }
  }
  return bits === 0;
}

function digit(digits: Uint8Array, text: string, at: number): number {
  const code = text.charCodeAt(at);
  return code < 128 ? digits[code]! : NO_DIGIT;
}

function digitsOf(alphabet: string): Uint8Array {
  const values = new Uint8Array(128).fill(NO_DIGIT);
  for (let i = 0; i < alphabet.length; i++) values[alphabet.charCodeAt(i)] = i;
  return values;
}
