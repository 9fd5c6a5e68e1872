import { SessionError } from '../error.ts';
import type { Outage } from './outage.ts';

/** Events that wait for a log to come back, in the order in which they happened. Only who delivers them removes them. */
export interface Backlog {
  /** How many wait. */
  readonly size: number;
  /** Resolves when the event is kept as well as this backlog can. */
  add(text: string): Promise<void>;
  /** Up to `limit` from the front; they stay. At least one, unless nothing waits. */
  peek(limit: number): Promise<readonly string[]>;
  /** Removes as many from the front: the log has them. What it keeps of `outage` outlives the process if the backlog does. */
  settle(count: number, outage: Outage | undefined): Promise<void>;
  /** How many events were found to be missing since it was last asked. */
  takeLost(): number;
}

/** What memory is given for events that wait, where there is no spool. */
const MAX_EVENTS = 100_000;
const MAX_CHARS: number = 64 * 1024 * 1024;

/** A backlog that ends with the process. Bounded: what does not fit is refused, never pushed out. */
export class MemoryBacklog implements Backlog {
  #texts: string[] = [];
  #first = 0;
  #chars = 0;

  get size(): number {
    return this.#texts.length - this.#first;
  }

  /** @throws SessionError `ERR_SESSION_QUEUE_FULL` */
  add(text: string): Promise<void> {
    if (this.size >= MAX_EVENTS || this.#chars + text.length > MAX_CHARS) {
      return Promise.reject(
        new SessionError('ERR_SESSION_QUEUE_FULL', `${this.size} events wait in memory for the log to come back, more do not fit: see why the log is away, and give a spool`),
      );
    }
    this.#texts.push(text);
    this.#chars += text.length;
    return Promise.resolve();
  }

  peek(limit: number): Promise<readonly string[]> {
    return Promise.resolve(this.#texts.slice(this.#first, this.#first + limit));
  }

  takeLost(): number {
    return 0;
  }

  settle(count: number): Promise<void> {
    for (const text of this.#texts.slice(this.#first, this.#first + count)) this.#chars -= text.length;
    this.#first += count;
    // Moving the rest to the front each time would cost the square of the queue.
    if (this.#first * 2 >= this.#texts.length) {
      this.#texts = this.#texts.slice(this.#first);
      this.#first = 0;
    }
    return Promise.resolve();
  }
}
