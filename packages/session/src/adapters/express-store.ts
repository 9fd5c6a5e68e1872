import type { Request } from 'express';
import type { Store } from 'express-session';

/** A store as express-session leaves it: it adds `generate`. */
export type ExpressStore = Store & { generate(req: Request): void; regenerate?(req: Request, done: Done): unknown };

/** What a request did, as far as its store sees it. */
export interface StoreVisit {
  /** The request; its session is gone once the application gave that up. */
  readonly request: Request;
  /** The session that the store was told to destroy while this request used it. */
  destroyedSid: string | undefined;
  /** The store has yet to say whether it did. */
  isDestroying: boolean;
  /** Another request that uses the same session. */
  next: StoreVisit | undefined;
}

type Done = (error?: unknown) => void;

const SMALLEST_PRUNE = 1024;

/** Sessions know their request, and ask the store from within: it is on its way while this holds. */
let asking: Request | undefined;
const WATCHED_SESSION = Symbol('indelible watches these sessions');

/**
 * Listens to the two calls of express-session stores that say what a comparison of before and after cannot.
 *
 * `generate` for a request without a session: its cookie was genuine, and the store has no session for it. `destroy`: by a request
 * that uses the session, that its end is no mere omission (`unset: 'keep'`); by anything else, that somebody ended it from outside.
 */
export class StoreWatch {
  readonly #watched = new WeakSet<ExpressStore>();
  readonly #presented = new WeakMap<Request, string>();
  readonly #visits = new Map<string, StoreVisit>();
  #count = 0;
  #pruneAt = SMALLEST_PRUNE;
  readonly #visitOf: (req: Request) => StoreVisit | undefined;
  readonly #onDestroyed: (sid: string, by: Request | undefined) => void;

  /** `onDestroyed` is told when a session has been destroyed, and by which request of its own; undefined: from outside. */
  constructor(visitOf: (req: Request) => StoreVisit | undefined, onDestroyed: (sid: string, by: Request | undefined) => void) {
    this.#visitOf = visitOf;
    this.#onDestroyed = onDestroyed;
  }

  /** Watches a store from now on, once. */
  watch(store: ExpressStore): void {
    if (this.#watched.has(store)) return;
    this.#watched.add(store);
    const generate = store.generate.bind(store);
    const destroy = store.destroy.bind(store);
    const regenerate = store.regenerate?.bind(store);
    store.generate = (req) => {
      // At this moment the request's id is the one that its cookie brought, and the store did not know; a signature was checked.
      const sid = (req as { sessionID?: unknown }).sessionID;
      const isLoad = (req as { session?: unknown }).session === undefined;
      generate(req);
      if (isLoad && typeof sid === 'string' && sid !== req.sessionID) this.#presented.set(req, sid);
    };
    if (regenerate !== undefined) store.regenerate = (req, done) => askedBy(req, () => regenerate(req, done));
    store.destroy = (sid: string, done?: Done) => {
      const by = asking ?? this.#withoutSession(sid);
      const visits = this.#visitsOf(sid);
      const own = by === undefined ? undefined : this.#visitOf(by);
      // It has the session since it logged somebody in, or its response is closed.
      if (own !== undefined && !visits.includes(own)) visits.push(own);
      for (const visit of visits) {
        visit.destroyedSid = sid;
        visit.isDestroying = true;
      }
      const onEnd = (error?: unknown): void => {
        const hasFailed = error !== undefined && error !== null;
        for (const visit of visits) visit.isDestroying = false;
        if (hasFailed) for (const visit of visits) visit.destroyedSid = undefined;
        else this.#onDestroyed(sid, by);
        done?.(error);
      };
      if (done !== undefined) return destroy(sid, onEnd);
      // Stores that give a promise give it, with its rejection, to who calls without a callback.
      const work: unknown = destroy(sid);
      if (work instanceof Promise) work.then(() => onEnd(), onEnd);
      else onEnd();
      return work as void;
    };
  }

  /** The id that a request brought and its store does not know. */
  presented(req: Request): string | undefined {
    return this.#presented.get(req);
  }

  /** A request uses the session: until `leave`. */
  enter(sid: string, visit: StoreVisit): void {
    visit.next = this.#visits.get(sid);
    this.#visits.set(sid, visit);
    if (++this.#count >= this.#pruneAt) this.#prune();
  }

  leave(sid: string, visit: StoreVisit): void {
    const newest = this.#visits.get(sid);
    if (newest === visit) {
      this.#count--;
      if (visit.next === undefined) this.#visits.delete(sid);
      else this.#visits.set(sid, visit.next);
      return;
    }
    for (let other = newest; other !== undefined; other = other.next) {
      if (other.next !== visit) continue;
      this.#count--;
      other.next = visit.next;
      return;
    }
  }

  /** Node tells pipelined responses nothing when their connection is lost before their turn. */
  #prune(): void {
    for (const sid of this.#visits.keys()) for (const visit of this.#visitsOf(sid)) if (visit.request.socket.destroyed) this.leave(sid, visit);
    this.#pruneAt = Math.max(SMALLEST_PRUNE, 2 * this.#count);
  }

  #visitsOf(sid: string): StoreVisit[] {
    const visits: StoreVisit[] = [];
    for (let visit = this.#visits.get(sid); visit !== undefined; visit = visit.next) visits.push(visit);
    return visits;
  }

  /** The request that gave its session up with `req.session = null`: express-session destroys it then. */
  #withoutSession(sid: string): Request | undefined {
    return this.#visitsOf(sid).find(({ request }) => (request as { session?: unknown }).session === null || request.session === undefined)?.request;
  }
}

/** Watches the sessions of this kind from now on, once: `req.session.destroy()` tells the store an id, and not by whom. */
export function watchSessions(session: object): void {
  const prototype = Object.getPrototypeOf(session) as { [WATCHED_SESSION]?: true; destroy?: (done?: Done) => unknown } | null;
  if (prototype === null || prototype === Object.prototype || prototype[WATCHED_SESSION] === true) return;
  const { destroy } = prototype;
  if (typeof destroy !== 'function') return;
  Object.defineProperty(prototype, WATCHED_SESSION, { value: true });
  Object.defineProperty(prototype, 'destroy', {
    configurable: true,
    enumerable: false,
    writable: true,
    value(this: { readonly req?: Request }, done?: Done): unknown {
      return askedBy(this.req, () => destroy.call(this, done));
    },
  });
}

function askedBy<Answer>(req: Request | undefined, ask: () => Answer): Answer {
  const before = asking;
  asking = req;
  try {
    return ask();
  } finally {
    asking = before;
  }
}
