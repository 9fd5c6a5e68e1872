const SMALLEST_BYTES = 4096;
const MAX_STEP_BYTES = 16_777_216;
const SMALLEST = 64;
const MAX_STEP = 1_048_576;

/** Texts that are only ever added, by number, 4 GiB of them at most: their UTF-8 one behind the other, which takes half of what as many strings take. */
export class TextColumn {
  #bytes: Buffer = Buffer.alloc(SMALLEST_BYTES);
  /** Where the text of each number ends. */
  #ends: Uint32Array = new Uint32Array(SMALLEST);
  #size = 0;

  /** How many texts there are: the number of the next one. */
  get size(): number {
    return this.#size;
  }

  /** Adds a well-formed text. */
  add(text: string): void {
    const at = this.#end(this.#size - 1);
    const most = at + text.length * 3;
    if (most > this.#bytes.length) {
      const grown = Buffer.alloc(Math.max(most, this.#bytes.length + Math.min(this.#bytes.length, MAX_STEP_BYTES)));
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    if (this.#size === this.#ends.length) {
      const grown = new Uint32Array(this.#size + Math.min(this.#size, MAX_STEP));
      grown.set(this.#ends);
      this.#ends = grown;
    }
    this.#ends[this.#size++] = at + this.#bytes.write(text, at, 'utf8');
  }

  get(number: number): string {
    return this.#bytes.toString('utf8', this.#end(number - 1), this.#end(number));
  }

  #end(number: number): number {
    return number < 0 ? 0 : this.#ends[number]!;
  }
}
