/** Where a failure goes that nobody waits for. */
type Report = (failure: unknown) => void;

/** What all promises have in common that lead back to one piece of work. */
interface Origin {
  readonly report: Report;
  /** Whether the work failed, and with what. */
  failed: boolean;
  failure: unknown;
}

/**
 * A promise for the outcome of `work` whose failure is always heard: by whoever waits for it, or else by `report`.
 *
 * Whoever waits (`await`, `then`, `catch`, `Promise.all`, …) gets the failure, as with any promise. Where nobody does by the end
 * of the turn in which the work fails, `report` gets it, once, instead of Node's handler of unhandled rejections, which ends the
 * process; who comes later still gets it too. The same holds along `then` and `finally`. An error that somebody's own callback
 * throws is none of this: it stays what it is.
 */
export function heardPromise<T>(work: PromiseLike<T>, report: Report): Promise<T> {
  return HeardPromise.of(work, report);
}

// A subclass, because only that is asked: `await` looks into a plain promise without calling its `then`, whereas for a promise
// of another constructor, `await`, `Promise.all` and `return` in an async function all call it (ECMA-262 §27.2.4.7.1, §27.2.1.3.2).
class HeardPromise<T> extends Promise<T> {
  #heard = false;
  #origin: Origin | undefined;

  static of<T>(work: PromiseLike<T>, report: Report): HeardPromise<T> {
    const origin: Origin = { report, failed: false, failure: undefined };
    const promise = new HeardPromise<T>((resolve, reject) => {
      work.then(resolve, (failure: unknown) => {
        origin.failed = true;
        origin.failure = failure;
        reject(failure);
      });
    });
    promise.#watch(origin);
    return promise;
  }

  // oxlint-disable-next-line unicorn/no-thenable -- it is a promise
  override then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((failure: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#heard = true;
    const next = super.then(onFulfilled, onRejected) as HeardPromise<A | B>;
    if (this.#origin !== undefined) next.#watch(this.#origin);
    return next;
  }

  #watch(origin: Origin): void {
    this.#origin = origin;
    // `await` subscribes a microtask after the call. A tick that is asked for within the microtasks comes behind all of them, at
    // the moment at which Node itself calls a rejection unhandled.
    void super.then(undefined, (failure: unknown) => process.nextTick(() => this.#settle(origin, failure)));
  }

  #settle(origin: Origin, failure: unknown): void {
    if (this.#heard) return;
    if (origin.failed && failure === origin.failure) origin.report(failure);
    // Thrown by a callback of the caller's, and handled so far by #watch alone: give it back to Node.
    else void Promise.reject(failure as Error);
  }
}
