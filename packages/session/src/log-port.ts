import type { EventInput } from '@indelible/event';

/** The answer to an append: the event is durable, under this id, at this place of the record. */
export interface Acknowledgement {
  readonly id: string;
  readonly index: number;
}

/**
 * What this package needs of a log; `Log` of `@indelible/log` is one.
 *
 * `append` MUST take what it needs of the event before it returns, and MUST resolve only when the event is durable.
 */
export interface LogPort {
  append(event: EventInput): Promise<Acknowledgement>;
}

/** A sealed entry and its place: one line of JSON, the bytes that were hashed. */
export interface PlacedEntry {
  readonly index: number;
  readonly bytes: Uint8Array;
}

/**
 * What the tracker needs of a log: it writes, and it reads what anybody wrote. `Log` of `@indelible/log` is one.
 *
 * The same id with the same content MUST be recorded once, however often and by whomever it is appended.
 */
export interface TrackerPort extends LogPort {
  /** Appends several events, in order. */
  appendAll?(events: readonly EventInput[]): Promise<Acknowledgement[]>;
  /** Sealed entries in order, from an index on; with `follow` it goes on waiting until `signal` is aborted. */
  follow(options: { readonly from: number; readonly follow: boolean; readonly signal?: AbortSignal }): AsyncIterable<PlacedEntry>;
  /** Entries from which the open sessions can be computed, and where to follow on. A file log gives all of the record. */
  openSessions(): Promise<{ readonly entries: AsyncIterable<PlacedEntry>; readonly next: number }>;
  /** Other processes write to this log too. Default false. */
  readonly shared?: boolean;
  /** What the log writes on entries that name no application and no instance; the tracker takes them over. */
  readonly app?: string;
  readonly instance?: string;
}
