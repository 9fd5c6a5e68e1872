import { ID_BYTES, ID_WORDS, compareIds } from '../commit/entry-id.ts';
import type { CacheFiles } from './cache-files.ts';

/** Entries in a chunk: the newest chunk's ids are in memory, every older chunk is sorted on disk. */
const CHUNK = 65_536;
/** Room for so many ids in memory at first: a small log is opened without setting up a large table. */
const FIRST_ROOM = 2_048;
const IDS = 'ids'; // 16 bytes an entry, in index order
const ORDER = 'id-order'; // per full chunk: its entries in the order of their ids, two bytes each
const RANGES = 'id-ranges'; // per full chunk: lowest and highest id
const RANGE_WORDS = 2 * ID_WORDS;
/** So many looks into one chunk are worth reading it whole, a megabyte: a sweep after a night asks for many ids of long ago. */
const BUSY_LOOKS = 64;
/** Chunks kept in memory for that. */
const MAX_KEPT = 4;

/** A full chunk in memory. */
interface KeptChunk {
  readonly ids: Uint32Array;
  /** Its entries in the order of their ids. */
  readonly order: Uint8Array;
}

/**
 * Finds the entries that carry an id, exactly, without all ids in memory.
 *
 * Ids begin with a time, so chunks overlap little: a fresh id is above everything on disk and costs one look into a table; an
 * old one costs a binary search in each chunk whose range contains it. 18 bytes of disk an entry.
 * An answer is a candidate: the caller reads the entry. Owned by the thread that writes the record.
 */
export class IdIndex {
  readonly #files: CacheFiles;
  /** Index of the first entry held in memory, a multiple of CHUNK. */
  #base = 0;
  #count = 0;
  #words: Uint32Array = new Uint32Array(ID_WORDS * FIRST_ROOM);
  /** Open addressing: position in memory + 1, or 0. At most half full. */
  #table: Uint32Array = new Uint32Array(FIRST_ROOM * 2);
  /** Per full chunk: lowest and highest id. */
  #ranges: Uint32Array = new Uint32Array(0);
  readonly #highest = new Uint32Array(ID_WORDS);
  readonly #probe = new Uint32Array(ID_WORDS);
  readonly #looks = new Map<number, number>();
  readonly #kept = new Map<number, KeptChunk>();

  constructor(files: CacheFiles) {
    this.#files = files;
  }

  /** One past the last entry whose id is in the index. */
  get end(): number {
    return this.#base + this.#count;
  }

