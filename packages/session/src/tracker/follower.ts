import type { PlacedEntry, TrackerPort } from '../log-port.ts';

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 10_000;

/** Reads what anybody writes to the log, in order and without end, and begins again where it was when the log goes away. */
export class Follower {
  readonly #port: TrackerPort;
  readonly #take: (entry: PlacedEntry) => void;
  readonly #report: (error: unknown) => void;
  readonly #abort = new AbortController();
  #waiters: { readonly index: number; readonly resolve: () => void }[] = [];
  #next: number;
  #running: Promise<void>;

  /** Starts at once. `take` gets each entry from `from` on once. */
  constructor(port: TrackerPort, from: number, take: (entry: PlacedEntry) => void, report: (error: unknown) => void) {
    this.#port = port;
    this.#next = from;
    this.#take = take;
    this.#report = report;
    this.#running = this.#run();
  }

  /** The index of the first entry that was not taken yet. */
  get next(): number {
    return this.#next;
  }

  /** Resolves in the turn in which the entry with this index was taken, or when the follower is closed. */
  reached(index: number): Promise<void> {
    if (index < this.#next || this.#abort.signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiters.push({ index, resolve });
    });
  }

  async close(): Promise<void> {
    this.#abort.abort();
    this.#release(Number.POSITIVE_INFINITY);
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort;
    for (let failures = 0; !signal.aborted; ) {
      try {
        for await (const entry of this.#port.follow({ from: this.#next, follow: true, signal })) {
          if (signal.aborted) return;
          failures = 0;
          if (entry.index < this.#next) continue;
          this.#take(entry);
          this.#next = entry.index + 1;
          if (this.#waiters.length > 0) this.#release(entry.index);
        }
      } catch (error) {
        if (signal.aborted) return;
        if (failures === 0) this.#report(error);
      }
      failures++;
      await pause(Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(failures - 1, 10)), signal);
    }
  }

  #release(index: number): void {
    const due = this.#waiters.filter((waiter) => waiter.index <= index);
    if (due.length === 0) return;
    this.#waiters = this.#waiters.filter((waiter) => waiter.index > index);
    for (const waiter of due) waiter.resolve();
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    timer.unref();
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
    signal.addEventListener('abort', done, { once: true });
  });
}
