import { AsyncLocalStorage } from 'node:async_hooks';

/** Where an event came from: what goes into the fields `ip`, `userAgent` and `resource` of an entry. */
export interface Origin {
  /** The client's address, as {@link clientAddress} gives it. */
  readonly ip?: string | undefined;
  /** The client's own words about itself; nobody vouches for them. */
  readonly userAgent?: string | undefined;
  /** What was touched, such as `POST /login`. */
  readonly resource?: string | undefined;
}

// On globalThis and not in this module: a bundler, or two versions in one tree, make several copies of a module, and a request
// that one copy entered must be known to the others. The number is that of the contract of Origin.
const ORIGINS = Symbol.for('@indelible/session request origins 1');
const shared = globalThis as unknown as { [ORIGINS]?: AsyncLocalStorage<Origin> };
const origins = (shared[ORIGINS] ??= new AsyncLocalStorage<Origin>());

/**
 * Runs `fn`, and whatever it starts, as part of the request that came from `origin`; gives what `fn` gives.
 *
 * For events that arise far from the request: in a hook of a framework, a strategy, a server action. Nested calls replace the
 * origin for their own duration. Costs an object per request, nothing per await.
 */
export function runWithOrigin<T>(origin: Origin, fn: () => T): T {
  return origins.run(origin, fn);
}

/** The origin of the request that is being served, or `undefined` outside of {@link runWithOrigin}. */
export function currentOrigin(): Origin | undefined {
  return origins.getStore();
}
