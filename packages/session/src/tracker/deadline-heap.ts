/** Slots by the moment at which somebody has to look at them: a binary heap whose members know their place. */
export class DeadlineHeap {
  #slots: Int32Array = new Int32Array(64);
  /** Place in the heap plus one, by slot. */
  #places: Int32Array = new Int32Array(64);
  #dueMs: Float64Array = new Float64Array(64);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The earliest moment, or Infinity. */
  get nextMs(): number {
    return this.#size === 0 ? Number.POSITIVE_INFINITY : this.#dueMs[this.#slots[0]!]!;
  }

  /** The slot that is due first, or -1. */
  get first(): number {
    return this.#size === 0 ? -1 : this.#slots[0]!;
  }

  /** Makes room for slots below `count`. */
  grow(count: number): void {
    this.#slots = grown(this.#slots, new Int32Array(count));
    this.#places = grown(this.#places, new Int32Array(count));
    this.#dueMs = grown(this.#dueMs, new Float64Array(count));
  }

  /** Adds a slot, or moves it. Infinity takes it out. */
  set(slot: number, dueMs: number): void {
    if (dueMs === Number.POSITIVE_INFINITY) {
      this.remove(slot);
      return;
    }
    const place = this.#places[slot]! - 1;
    this.#dueMs[slot] = dueMs;
    if (place >= 0) this.#down(this.#up(place));
    else {
      this.#put(this.#size, slot);
      this.#size++;
      this.#up(this.#size - 1);
    }
  }

  /** Takes a slot out; nothing happens where it is not in. */
  remove(slot: number): void {
    const place = this.#places[slot]! - 1;
    if (place < 0) return;
    this.#places[slot] = 0;
    this.#size--;
    if (place === this.#size) return;
    this.#put(place, this.#slots[this.#size]!);
    this.#down(this.#up(place));
  }

  #up(from: number): number {
    let place = from;
    const slot = this.#slots[place]!;
    const due = this.#dueMs[slot]!;
    while (place > 0) {
      const parent = (place - 1) >>> 1;
      const above = this.#slots[parent]!;
      if (this.#dueMs[above]! <= due) break;
      this.#put(place, above);
      place = parent;
    }
    this.#put(place, slot);
    return place;
  }

  #down(from: number): void {
    let place = from;
    const slot = this.#slots[place]!;
    const due = this.#dueMs[slot]!;
    for (;;) {
      let child = place * 2 + 1;
      if (child >= this.#size) break;
      if (child + 1 < this.#size && this.#dueMs[this.#slots[child + 1]!]! < this.#dueMs[this.#slots[child]!]!) child++;
      const below = this.#slots[child]!;
      if (this.#dueMs[below]! >= due) break;
      this.#put(place, below);
      place = child;
    }
    this.#put(place, slot);
  }

  #put(place: number, slot: number): void {
    this.#slots[place] = slot;
    this.#places[slot] = place + 1;
  }
}

function grown<T extends Int32Array | Float64Array>(old: T, larger: T): T {
  larger.set(old);
  return larger;
}
