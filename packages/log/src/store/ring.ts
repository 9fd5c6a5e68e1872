/**
 * A queue of byte frames between two threads, without locks: one thread writes, one reads.
 *
 * Memory: 8 control words, then the frames. A frame is its length and a number of the writer's, then its bytes, padded to eight;
 * where the rest of the buffer is too short for a frame, a length of WRAP sends the reader to the start.
 */
const CONTROL_BYTES = 32;
const HEAD = 0; // bytes written so far, modulo 2^32; only the writer changes it
const TAIL = 1; // bytes read so far; only the reader changes it
const BELL = 2; // counts what the reader should wake up for
const ASLEEP = 3; // 1 while the reader waits for a message instead of the bell
const HEADER_BYTES = 8;
const WRAP = 0xffffffff;

/** What the writer does when it has put something in. */
export type Wake = 'message' | 'none';

/** A frame that was read; `bytes` are valid until `release`. */
export interface Frame {
  readonly tag: number;
  readonly bytes: Uint8Array;
}

/** Shared memory for a ring with room for `capacity` bytes, a power of two. */
export function createRing(capacity: number): SharedArrayBuffer {
  return new SharedArrayBuffer(CONTROL_BYTES + capacity);
}

/** The writing end. */
export class RingWriter {
  readonly #control: Int32Array;
  readonly #words: Uint32Array;
  readonly #bytes: Buffer;
  readonly #capacity: number;

  constructor(memory: SharedArrayBuffer) {
    this.#control = new Int32Array(memory, 0, CONTROL_BYTES / 4);
    this.#words = new Uint32Array(memory, CONTROL_BYTES);
    this.#bytes = Buffer.from(memory, CONTROL_BYTES);
    this.#capacity = memory.byteLength - CONTROL_BYTES;
  }

  /** The longest frame that fits into an empty ring. */
  get maxFrameBytes(): number {
    return this.#capacity / 2 - HEADER_BYTES;
  }

  /**
   * Lets `fill` write a frame of at most `room` bytes in place and return how many it wrote. Returns false, and calls nothing,
   * where there is no room now.
   */
  write(tag: number, room: number, fill: (target: Buffer) => number): boolean {
    const head = this.#control[HEAD]! >>> 0;
    const tail = Atomics.load(this.#control, TAIL) >>> 0;
    const free = this.#capacity - ((head - tail) >>> 0);
    let at = head % this.#capacity;
    const toEnd = this.#capacity - at;
    const needed = HEADER_BYTES + align(room);
    let skipped = 0;
    if (needed > toEnd) {
      skipped = toEnd;
      if (free < toEnd + needed) return false;
      this.#words[at / 4] = WRAP;
      at = 0;
    } else if (free < needed) {
      return false;
    }
    const length = fill(this.#bytes.subarray(at + HEADER_BYTES, at + HEADER_BYTES + room));
    this.#words[at / 4] = length;
    this.#words[at / 4 + 1] = tag;
    Atomics.store(this.#control, HEAD, (head + skipped + HEADER_BYTES + align(length)) | 0);
    return true;
  }

  /** Wakes the reader; says whether it has to be sent a message for that. */
  wake(): Wake {
    Atomics.add(this.#control, BELL, 1);
    if (Atomics.load(this.#control, ASLEEP) === 1) return 'message';
    Atomics.notify(this.#control, BELL);
    return 'none';
  }
}

/** The reading end. */
export class RingReader {
  readonly #control: Int32Array;
  readonly #words: Uint32Array;
  readonly #bytes: Uint8Array;
  readonly #capacity: number;
  #bell: number;
  /** Read, not released. */
  #position: number;

  constructor(memory: SharedArrayBuffer) {
    this.#control = new Int32Array(memory, 0, CONTROL_BYTES / 4);
    this.#words = new Uint32Array(memory, CONTROL_BYTES);
    this.#bytes = new Uint8Array(memory, CONTROL_BYTES);
    this.#capacity = memory.byteLength - CONTROL_BYTES;
    this.#bell = Atomics.load(this.#control, BELL);
    this.#position = this.#control[TAIL]! >>> 0;
  }

  /** The next frame, or undefined. */
  read(): Frame | undefined {
    const head = Atomics.load(this.#control, HEAD) >>> 0;
    if (this.#position === head) return undefined;
    let at = this.#position % this.#capacity;
    if (this.#words[at / 4] === WRAP) {
      this.#position = (this.#position + this.#capacity - at) >>> 0;
      at = 0;
    }
    const length = this.#words[at / 4]!;
    const tag = this.#words[at / 4 + 1]!;
    this.#position = (this.#position + HEADER_BYTES + align(length)) >>> 0;
    return { tag, bytes: this.#bytes.subarray(at + HEADER_BYTES, at + HEADER_BYTES + length) };
  }

  /** Gives the room of all frames read so far back to the writer. */
  release(): void {
    Atomics.store(this.#control, TAIL, this.#position | 0);
  }

  /** Blocks until the writer rings, at most `timeoutMs`; returns at once if it has rung since the last call. */
  wait(timeoutMs: number): boolean {
    if (Atomics.load(this.#control, BELL) === this.#bell) Atomics.wait(this.#control, BELL, this.#bell, timeoutMs);
    return this.#heard();
  }

  /** Says that from now on a message is needed to wake the reader. Returns false if the bell was rung meanwhile. */
  fallAsleep(): boolean {
    Atomics.store(this.#control, ASLEEP, 1);
    if (!this.#heard()) return true;
    this.wakeUp();
    return false;
  }

  wakeUp(): void {
    Atomics.store(this.#control, ASLEEP, 0);
  }

  #heard(): boolean {
    const bell = Atomics.load(this.#control, BELL);
    const rung = bell !== this.#bell;
    this.#bell = bell;
    return rung;
  }
}

function align(length: number): number {
  return Math.ceil(length / 8) * 8;
}
