import type { Acknowledgement } from '@indelible/log';

/** An append that failed, with the line that it was for. */
export interface FailedLine {
  readonly line: number;
  readonly error: unknown;
}

interface Slot {
  readonly line: number;
  readonly bytes: number;
  ack: Acknowledgement | undefined;
  settled: boolean;
}

/**
 * Appends under way, answered in the order of the input however they settle. Bounded by its user: `hasRoom` says when to go on.
 */
export class Acknowledgements {
  readonly #emit: (ack: Acknowledgement) => Promise<void>;
  readonly #maxCount: number;
  readonly #maxBytes: number;
  #slots: Slot[] = [];
  #head = 0;
  #bytes = 0;
  #failures: FailedLine[] = [];
  #wake: (() => void) | undefined;

  constructor(emit: (ack: Acknowledgement) => Promise<void>, limits: { readonly count: number; readonly bytes: number }) {
    this.#emit = emit;
    this.#maxCount = limits.count;
    this.#maxBytes = limits.bytes;
  }

  /** Lines that were not recorded, in order. */
  get failures(): readonly FailedLine[] {
    return this.#failures.toSorted((a, b) => a.line - b.line);
  }

  get hasFailed(): boolean {
    return this.#failures.length > 0;
  }

  /** Takes in the answer for one line. */
  add(line: number, bytes: number, answer: Promise<Acknowledgement>): void {
    const slot: Slot = { line, bytes, ack: undefined, settled: false };
    this.#slots.push(slot);
    this.#bytes += bytes;
    answer.then(
      (ack) => {
        slot.ack = ack;
        this.#settle(slot);
      },
      (error: unknown) => {
        this.#failures.push({ line, error });
        this.#settle(slot);
      },
    );
  }

  /** Resolves when there is room for more. */
  async room(): Promise<void> {
    while (this.#slots.length - this.#head >= this.#maxCount || this.#bytes >= this.#maxBytes) await this.#change();
  }

  /** Resolves when everything is answered. */
  async all(): Promise<void> {
    while (this.#head < this.#slots.length) await this.#change();
  }

  #settle(settled: Slot): void {
    settled.settled = true;
    for (let slot = this.#slots[this.#head]; slot?.settled === true; slot = this.#slots[this.#head]) {
      this.#head++;
      this.#bytes -= slot.bytes;
      if (slot.ack !== undefined) void this.#emit(slot.ack);
    }
    if (this.#head > 4_096) {
      this.#slots = this.#slots.slice(this.#head);
      this.#head = 0;
    }
    this.#wake?.();
    this.#wake = undefined;
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
