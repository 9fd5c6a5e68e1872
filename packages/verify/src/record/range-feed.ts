import type { ChainSegment } from './chain.ts';
import { scanRange, type RangeResult, type RangeTask } from './scan-range.ts';

/** Hashes ranges somewhere else; results may come in any order. */
export type RangeExecutor = (task: RangeTask) => Promise<RangeResult | undefined>;

/** A piece of a segment that is being hashed ahead of its turn. */
interface Ahead {
  /** The range was begun in [from, until) of the segment. */
  readonly until: number;
  readonly result: Promise<RangeResult | undefined>;
}

/**
 * Hands out one segment's ranges in order: those hashed ahead where they fit, otherwise hashed on the spot.
 *
 * Ranges hashed ahead begin at a guess, behind the first line that looks like a seal. Whether the guess was right is seen when the
 * reading arrives there; if not, the result is thrown away, so that what is found does not depend on the number of cores.
 */
export class RangeFeed {
  readonly #segment: ChainSegment;
  readonly #end: number;
  readonly #rangeBytes: number;
  readonly #marks: readonly number[];
  readonly #ahead: Ahead[] = [];
  readonly #beforeTake: () => Promise<void>;
  #planned: number;

  /**
   * @param end - The bytes of the segment from here on are not part of the record.
   * @param beforeTake - Called before each range is handed out: time to start others ahead.
   */
  constructor(segment: ChainSegment, end: number, rangeBytes: number, marks: readonly number[], beforeTake: () => Promise<void>) {
    this.#segment = segment;
    this.#end = end;
    this.#rangeBytes = rangeBytes;
    this.#marks = marks;
    this.#beforeTake = beforeTake;
    this.#planned = segment.header.byteLength;
  }

  /** Ranges that were started ahead and not handed out yet. */
  get aheadCount(): number {
    return this.#ahead.length;
  }

  /** Starts hashing the next range ahead; false where there is none left. */
  startNext(execute: RangeExecutor): boolean {
    const from = this.#planned;
    if (from >= this.#end) return false;
    const { byteLength, size } = this.#segment.header;
    const until = this.#boundaryBehind(from);
    const result = execute(this.#task(from, from === byteLength ? size : undefined, until));
    // It is awaited in its turn; a failure before that must not count as unhandled.
    result.catch(() => undefined);
    this.#ahead.push({ until, result });
    this.#planned = until;
    return true;
  }

  /** The range that begins at byte `from` with entry `begin`. */
  async take(from: number, begin: number): Promise<RangeResult> {
    await this.#beforeTake();
    while (this.#ahead[0] !== undefined && this.#ahead[0].until <= from) this.#ahead.shift();
    const ahead = await this.#ahead[0]?.result;
    if (ahead !== undefined && ahead.from === from && ahead.begin === begin) {
      this.#ahead.shift();
      return ahead;
    }
    const until = this.#boundaryBehind(from);
    if (until > this.#planned) this.#planned = until;
    return this.scan(from, begin, until, this.#end);
  }

  /** Hashes a range on the spot. */
  scan(from: number, begin: number, until: number, end: number): RangeResult {
    const range = scanRange({ ...this.#task(from, begin, until), end });
    if (range === undefined) throw new Error('internal: a range with a known beginning was not found');
    return range;
  }

  #boundaryBehind(at: number): number {
    const { byteLength } = this.#segment.header;
    const whole = Math.floor((at - byteLength) / this.#rangeBytes) + 1;
    return Math.min(byteLength + whole * this.#rangeBytes, this.#end);
  }

  #task(from: number, begin: number | undefined, until: number): RangeTask {
    const vkey = this.#segment.header.key.text;
    return { path: this.#segment.path, from, begin, until, end: this.#end, vkey, entriesOnly: false, marks: this.#marks };
  }
}
