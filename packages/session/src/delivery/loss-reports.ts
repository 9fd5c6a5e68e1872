import { SessionError } from '../error.ts';
import { causeOf } from './outage.ts';

const EVERY_MS = 1_000;

/** Says which events are lost: the first at once, then how many in each second. A flood of them must not become one of reports. */
export class LossReports {
  readonly #report: (error: unknown) => void;
  #timer: NodeJS.Timeout | undefined;
  #count = 0;
  #last: { readonly event: string; readonly id: string; readonly cause: unknown } | undefined;

  constructor(report: (error: unknown) => void) {
    this.#report = report;
  }

  add(event: { readonly event: string; readonly id: string }, cause: unknown): void {
    this.#count++;
    this.#last = { event: event.event, id: event.id, cause };
    if (this.#timer !== undefined) return;
    this.#say();
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#say();
    }, EVERY_MS);
    this.#timer.unref();
  }

  /** Says now what was not said yet. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#say();
  }

  #say(): void {
    const last = this.#last;
    if (last === undefined) return;
    const what = this.#count === 1 ? `1 event is lost, the ${last.event} ${last.id}` : `${this.#count} events are lost, the last the ${last.event} ${last.id}`;
    const error = new SessionError('ERR_SESSION_EVENT_LOST', `${what} (${causeOf(last.cause)}); the capture_gap of this outage will count them`, undefined, last.cause);
    this.#count = 0;
    this.#last = undefined;
    this.#report(error);
  }
}
