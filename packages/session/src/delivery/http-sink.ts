import { createId, encodeEvent, entryFact, type EventInput } from '@indelible/event';
import { SessionError } from '../error.ts';
import type { Acknowledgement, LogPort } from '../log-port.ts';
import { checkHttpOptions, type CheckedHttpOptions, type HttpSinkOptions } from './http-options.ts';
import { postEvents, type HttpEvent } from './http-request.ts';

/** A log that is somewhere else, behind HTTP. */
export interface HttpSink extends LogPort {
  /** Rejects with the first failure; each event may be on the record all the same, and may be sent again under its id. */
  appendAll(events: readonly EventInput[]): Promise<Acknowledgement[]>;
  /** Waits for what is under way. */
  close(): Promise<void>;
}

interface Waiting extends HttpEvent {
  readonly resolve: (ack: Acknowledgement) => void;
  readonly reject: (error: unknown) => void;
}

const MAX_BATCH = 1_000;
const MAX_BATCH_CHARS = 1 << 20;
const MAX_QUEUED = 65_536;

/**
 * Makes a log port that sends events to a log service: `POST <url>/v1/events`, one event a line, answered by one
 * `{"id":…,"index":…}` a line in the same order.
 *
 * An append resolves when the service has acknowledged it. Events go one request at a time, so that they keep their order; those
 * that come while a request is under way go together in the next. Answers 429 and 503 are tried again within the time limit, as
 * `Retry-After` says. Each event is checked and its secrets redacted before it leaves this process. Redirections are not followed:
 * the token goes where it was meant to go.
 *
 * Appends reject with SessionError `ERR_SESSION_SINK_UNAVAILABLE` (try again, the id makes that harmless),
 * `ERR_SESSION_SINK_UNAUTHORIZED`, `ERR_SESSION_SINK_REFUSED` (this event, for good), `ERR_SESSION_SINK_ANSWER_INVALID`,
 * `ERR_SESSION_QUEUE_FULL`; with EventError where the event is not valid.
 *
 * @throws SessionError `ERR_SESSION_OPTION_INVALID`
 */
export function httpSink(options: HttpSinkOptions): HttpSink {
  return new QueuedSink(checkHttpOptions(options));
}

class QueuedSink implements HttpSink {
  readonly #options: CheckedHttpOptions;
  #queue: Waiting[] = [];
  #sending: Promise<void> | undefined;

  constructor(options: CheckedHttpOptions) {
    this.#options = options;
  }

  async append(event: EventInput): Promise<Acknowledgement> {
    const nowMs = Date.now();
    const id = event.id ?? createId(nowMs);
    const timestamp = event.timestamp ?? (event.id === undefined ? nowMs : undefined);
    const line = entryFact(encodeEvent({ ...event, id, timestamp }, { nowMs, defaults: this.#options.source }));
    if (this.#queue.length >= MAX_QUEUED) {
      throw new SessionError('ERR_SESSION_QUEUE_FULL', `${this.#queue.length} events wait to be sent to ${this.#options.endpoint.origin}: wait for acknowledgements, then try again`);
    }
    return new Promise((resolve, reject) => {
      this.#queue.push({ id, line, resolve, reject });
      this.#sending ??= this.#send().finally(() => {
        this.#sending = undefined;
      });
    });
  }

  appendAll(events: readonly EventInput[]): Promise<Acknowledgement[]> {
    return Promise.all(events.map((event) => this.append(event)));
  }

  async #send(): Promise<void> {
    await Promise.resolve(); // whoever appends in the same turn comes along
    while (this.#queue.length > 0) {
      let chars = 0;
      const full = this.#queue.findIndex(({ line }, at) => at > 0 && (at === MAX_BATCH || (chars += line.length) > MAX_BATCH_CHARS));
      await this.#sendBatch(this.#queue.splice(0, full < 0 ? this.#queue.length : full));
    }
  }

  async #sendBatch(batch: readonly Waiting[]): Promise<void> {
    try {
      const indexes = await postEvents(batch, this.#options);
      for (const [at, { id, resolve }] of batch.entries()) resolve({ id, index: indexes[at]! });
    } catch (error) {
      if (batch.length > 1 && error instanceof SessionError && error.code === 'ERR_SESSION_SINK_REFUSED') {
        // One of them is at fault: it alone is to be refused.
        const half = Math.ceil(batch.length / 2);
        await this.#sendBatch(batch.slice(0, half));
        await this.#sendBatch(batch.slice(half));
      } else for (const { reject } of batch) reject(error);
    }
  }

  async close(): Promise<void> {
    await this.#sending;
  }
}
