import { randomUUID } from 'node:crypto';
import { currentOrigin, type Origin, runWithOrigin } from '../request-origin.ts';
import type { Snapshot } from '../tracker/request-change.ts';
import { beginVisit, concludeVisit, type HonoAddressOption, type HonoContext, type HonoMiddleware, refuse, usualHonoFailure } from './hono-request.ts';
import { type CaptureOptions, type RequestCapture, requestCapture, type User, usualUser, type Visit } from './request-capture.ts';

/** A session of `hono-sessions`, to look into. */
export interface HonoSession {
  /** A value of the session; one that `flash` put there stays. */
  get(key: string): unknown;
}

/** What is used of the options of `hono-sessions`. */
export interface HonoSessionsOptions {
  readonly store: object;
  readonly expireAfterSeconds?: number;
  readonly autoExtendExpiration?: boolean;
}

/** Options of {@link captureHonoSessions}. */
export interface HonoSessionsCaptureOptions<Context extends HonoContext, Options extends HonoSessionsOptions>
  extends CaptureOptions<Context, HonoSession>, HonoAddressOption<Context> {
  /** `sessionMiddleware` of `hono-sessions`. */
  readonly sessionMiddleware: (options: Options) => (c: never, next: () => Promise<void>) => Promise<Response | void>;
  /** The options that it is called with. */
  readonly session: Options;
}

interface SessionData {
  _id?: string;
  _data: Record<string, { value: unknown } | undefined>;
  _expire: string | null;
  _delete: boolean;
}

interface LiveSession {
  getCache(): SessionData;
  isStale(): boolean;
  deleteSession(): void;
  set(key: string, value: unknown): void;
}

interface Store {
  getSessionById(sid?: string): SessionData | null | undefined | Promise<SessionData | null | undefined>;
  createSession(sid: string, data: SessionData): Promise<void> | void;
  persistSessionData(sid: string, data: SessionData): Promise<void> | void;
  deleteSession(sid: string): Promise<void> | void;
}

interface StoredVisit<Context> extends Visit {
  readonly context: Context;
  /** The id that the store was asked for. */
  asked: string | undefined;
  /** What holds at the end, but for the new id that the session is about to get. */
  moving: Snapshot | undefined;
  isLogin: boolean;
  isRefused: boolean;
}

/** Under this name a session that lives in its cookie alone, and so has no id, keeps the one that it is given. */
const ID_KEY = 'auditId';

/**
 * The middleware of `hono-sessions` with its sessions on the record; no route calls it. Use it in place of `sessionMiddleware(…)`.
 *
 * A login is on the record before its session is stored; one that cannot be recorded ends the session and is answered 503, in
 * place of the route's answer and its headers. A session whose absolute deadline has passed, or that the record has ended, is
 * replaced by a new one before the route.
 *
 * @throws SessionError `ERR_SESSION_OPTION_INVALID`, `ERR_SESSION_TRUST_INVALID`.
 */
