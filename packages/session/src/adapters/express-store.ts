import type { Request, Response } from 'express';
import type { Store } from 'express-session';

/** A store as express-session leaves it: it adds `generate`. */
export type ExpressStore = Store & { generate(req: Request): void };

/** What a request did, as far as its store sees it. */
export interface StoreVisit {
  /** The store was told to destroy the session that the request came with. */
  isDestroyed: boolean;
  readonly response: Response;
  /** Another request that uses the same session. */
  next: StoreVisit | undefined;
}

const SMALLEST_PRUNE = 1024;

type Done = (error?: unknown) => void;

/**
 * Listens to the two calls of express-session stores that say what a comparison of before and after cannot.
 *
 * `generate` for a request without a session: its cookie was genuine, and the store has no session for it. `destroy`: of a session
 * whose request is being served, that its end is no mere omission (`unset: 'keep'`); of any other, that somebody ended it from outside.
 */
export class StoreWatch {
  readonly #watched = new WeakSet<ExpressStore>();
  readonly #presented = new WeakMap<Request, string>();
  readonly #visits = new Map<string, StoreVisit>();
  #pruneAt = SMALLEST_PRUNE;
  readonly #onDestroyed: (sid: string) => void;

  /** `onDestroyed` is told of sessions that were destroyed while no request used them. */
  constructor(onDestroyed: (sid: string) => void) {
    this.#onDestroyed = onDestroyed;
  }

  /** Watches a store from now on, once. */
  watch(store: ExpressStore): void {
    if (this.#watched.has(store)) return;
    this.#watched.add(store);
    const generate = store.generate.bind(store);
    const destroy = store.destroy.bind(store);
    store.generate = (req) => {
      // At this moment the request's id is the one that its cookie brought, and the store did not know; a signature was checked.
      const sid = (req as { sessionID?: unknown }).sessionID;
      const isLoad = (req as { session?: unknown }).session === undefined;
      generate(req);
      if (isLoad && typeof sid === 'string' && sid !== req.sessionID) this.#presented.set(req, sid);
    };
    store.destroy = (sid: string, done?: Done) => {
      const visits = this.#openVisits(sid);
      for (const visit of visits) visit.isDestroyed = true;
      const onEnd = (error?: unknown): void => {
        const hasFailed = error !== undefined && error !== null;
        if (visits.length === 0 && !hasFailed) this.#onDestroyed(sid);
        if (hasFailed) for (const visit of visits) visit.isDestroyed = false;
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

  /** A request uses the session: until `leave`, or until its response is closed, what happens to it is the request's doing. */
  enter(sid: string, visit: StoreVisit): void {
    visit.next = this.#visits.get(sid);
    this.#visits.set(sid, visit);
    if (this.#visits.size >= this.#pruneAt) this.#prune();
  }

  leave(sid: string, visit: StoreVisit): void {
    const newest = this.#visits.get(sid);
    if (newest === visit) {
      if (visit.next === undefined) this.#visits.delete(sid);
      else this.#visits.set(sid, visit.next);
      return;
    }
    for (let other = newest; other !== undefined; other = other.next) {
      if (other.next === visit) other.next = visit.next;
    }
  }

  /** The visits of a session whose responses are still open. */
  #openVisits(sid: string): readonly StoreVisit[] {
    const visits = [];
    for (let visit = this.#visits.get(sid); visit !== undefined; visit = visit.next) if (!visit.response.closed) visits.push(visit);
    return visits;
  }

  /** Responses that nobody ever ended, their client being gone: to be told of each close would cost every request more. */
  #prune(): void {
    for (const [sid, newest] of this.#visits) {
      for (let visit: StoreVisit | undefined = newest; visit !== undefined; visit = visit.next) if (visit.response.closed) this.leave(sid, visit);
    }
    this.#pruneAt = Math.max(SMALLEST_PRUNE, 2 * this.#visits.size);
  }
}
