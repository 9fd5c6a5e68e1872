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
