/** An entry begins with `{"id":"` and 36 characters of UUID (docs/spec/record.md §3). */
const ID_AT = 7;
const ID_CHARS = 36;
const SHORTEST = ID_AT + ID_CHARS;

const HEX = new Uint8Array(256).fill(0xff);
for (let i = 0; i < 16; i++) HEX[i.toString(16).charCodeAt(0)] = i;

/** Bytes of an id in the index. */
export const ID_BYTES = 16;

/** Four 32-bit words of an id, most significant first. */
export const ID_WORDS = 4;

/**
 * Reads the id of the entry at `at` into `out` as four words; the bytes were checked when the entry was encoded.
 * Returns false where there is none.
 */
export function readEntryId(bytes: Uint8Array, at: number, length: number, out: Uint32Array, outAt: number): boolean {
  if (length < SHORTEST) return false;
  let position = at + ID_AT;
  let bad = 0;
  for (let word = 0; word < ID_WORDS; word++) {
    let value = 0;
    for (let digit = 0; digit < 8; digit++) {
      if (bytes[position] === 0x2d) position++; // '-'
      const nibble = HEX[bytes[position++]!]!;
      bad |= nibble;
      value = (value << 4) | nibble;
    }
    out[outAt + word] = value;
  }
  return bad < 16 && position === at + SHORTEST;
}

/** The four words of a textual id, or undefined if it is not a lower-case UUID. */
export function parseIdWords(id: string): Uint32Array | undefined {
  if (!/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/.test(id)) return undefined;
  const digits = id.replaceAll('-', '');
  return Uint32Array.from({ length: ID_WORDS }, (_, word) => Number(`0x${digits.slice(word * 8, word * 8 + 8)}`));
}

/** Orders ids as their text does. */
export function compareIds(a: Uint32Array, aAt: number, b: Uint32Array, bAt: number): number {
  for (let word = 0; word < ID_WORDS; word++) {
    const difference = a[aAt + word]! - b[bAt + word]!;
    if (difference !== 0) return difference;
  }
  return 0;
}
