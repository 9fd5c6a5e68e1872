import type { RecordReader, SealedEntry } from './read/record-reader.ts';

/** Entries that wait for a slow follower; beyond that it reads them from the record instead. */
const MAX_WAITING = 16_384;

/** Entries as they are acknowledged, for followers in this process: what was just written need not be read back. */
export class LiveFeed {
  readonly #listeners = new Set<FeedListener>();

  /** Somebody listens. */
  get heard(): boolean {
    return this.#listeners.size > 0;
  }

  /** Passes an acknowledged entry on. */
  pass(index: number, line: string): void {
    for (const listener of this.#listeners) listener.offer(index, line);
  }

  /** From now on nothing is missed. Close the listener when done. */
  listen(): FeedListener {
    const listener: FeedListener = new FeedListener(() => this.#listeners.delete(listener));
    this.#listeners.add(listener);
    return listener;
  }

  /** Nothing will come any more. */
  end(): void {
    for (const listener of this.#listeners) listener.close();
  }
}

/** One follower's queue. Entries may be missing in it (then the next index is too high), never out of order. */
export class FeedListener {
  readonly #stop: () => void;
  readonly #text = new TextEncoder();
  #waiting: { readonly index: number; readonly line: string }[] = [];
  #wake: (() => void) | undefined;
  #closed = false;

  constructor(stop: () => void) {
    this.#stop = stop;
  }

  offer(index: number, line: string): void {
    if (this.#waiting.length >= MAX_WAITING) this.#waiting = [];
    this.#waiting.push({ index, line });
    this.#wake?.();
  }

  /** What has come since the last call, at least one entry; waits for it. Undefined when closed. */
  async take(): Promise<SealedEntry[] | undefined> {
    if (this.#waiting.length === 0 && !this.#closed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
    const taken = this.#waiting;
    this.#waiting = [];
    return taken.length > 0 ? taken.map(({ index, line }) => ({ index, bytes: this.#text.encode(line) })) : undefined;
  }

  close(): void {
    this.#closed = true;
    this.#stop();
    this.#wake?.();
  }
}

/** What is on the record from an index on, then what a listener hears until it is closed. Closes the listener. */
export async function* followRecord(
  reader: RecordReader,
  listener: FeedListener | undefined,
  from: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<SealedEntry, void, undefined> {
  const stop = (): void => listener?.close();
  signal?.addEventListener('abort', stop, { once: true });
  try {
    let next = from;
    for await (const entry of reader.entries({ from })) {
      if (signal?.aborted === true) return;
      yield entry;
      next = entry.index + 1;
    }
    for (let heard = await listener?.take(); heard !== undefined; heard = await listener?.take()) {
      for (const entry of heard) {
        if (entry.index < next) continue;
        // A follower that was too slow, or an append that failed and is on the record all the same.
        for (let missing = next; missing < entry.index; missing++) yield { index: missing, bytes: await reader.entry(missing) };
        if (signal?.aborted === true) return;
        yield entry;
        next = entry.index + 1;
      }
    }
  } finally {
    signal?.removeEventListener('abort', stop);
    listener?.close();
  }
}
