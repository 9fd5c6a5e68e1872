import type { EventInput } from '@indelible/event';
import type { LogPort } from '../log-port.ts';
import { LogDelivery } from './log-delivery.ts';
import { checkDeliveryOptions } from './delivery-options.ts';
import type { SpoolOptions } from './spool-options.ts';

/** An event with what a retry must repeat: its id and its time. */
export type RecordableEvent = EventInput & { readonly id: string; readonly timestamp: number };

/**
 * Whether what happened can still be prevented. `refusable`: a login, which is refused when it cannot be recorded.
 * `proceeds`: everything that has happened already, a logout or a timeout.
 */
export type RecordKind = 'refusable' | 'proceeds';

/** What became of an event. */
export interface Recorded {
  readonly id: string;
  /** Its place on the record, once it is there. */
  readonly index?: number;
  /** It waits: in the spool, or in memory where there is none. */
  readonly delayed: boolean;
}

/** Options of `openDelivery`. */
export interface DeliveryOptions {
  readonly log: LogPort;
  /** `strict`: what is `refusable` is refused unless the log has it. `spool`: it is kept on the spool instead. */
  readonly mode: 'strict' | 'spool';
  /** Required by mode `spool`; in mode `strict` it keeps what `proceeds`. */
  readonly spool?: SpoolOptions;
  /** How long the log may take for an append. */
  readonly timeoutMs: number;
  /** Written on every event that does not name its own. Default: as `openLog` does. */
  readonly source?: { readonly app?: string | undefined; readonly instance?: string | undefined };
  /** Told about every failure that no caller waits for. Default: a process warning. */
  readonly onError?: (error: unknown) => void;
  readonly nowMs?: () => number;
}

/** The way of events into a log that may be away. */
export interface Delivery {
  /**
   * Records an event.
   *
   * `refusable`: in mode `strict`, resolves when the log has it and rejects with `ERR_SESSION_NOT_DURABLE` when the log does not
   * take it within the time limit; it may be on the record all the same, when only the answer was lost. In mode `spool`, resolves at
   * the latest when it is durable on the spool. `proceeds`: never rejects for a failure of the log, and waits for it no longer
   * than the time limit; the event is spooled, without a spool kept in memory, and delivered in order when the log is back.
   * Then a `capture_gap` says from when to when events were delayed, how many and why.
   *
   * @throws SessionError `ERR_SESSION_NOT_DURABLE`, `ERR_SESSION_DELIVERY_CLOSED`; EventError where the event is not valid; the
   * log's own error where it refuses this event for good.
   */
  record(event: RecordableEvent, kind: RecordKind): Promise<Recorded>;
  /** How many events wait to be delivered. */
  readonly pending: number;
  /**
   * What waits now, in order, each as the entry that it will be: JSON in UTF-8, with its id and its time.
   *
   * An event that is delivered in the meantime may be among them; it is on the record too then.
   */
  waiting(): AsyncIterable<Uint8Array>;
  /** Tries now; resolves when nothing waits any more. @throws SessionError `ERR_SESSION_NOT_DELIVERED` when the log still does not take it. */
  drain(): Promise<void>;
  /** Tries once more, then ends. What is in the spool stays there for the next start; what is lost with memory goes to `onError`. */
  close(): Promise<void>;
}

/**
 * Opens the way of events into a log: with a time limit, and with a place to wait for those that must not be lost.
 *
 * With a spool it takes the spool's lock, checks what an earlier process left there, and starts to deliver it.
 *
 * @throws SessionError `ERR_SESSION_OPTION_INVALID`; with a spool `ERR_SESSION_SPOOL_EPHEMERAL`, `ERR_SESSION_SPOOL_LOCKED`,
 * `ERR_SESSION_SPOOL_UNREADABLE`.
 */
export async function openDelivery(options: DeliveryOptions): Promise<Delivery> {
  const checked = checkDeliveryOptions(options);
  return LogDelivery.open(checked);
}