export function captureHonoSessions<Context extends HonoContext, Options extends HonoSessionsOptions>(
  options: HonoSessionsCaptureOptions<Context, Options>,
): HonoMiddleware<Context> {
  const { session: sessionOptions, sessionMiddleware, user = userOfSession, failedLogin = usualHonoFailure } = options;
  const { expireAfterSeconds = 0, autoExtendExpiration = true } = sessionOptions;
  const capture = requestCapture<Context, HonoSession>({ ...options, user, failedLogin });
  const visits = new WeakMap<Origin, StoredVisit<Context>>();
  const touchedDeadlineMs = (): number | undefined => (autoExtendExpiration && expireAfterSeconds > 0 ? Date.now() + expireAfterSeconds * 1000 : undefined);
  const store = 'getSessionById' in sessionOptions.store ? watch(sessionOptions.store as Store, capture, visits, touchedDeadlineMs) : sessionOptions.store;
  const run = sessionMiddleware({ ...sessionOptions, store }) as unknown as HonoMiddleware<Context>;

  const begin = (visit: StoredVisit<Context>, session: LiveSession): void => {
    const data = session.getCache();
    const userId = capture.userOf(look(data));
    // A session of another id than the one that came: there was none of that id, or one that had expired, or was over.
    if (data._id !== undefined) visit.presentedSid = visit.asked === data._id ? undefined : visit.asked;
    else if (userId !== undefined && capture.begin(visit, { sid: sidOf(session), userId })) data._data = {};
  };
  const atEnd = (session: LiveSession, before: Snapshot): Snapshot => {
    const data = session.getCache();
    const userId = capture.userOf(look(data));
    if (data._delete || userId === undefined) return {};
    const sid = sidOf(session);
    if (!autoExtendExpiration && sid === before.sid && !session.isStale()) return before;
    return { sid, userId, idleDeadlineMs: expireAfterSeconds > 0 ? Date.now() + expireAfterSeconds * 1000 : timeOf(data._expire) };
  };
  return (c, next) => {
    const visit: StoredVisit<Context> = {
      ...beginVisit(capture, c, options), context: c, asked: undefined, moving: undefined, isLogin: false, isRefused: false,
    };
    visits.set(visit.origin, visit);
    const inner = async (): Promise<void> => {
      const session = c.get('session' as never) as LiveSession;
      begin(visit, session);
      const admitted = capture.admit(visit);
      if (admitted !== undefined && !(await admitted)) {
        session.deleteSession();
        await refuse(c);
        return;
      }
      await next();
      const after = atEnd(session, visit.before);
      visit.isLogin = after.userId !== undefined && after.userId !== visit.before.userId;
      const willMove = c.get('session_key_rotation' as never) === true && session.getCache()._id !== undefined && after.userId !== undefined;
      // A new id is made when this is through: then the store is told, and with that the tracker.
      if (willMove && !capture.isSuperseded(visit, after)) visit.moving = after;
      else await concludeVisit(capture, c, visit, after, () => session.deleteSession());
    };
    return runWithOrigin(visit.origin, async () => {
      const response = await run(c, inner);
      if (visit.isRefused) await refuse(c);
      return response;
    });
  };
}

/** The store, with an eye on what no context tells: the id that came, what was stored under it, and the id that comes after it. */
function watch<Context extends HonoContext>(
  store: Store,
  capture: RequestCapture<Context, HonoSession>,
  visits: WeakMap<Origin, StoredVisit<Context>>,
  touchedDeadlineMs: () => number | undefined,
): Store {
  const current = (): StoredVisit<Context> | undefined => {
    const origin = currentOrigin();
    return origin === undefined ? undefined : visits.get(origin);
  };
  const write = async (visit: StoredVisit<Context> | undefined, work: () => Promise<void> | void): Promise<void> => {
    try {
      await work();
    } catch (error) {
      // The login was recorded, and then its session could not be stored.
      if (visit?.isLogin === true) await capture.finish(visit.context, visit, {}, { reason: 'session_not_stored', initiator: 'system' });
      throw error;
    }
  };
  return {
    async getSessionById(sid) {
      const visit = current();
      const data = await store.getSessionById(sid);
      if (visit === undefined || sid === undefined) return data;
      visit.asked = sid;
      const expiresMs = timeOf(data?._expire);
      if (data === null || data === undefined || (expiresMs !== undefined && expiresMs <= Date.now())) return data;
      if (!capture.begin(visit, { sid, userId: capture.userOf(look(data)), idleDeadlineMs: expiresMs }, touchedDeadlineMs())) return data;
      await store.deleteSession(sid);
      return undefined;
    },
    async createSession(sid, data) {
      const visit = current();
      if (visit?.moving !== undefined) {
        try {
          await capture.finish(visit.context, visit, { ...visit.moving, sid });
        } catch {
          visit.isRefused = true;
          return;
        }
      }
      await write(visit, () => store.createSession(sid, data));
    },
    persistSessionData: (sid, data) => write(current(), () => store.persistSessionData(sid, data)),
    deleteSession: (sid) => store.deleteSession(sid),
  };
}

function sidOf(session: LiveSession): string {
  const { _id, _data } = session.getCache();
  const id = _id ?? _data[ID_KEY]?.value;
  if (typeof id === 'string' && id !== '') return id;
  const minted = randomUUID();
  session.set(ID_KEY, minted);
  return minted;
}

/** `get` of `hono-sessions` takes out what `flash` put in. */
function look({ _data }: SessionData): HonoSession {
  return { get: (key) => (Object.hasOwn(_data, key) ? _data[key]?.value : undefined) };
}

function userOfSession(session: HonoSession): User {
  return usualUser({ userId: session.get('userId'), user: session.get('user') });
}

function timeOf(expires: string | null | undefined): number | undefined {
  const timeMs = typeof expires === 'string' ? Date.parse(expires) : Number.NaN;
  return Number.isNaN(timeMs) ? undefined : timeMs;
}
