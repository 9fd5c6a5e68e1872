import { currentOrigin, type Origin } from '../request-origin.ts';
import type { Fact, Snapshot } from '../tracker/request-change.ts';
import { isPastAbsolute, trackerOf, type TrackerSource } from './tracker-source.ts';

/** A session as an application's own store has it. */
export interface StoredSession {
  /** What identifies it in the store: `invalidate` takes it. Hashed before it is recorded. */
  readonly id: string;
  readonly userId: string | number | bigint;
  /** When it ends unless it is used again: a `Date` or Unix milliseconds. */
  readonly expiresAt?: Date | number | null | undefined;
}

/** The functions of an own session store, four at least; what else they take and give is the application's. */
export interface OwnSessionStore {
  /** Makes a session and gives it, or `{ session }`. */
  create(...args: never[]): unknown;
  /** Gives the session of a token, or `{ session }`, and nothing (or `{ session: null }`) for one that is unknown or expired. */
  validate(token: string, ...args: never[]): unknown;
  /** Ends the session with this id. */
  invalidate(id: string, ...args: never[]): unknown;
  /** Ends all sessions of a user. */
  invalidateAll(userId: never, ...args: never[]): unknown;
  /** Gives the session with this id more time because the user asked for it, and gives it (or `{ session }`), or nothing. */
  extend?(id: string, ...args: never[]): unknown;
}

/** The store that {@link wrapSessionStore} gives: the same functions, asynchronous. */
export type RecordedStore<S extends OwnSessionStore> = {
  readonly [F in keyof S & keyof OwnSessionStore]: S[F] extends (...args: infer Args) => infer Result ? (...args: Args) => Promise<Awaited<Result>> : never;
};

/** Options of {@link wrapSessionStore}. */
export interface SessionStoreOptions {
  readonly tracker: TrackerSource;
  /** The session's id, from the token that a client presents. Default: the token itself. Where the id is a hash of it: that hash. */
  readonly sessionId?: (token: string) => string | Promise<string>;
  /** The session in what `create` and `validate` give. Default: that itself, or its member `session`. */
  readonly session?: (result: unknown) => StoredSession | null | undefined;
  /** Goes under the `details` of every entry. */
  readonly details?: Readonly<Record<string, unknown>>;
}

type AnyFunction = (...args: readonly unknown[]) => unknown;

/** Who a request was found to be, by the origin that it runs with. */
interface Seen {
  readonly sid: string;
  readonly userId: string;
}

/**
 * An own session store whose sessions are on the record: `create` is a login, `validate` activity and, for a token whose session
 * is gone, a timeout or a use after the end; `invalidate` a logout, `invalidateAll` a revocation, `extend` an extension.
 *
 * The absolute timeout of the tracker's policy is enforced, whatever the store's own: `validate` ends the session then.
 *
 * A login that cannot be made durable ends the session again, before anybody was given it, and rejects. What the store rejects
 * with passes through, and nothing is recorded. Run requests in `runWithOrigin`: it gives the entries their address and tells
 * which session is the request's own, the one that it validated last. Then a new session of the same user takes the place of that
 * one (`session_regenerated`), one of another user is an account switch, and to end a session that is not the request's own is a
 * revocation, by the user or by somebody else (`admin`).
 */
