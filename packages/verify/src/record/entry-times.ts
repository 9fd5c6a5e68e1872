import type { EventName } from '@indelible/event';

/** A place where time went back: the entry at `index` is `backMs` older than the one before it. */
export interface ClockStep {
  readonly index: number;
  readonly backMs: number;
}

/** What the entries of a run say about time and about the log's own life; nothing of it is proven but that it was recorded. */
export interface EntryStats {
  readonly firstMs: number | undefined;
  /** Index of the first entry whose time could be read. */
  readonly firstTimed: number;
  readonly lastMs: number | undefined;
  readonly longestSilenceMs: number;
  readonly heartbeats: number;
  /** `log_recovered` entries. */
  readonly recoveries: number;
  readonly clockSteps: number;
  /** The first few of them. */
  readonly steps: readonly ClockStep[];
}

/** Steps that are listed; the rest is counted. */
export const MAX_STEPS = 5;
/** A step back that is worth a word: below it, two writers of one clock overtake each other. */
const STEP_MS = 1_000;

// An entry begins {"id":"<36>","timestamp":"<24>", perhaps "recordedAt":"<24>", and "event":" (docs/spec/record.md §3).
const TIMESTAMP_AT = 58;
const RECORDED_AT = 98;
const EVENT_AT = 93;
const RECORDED_EVENT_AT = 133;
const MIN_BYTES = 100;

const NO_DIGIT = -1;
const DIGIT: Int8Array = new Int8Array(256).fill(NO_DIGIT);
for (let digit = 0; digit <= 9; digit++) DIGIT[0x30 + digit] = digit;

// With the quote that ends the value, so that no longer name matches. The compiler holds them to the vocabulary.
const HEARTBEAT = `${'heartbeat' satisfies EventName}"`;
const LOG_RECOVERED = `${'log_recovered' satisfies EventName}"`;
const KEY_CHANGED = `${'key_changed' satisfies EventName}"`;

const [LETTER_R, LETTER_E, LETTER_H, LETTER_K, LETTER_L, UNDERSCORE] = [0x72, 0x65, 0x68, 0x6b, 0x6c, 0x5f] as const;

/**
 * Reads times and kinds at their fixed places, without parsing JSON, entry by entry.
 *
 * What is not laid out like an event is not an error here: an entry is opaque to the proof. Entries count once the seal that
 * covers them has been accepted, hence `commit`.
 */
export class EntryTimes {
  #firstMs: number | undefined;
  #firstTimed = 0;
  #lastMs: number | undefined;
  #longestSilenceMs = 0;
  #heartbeats = 0;
  #recoveries = 0;
  #clockSteps = 0;
  readonly #steps: ClockStep[] = [];
  #committed: EntryStats = emptyStats();
  #committedSteps = 0;
  #dayKey = NO_DIGIT;
  #dayMs = 0;
  /** Whether the last entry added claims to be a change of key. */
  lastIsKeyChange = false;

  /** Reads the entry with this index in `bytes` from `start` to `end` (its LF). */
  add(bytes: Uint8Array, start: number, end: number, index: number): void {
    this.lastIsKeyChange = false;
    if (end - start < MIN_BYTES) return;
    const recorded = bytes[start + 85] === LETTER_R;
    if (!recorded && bytes[start + 85] !== LETTER_E) return;
    this.#addTime(bytes, start + (recorded ? RECORDED_AT : TIMESTAMP_AT), index);
    const event = start + (recorded ? RECORDED_EVENT_AT : EVENT_AT);
    const letter = bytes[event];
    if (letter === LETTER_H) {
      if (hasText(bytes, event, end, HEARTBEAT)) this.#heartbeats++;
    } else if (letter === LETTER_L) {
      if (bytes[event + 3] === UNDERSCORE && hasText(bytes, event, end, LOG_RECOVERED)) this.#recoveries++;
    } else if (letter === LETTER_K) {
      this.lastIsKeyChange = hasText(bytes, event, end, KEY_CHANGED);
    }
  }

