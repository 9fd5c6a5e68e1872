import type { Chain, ChainSegment } from './chain.ts';
import { RangeFeed, type RangeExecutor } from './range-feed.ts';
import { validEnd } from './read-segment.ts';

/** A segment whose turn comes, with its ranges. */
export interface ScheduledSegment {
  readonly segment: ChainSegment;
  readonly feed: RangeFeed;
}

/** How to hash ahead of the reading. */
export interface Ahead {
  readonly execute: RangeExecutor;
  /** Ranges to keep started and not yet taken: bounds memory. */
  readonly limit: number;
}

/**
 * Hands out the segments of a chain in order, and follows the chain ahead of that to start hashing ranges of what comes next.
 */
export class Schedule {
  readonly #segments: AsyncGenerator<ChainSegment, void, undefined>;
  readonly #rangeBytes: number;
  readonly #marks: readonly number[];
  readonly #ahead: Ahead | undefined;
  /** Segments found and not finished; the first is the one being read. */
  readonly #queue: ScheduledSegment[] = [];
  #ended = false;

  /** Without `ahead` everything is hashed in its turn. */
  constructor(chain: Chain, rangeBytes: number, marks: readonly number[], ahead: Ahead | undefined) {
    this.#segments = chain.segments();
    this.#rangeBytes = rangeBytes;
    this.#marks = marks;
    this.#ahead = ahead;
  }

  /** Yields each segment in its turn. */
  async *segments(): AsyncGenerator<ScheduledSegment, void, undefined> {
    while (this.#queue.length > 0 || (await this.#enqueue())) {
      yield this.#queue[0]!;
      this.#queue.shift();
    }
  }

  async #enqueue(): Promise<boolean> {
    if (this.#ended) return false;
    const { value: segment } = await this.#segments.next();
    if (segment === undefined) {
      this.#ended = true;
      return false;
    }
    const feed = new RangeFeed(segment, validEnd(segment), this.#rangeBytes, this.#marks, () => this.#fill());
    this.#queue.push({ segment, feed });
    return true;
  }

  async #fill(): Promise<void> {
    if (this.#ahead === undefined) return;
    const { execute, limit } = this.#ahead;
    for (let position = 0; ; position++) {
      if (position === this.#queue.length && !(await this.#enqueue())) return;
      const { feed } = this.#queue[position]!;
      while (this.#started() < limit && feed.startNext(execute));
      if (this.#started() >= limit) return;
    }
  }

  #started(): number {
    return this.#queue.reduce((count, { feed }) => count + feed.aheadCount, 0);
  }
}