export function wrapSessionStore<S extends OwnSessionStore>(store: S, options: SessionStoreOptions): RecordedStore<S> {
  const { sessionId = (token: string): string => token, session: read = readSession } = options;
  const own = store as unknown as Readonly<Record<Exclude<keyof OwnSessionStore, 'extend'>, AnyFunction>> & { readonly extend?: AnyFunction };
  const requests = new WeakMap<Origin, Seen>();
  const seen = (): Seen | undefined => {
    const origin = currentOrigin();
    return origin === undefined ? undefined : requests.get(origin);
  };
  const found = (session: StoredSession): void => {
    const origin = currentOrigin();
    if (origin !== undefined) requests.set(origin, { sid: session.id, userId: String(session.userId) });
  };

  const fact = (): Fact => ({ ...currentOrigin(), details: options.details });

  return {
    async create(...args: unknown[]): Promise<unknown> {
      const result = await own.create(...args);
      const session = read(result);
      if (isNothing(session)) return result;
      const tracker = await trackerOf(options.tracker);
      const before = seen();
      try {
        const after = snapshotOf(session);
        if (before === undefined || tracker.find(before.sid) === undefined) {
          await tracker.login(after.sid, after.userId, { ...fact(), idleDeadlineMs: after.idleDeadlineMs });
        } else {
          await tracker.observe({ before, after, origin: currentOrigin() ?? {}, details: options.details });
        }
      } catch (error) {
        await own.invalidate(session.id);
        // The record says that this one was left for the new one.
        if (before !== undefined && tracker.find(before.sid) === undefined) await own.invalidate(before.sid);
        throw error;
      }
      found(session);
      return result;
    },

    async validate(token: string, ...args: unknown[]): Promise<unknown> {
      const result = await own.validate(token, ...args);
      const session = read(result);
      const tracker = await trackerOf(options.tracker);
      if (isNothing(session)) {
        await tracker.presented(await sessionId(token), fact());
        return result;
      }
      if (isPastAbsolute(tracker.find(session.id))) {
        await own.invalidate(session.id);
        await tracker.presented(session.id, fact());
        return own.validate(token, ...args);
      }
      const snapshot = snapshotOf(session);
      // Nothing is awaited where there is nothing to write: this runs with every request.
      const written = tracker.observe({ before: snapshot, after: snapshot, origin: currentOrigin() ?? {}, details: options.details });
      if (written !== undefined) await written;
      found(session);
      return result;
    },

    async invalidate(id: string, ...args: unknown[]): Promise<unknown> {
      const result = await own.invalidate(id, ...args);
      const tracker = await trackerOf(options.tracker);
      const by = seen();
      const open = tracker.find(id);
      if (open === undefined) return result;
      if (by === undefined || by.sid === id) await tracker.logout(id, { ...fact(), initiator: 'user' });
      else await tracker.revoke({ sessionId: open.sessionId }, { ...fact(), initiator: by.userId === open.userId ? 'user' : 'admin' });
      return result;
    },

    async invalidateAll(userId: unknown, ...args: unknown[]): Promise<unknown> {
      const result = await own.invalidateAll(userId, ...args);
      const tracker = await trackerOf(options.tracker);
      const by = seen();
      const initiator = by === undefined ? 'system' : by.userId === String(userId) ? 'user' : 'admin';
      await tracker.revoke({ userId: String(userId) }, { ...fact(), initiator, reason: 'all_sessions' });
      return result;
    },

    ...(own.extend === undefined
      ? {}
      : {
          async extend(id: string, ...args: unknown[]): Promise<unknown> {
            const result = await own.extend?.(id, ...args);
            const session = read(result);
            const tracker = await trackerOf(options.tracker);
            await tracker.extend(id, { ...fact(), initiator: 'user', idleDeadlineMs: isNothing(session) ? undefined : deadlineMs(session) });
            return result;
          },
        }),
  } as unknown as RecordedStore<S>;
}

function snapshotOf(session: StoredSession): Seen & Snapshot {
  return { sid: session.id, userId: String(session.userId), idleDeadlineMs: deadlineMs(session) };
}

function isNothing(session: StoredSession | null | undefined): session is null | undefined {
  return session === undefined || session === null;
}

function deadlineMs(session: StoredSession): number | undefined {
  const { expiresAt } = session;
  const ms = expiresAt instanceof Date ? expiresAt.getTime() : expiresAt;
  return typeof ms === 'number' && Number.isFinite(ms) ? ms : undefined;
}

function readSession(result: unknown): StoredSession | null | undefined {
  if (typeof result !== 'object' || result === null) return undefined;
  return 'session' in result ? (result.session as StoredSession | null | undefined) : (result as StoredSession);
}