  #addTime(bytes: Uint8Array, at: number, index: number): void {
    // 2026-11-20T10:00:00.000Z: a digit that is none makes its pair negative, and so the sign of `all`.
    const century = pair(bytes, at);
    const year = pair(bytes, at + 2);
    const month = pair(bytes, at + 5);
    const day = pair(bytes, at + 8);
    const hour = pair(bytes, at + 11);
    const minute = pair(bytes, at + 14);
    const second = pair(bytes, at + 17);
    const hundredths = pair(bytes, at + 20);
    const thousandth = DIGIT[bytes[at + 22]!]!;
    const all = century | year | month | day | hour | minute | second | hundredths | thousandth;
    if (all < 0 || hour > 23 || minute > 59 || second > 60) return;
    const dayKey = ((century * 100 + year) * 100 + month) * 100 + day;
    if (dayKey !== this.#dayKey) {
      this.#dayKey = dayKey;
      this.#dayMs = Date.UTC(century * 100 + year, month - 1, day);
    }
    const timeMs = this.#dayMs + ((hour * 60 + minute) * 60 + second) * 1_000 + hundredths * 10 + thousandth;
    const lastMs = this.#lastMs;
    this.#lastMs = timeMs;
    if (lastMs !== undefined) return this.#compare(timeMs - lastMs, index);
    this.#firstMs = timeMs;
    this.#firstTimed = index;
  }

  #compare(silenceMs: number, index: number): void {
    if (silenceMs > this.#longestSilenceMs) this.#longestSilenceMs = silenceMs;
    if (silenceMs >= -STEP_MS) return;
    this.#clockSteps++;
    if (this.#steps.length < MAX_STEPS) this.#steps.push({ index, backMs: -silenceMs });
  }

  /** Everything added so far is now under an accepted seal. */
  commit(): void {
    this.#committedSteps = this.#steps.length;
    this.#committed = {
      ...{ firstMs: this.#firstMs, firstTimed: this.#firstTimed, lastMs: this.#lastMs, longestSilenceMs: this.#longestSilenceMs },
      ...{ heartbeats: this.#heartbeats, recoveries: this.#recoveries, clockSteps: this.#clockSteps, steps: [] },
    };
  }

  /** What was committed. */
  stats(): EntryStats {
    return { ...this.#committed, steps: this.#steps.slice(0, this.#committedSteps) };
  }
}

/** The statistics of no entries at all. */
export function emptyStats(): EntryStats {
  return { firstMs: undefined, firstTimed: 0, lastMs: undefined, longestSilenceMs: 0, heartbeats: 0, recoveries: 0, clockSteps: 0, steps: [] };
}

/** Joins the statistics of a run with those of the run behind it. */
export function joinStats(a: EntryStats, b: EntryStats): EntryStats {
  const gapMs = a.lastMs === undefined || b.firstMs === undefined ? 0 : b.firstMs - a.lastMs;
  const step = gapMs < -STEP_MS ? [{ index: b.firstTimed, backMs: -gapMs }] : [];
  return {
    firstMs: a.firstMs ?? b.firstMs,
    firstTimed: a.firstMs === undefined ? b.firstTimed : a.firstTimed,
    lastMs: b.lastMs ?? a.lastMs,
    longestSilenceMs: Math.max(a.longestSilenceMs, b.longestSilenceMs, gapMs),
    heartbeats: a.heartbeats + b.heartbeats,
    recoveries: a.recoveries + b.recoveries,
    clockSteps: a.clockSteps + b.clockSteps + step.length,
    steps: [...a.steps, ...step, ...b.steps].slice(0, MAX_STEPS),
  };
}

function pair(bytes: Uint8Array, at: number): number {
  const tens = DIGIT[bytes[at]!]!;
  const ones = DIGIT[bytes[at + 1]!]!;
  return (tens | ones) < 0 ? NO_DIGIT : tens * 10 + ones;
}

function hasText(bytes: Uint8Array, at: number, end: number, text: string): boolean {
  if (at + text.length > end) return false;
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false;
  return true;
}