  /** Takes up the ids that were written to disk for the first `size` entries. Returns false if they are not there. */
  load(size: number): boolean {
    const chunks = Math.floor(size / CHUNK);
    this.#base = chunks * CHUNK;
    this.#count = 0;
    this.#table.fill(0);
    this.#looks.clear();
    this.#kept.clear();
    const ranges = decodeWords(this.#files.read(RANGES, 0, chunks * RANGE_WORDS * 4));
    const recent = decodeWords(this.#files.read(IDS, this.#base * ID_BYTES, (size - this.#base) * ID_BYTES));
    if (ranges.length !== chunks * RANGE_WORDS || recent.length !== (size - this.#base) * ID_WORDS) return false;
    this.#ranges = ranges;
    this.#highest.fill(0);
    for (let chunk = 0; chunk < chunks; chunk++) this.#raiseHighest(chunk);
    for (let at = 0; at < recent.length; at += ID_WORDS) this.add(recent, at);
    return true;
  }

  /** Adds the id of the next entry. */
  add(ids: Uint32Array, at: number): void {
    const position = this.#count++;
    if ((position + 1) * 2 > this.#table.length) this.#grow();
    for (let word = 0; word < ID_WORDS; word++) this.#words[position * ID_WORDS + word] = ids[at + word]!;
    this.#enter(position);
  }

  /** Indexes of the entries that carry this id: usually none. */
  find(ids: Uint32Array, at: number): number[] {
    const found: number[] = [];
    const mask = this.#table.length - 1;
    for (let slot = hashId(ids, at) & mask; this.#table[slot] !== 0; slot = (slot + 1) & mask) {
      const position = this.#table[slot]! - 1;
      if (compareIds(this.#words, position * ID_WORDS, ids, at) === 0) found.push(this.#base + position);
    }
    if (this.#base > 0 && compareIds(ids, at, this.#highest, 0) <= 0) this.#findOnDisk(ids, at, found);
    return found;
  }

  /**
   * Writes the ids of entries `first` to `sealed` - 1 to disk, and moves full chunks out of memory. Only for entries that a seal
   * covers.
   */
  flush(first: number, sealed: number): void {
    const from = (first - this.#base) * ID_WORDS;
    this.#files.write(IDS, first * ID_BYTES, encodeWords(this.#words.subarray(from, (sealed - this.#base) * ID_WORDS)));
    while (sealed - this.#base >= CHUNK) this.#moveChunkOut();
  }

  #moveChunkOut(): void {
    const chunk = this.#base / CHUNK;
    const words = this.#words;
    const order = new Uint32Array(CHUNK);
    for (let i = 0; i < CHUNK; i++) order[i] = i;
    order.sort((a, b) => compareIds(words, a * ID_WORDS, words, b * ID_WORDS) || a - b);
    this.#files.write(ORDER, chunk * CHUNK * 2, new Uint8Array(Uint16Array.from(order).buffer));
    const range = new Uint32Array(RANGE_WORDS);
    range.set(words.subarray(order[0]! * ID_WORDS, (order[0]! + 1) * ID_WORDS), 0);
    range.set(words.subarray(order[CHUNK - 1]! * ID_WORDS, (order[CHUNK - 1]! + 1) * ID_WORDS), ID_WORDS);
    this.#files.write(RANGES, chunk * RANGE_WORDS * 4, encodeWords(range));
    const ranges = new Uint32Array((chunk + 1) * RANGE_WORDS);
    ranges.set(this.#ranges.subarray(0, chunk * RANGE_WORDS));
    ranges.set(range, chunk * RANGE_WORDS);
    this.#ranges = ranges;
    this.#raiseHighest(chunk);
    words.copyWithin(0, CHUNK * ID_WORDS, this.#count * ID_WORDS);
    this.#base += CHUNK;
    this.#count -= CHUNK;
    this.#table.fill(0);
    for (let position = 0; position < this.#count; position++) this.#enter(position);
  }

  #findOnDisk(ids: Uint32Array, at: number, found: number[]): void {
    for (let chunk = 0; chunk * RANGE_WORDS < this.#ranges.length; chunk++) {
      const range = chunk * RANGE_WORDS;
      if (compareIds(ids, at, this.#ranges, range) < 0 || compareIds(ids, at, this.#ranges, range + ID_WORDS) > 0) continue;
      this.#look(chunk);
      let low = 0;
      let high = CHUNK;
      while (low < high) {
        const middle = Math.floor((low + high) / 2);
        this.#readOrdered(chunk, middle);
        if (compareIds(this.#probe, 0, ids, at) < 0) low = middle + 1;
        else high = middle;
      }
      for (; low < CHUNK; low++) {
        const index = this.#readOrdered(chunk, low);
        if (compareIds(this.#probe, 0, ids, at) !== 0) break;
        found.push(index);
      }
    }
  }

  /** Counts a look into a chunk; reads one that is looked into often. */
  #look(chunk: number): void {
    if (this.#kept.has(chunk)) return;
    const looks = (this.#looks.get(chunk) ?? 0) + 1;
    this.#looks.set(chunk, looks);
    if (looks < BUSY_LOOKS) return;
    this.#looks.delete(chunk);
    const ids = decodeWords(this.#files.read(IDS, chunk * CHUNK * ID_BYTES, CHUNK * ID_BYTES));
    const order = this.#files.read(ORDER, chunk * CHUNK * 2, CHUNK * 2);
    if (ids.length !== CHUNK * ID_WORDS || order.length !== CHUNK * 2) return;
    for (const oldest of this.#kept.keys()) if (this.#kept.size >= MAX_KEPT) this.#kept.delete(oldest);
    this.#kept.set(chunk, { ids, order });
  }

  /** Reads the id at a place in the order of its chunk into `#probe`; returns the index of its entry. */
  #readOrdered(chunk: number, place: number): number {
    const kept = this.#kept.get(chunk);
    if (kept !== undefined) {
      const position = kept.order[place * 2]! + kept.order[place * 2 + 1]! * 256;
      this.#probe.set(kept.ids.subarray(position * ID_WORDS, (position + 1) * ID_WORDS));
      return chunk * CHUNK + position;
    }
    const order = this.#files.read(ORDER, (chunk * CHUNK + place) * 2, 2);
    const index = chunk * CHUNK + (order.length === 2 ? order[0]! + order[1]! * 256 : 0);
    const id = decodeWords(this.#files.read(IDS, index * ID_BYTES, ID_BYTES));
    if (id.length === ID_WORDS) this.#probe.set(id);
    return index;
  }

  #raiseHighest(chunk: number): void {
    const at = chunk * RANGE_WORDS + ID_WORDS;
    if (compareIds(this.#ranges, at, this.#highest, 0) > 0) this.#highest.set(this.#ranges.subarray(at, at + ID_WORDS));
  }

  #enter(position: number): void {
    const mask = this.#table.length - 1;
    let slot = hashId(this.#words, position * ID_WORDS) & mask;
    while (this.#table[slot] !== 0) slot = (slot + 1) & mask;
    this.#table[slot] = position + 1;
  }

  #grow(): void {
    const words = new Uint32Array(this.#words.length * 2);
    words.set(this.#words);
    this.#words = words;
    this.#table = new Uint32Array(this.#table.length * 2);
    for (let position = 0; position < this.#count - 1; position++) this.#enter(position);
  }
}

/** Table slots come from the random part of an id; the multiplications spread ids that differ in few bits. */
function hashId(ids: Uint32Array, at: number): number {
  const mixed = Math.imul(ids[at + 3]!, 0x9e3779b1) ^ Math.imul(ids[at + 2]!, 0x85ebca6b) ^ Math.imul(ids[at + 1]!, 0xc2b2ae35) ^ ids[at]!;
  return (mixed ^ (mixed >>> 15)) >>> 0;
}

function encodeWords(words: Uint32Array): Uint8Array {
  const bytes = new Uint8Array(words.length * 4);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < words.length; i++) view.setUint32(i * 4, words[i]!);
  return bytes;
}

function decodeWords(bytes: Uint8Array): Uint32Array {
  const words = new Uint32Array(Math.floor(bytes.length / 4));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let i = 0; i < words.length; i++) words[i] = view.getUint32(i * 4);
  return words;
}
