/** What the index needs to know about a slot: the hash of its key. */
type HashOfSlot = (slot: number) => number;

const SMALLEST = 64;

/**
 * Finds slots by the hash of a key: open addressing over 32-bit integers, eight bytes a slot where a `Map` takes thirty and keeps
 * the keys besides. Whoever asks compares the keys itself.
 */
export class SlotIndex {
  readonly #hashOf: HashOfSlot;
  #places: Int32Array = new Int32Array(SMALLEST);
  #mask: number = SMALLEST - 1;
  #size = 0;

  constructor(hashOf: HashOfSlot) {
    this.#hashOf = hashOf;
  }

  /** The slot under `hash` whose key `isIt`, or -1. */
  find(hash: number, isIt: (slot: number) => boolean): number {
    for (let at = hash & this.#mask; ; at = (at + 1) & this.#mask) {
      const slot = this.#places[at]! - 1;
      if (slot < 0 || isIt(slot)) return slot;
    }
  }

  /** Adds a slot that is not in it. */
  add(slot: number): void {
    if (this.#size * 2 >= this.#places.length) this.#grow();
    this.#place(slot);
    this.#size++;
  }

  /** Removes a slot; its key MUST still be what it was when it was added. */
  remove(slot: number): void {
    const mask = this.#mask;
    let hole = this.#hashOf(slot) & mask;
    while (this.#places[hole] !== slot + 1) {
      if (this.#places[hole] === 0) return;
      hole = (hole + 1) & mask;
    }
    // What stands behind moves up, so that no search ends at the hole (Knuth, The Art of Computer Programming 3, 6.4, algorithm R).
    for (let at = (hole + 1) & mask; this.#places[at] !== 0; at = (at + 1) & mask) {
      const home = this.#hashOf(this.#places[at]! - 1) & mask;
      if (((at - home) & mask) >= ((at - hole) & mask)) {
        this.#places[hole] = this.#places[at]!;
        hole = at;
      }
    }
    this.#places[hole] = 0;
    this.#size--;
  }

  #place(slot: number): void {
    let at = this.#hashOf(slot) & this.#mask;
    while (this.#places[at] !== 0) at = (at + 1) & this.#mask;
    this.#places[at] = slot + 1;
  }

  #grow(): void {
    const old = this.#places;
    this.#places = new Int32Array(old.length * 2);
    this.#mask = this.#places.length - 1;
    for (const place of old) if (place !== 0) this.#place(place - 1);
  }
}

/** FNV-1a, 32 bits. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash ^ (hash >>> 15);
}
