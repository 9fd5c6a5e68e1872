import { createHmac, timingSafeEqual } from 'node:crypto';
import { SessionError } from '../error.ts';
import type { Fact, Snapshot } from '../tracker/request-change.ts';
import type { SessionTracker } from '../tracker/tracker.ts';
import { checkTrustProxy, type TrustProxy } from '../trust-proxy.ts';
import { endedBy, endingOf, firesNoDeleteHook, isSignIn } from './better-auth-endings.ts';
import type { BetterAuthSessionPlugin, EndpointContext, EndpointHook, SessionRow } from './better-auth-types.ts';
import { isPastAbsolute, trackerOf, type TrackerSource } from './tracker-source.ts';
import { webOrigin } from './web-origin.ts';

export type { AuthContext, BetterAuthSessionPlugin, EndpointContext, EndpointHook, SessionRow } from './better-auth-types.ts';

/** Options of {@link sessionRecord}. */
export interface SessionRecordOptions {
  readonly tracker: TrackerSource;
  /** Which proxies are believed about the client's address, where requests do not run in `runWithOrigin`. Default `false`. */
  readonly trustProxy?: TrustProxy | undefined;
  /** Goes under the `details` of every entry. */
  readonly details?: Readonly<Record<string, unknown>> | undefined;
}

/** How long the store may take for a session whose login is recorded, before the record says that there was none. */
const STORED_WITHIN_MS = 10_000;
/** As better-auth has it. */
const DEFAULT_COOKIE_CACHE_SECONDS = 300;

/**
 * A better-auth plugin that puts its sessions on the record. Make it the last of `plugins`: what another plugin refuses then is
 * no login.
 *
 * The login is recorded before the session is stored: one that cannot be recorded makes no session and no cookie, and is answered
 * 503. The absolute timeout of the tracker's policy, which better-auth has not, is enforced: the session is deleted at the next
 * request. Sessions that are kept in secondary storage alone fire no delete hook; their ends are taken from the endpoints. With
 * `session.cookieCache` one goes on to be honoured, and its use is not seen, until the cache in the cookie expires: the entry of its
 * end says for how long (`honouredForSeconds`).
 */
export function sessionRecord(options: SessionRecordOptions): BetterAuthSessionPlugin {
  const { trustProxy = false, details } = options;
  checkTrustProxy(trustProxy);
  const unstored = new Map<string, NodeJS.Timeout>();

  const factOf = (context: EndpointContext | null): Fact => {
    const headers = context?.headers ?? context?.request?.headers;
    return { ...webOrigin(headers === undefined ? undefined : { headers, url: context?.path }, trustProxy), details };
  };
  const stored = (token: string): void => {
    clearTimeout(unstored.get(token));
    unstored.delete(token);
  };
  const notStored = async (token: string, fact: Fact): Promise<void> => {
    unstored.delete(token);
    await (await trackerOf(options.tracker)).logout(token, { ...fact, reason: 'session_not_stored', initiator: 'system' });
  };

  const creating = async (row: SessionRow, context: EndpointContext | null): Promise<void> => {
    const tracker = await trackerOf(options.tracker);
    const fact = factOf(context);
    const [before, after] = [replacedBy(tracker, row, context), snapshotOf(row)];
    const by: Pick<Fact, 'initiator' | 'details'> = isImpersonation(row) ? { initiator: 'admin', details: { ...details, impersonatedBy: row.impersonatedBy } } : { details };
    try {
      if (before === undefined) await tracker.login(after.sid, after.userId, { ...fact, ...by, idleDeadlineMs: after.idleDeadlineMs });
      else await tracker.observe({ before, after, origin: fact, ...by });
    } catch (error) {
      // The record says that this one was left for the new one.
      if (before !== undefined && context !== null && tracker.find(before.sid) === undefined) await context.context.internalAdapter.deleteSession(before.sid);
      throw error instanceof SessionError && error.code === 'ERR_SESSION_NOT_DURABLE' ? unavailable(error) : error;
    }
    unstored.set(row.token, setTimeout(() => void notStored(row.token, fact).catch(warn), STORED_WITHIN_MS).unref());
  };
  const used = async (row: SessionRow | null, context: EndpointContext | null): Promise<void> => {
    if (row === null) return;
    const snapshot = snapshotOf(row);
    const tracker = await trackerOf(options.tracker);
    await tracker.observe({ before: snapshot, after: snapshot, origin: factOf(context), details });
  };
  const deleted = async (row: SessionRow, context: EndpointContext | null): Promise<void> => {
    // The endpoint's own hook follows, and finds the session gone.
    if (context?.path === '/get-session') return;
    const tracker = await trackerOf(options.tracker);
    if (new Date(row.expiresAt).getTime() <= Date.now()) await tracker.presented(row.token, factOf(context));
    else await end(tracker, { token: row.token }, context, factOf(context));
  };

  const before = async (context: EndpointContext): Promise<void> => {
    const token = presentedToken(context);
    if (token === undefined) return;
    const tracker = await trackerOf(options.tracker);
    if (!isPastAbsolute(tracker.find(token))) return;
    if (context.path !== '/get-session') await tracker.presented(token, factOf(context));
    await context.context.internalAdapter.deleteSession(token);
  };
  const after = async (context: EndpointContext): Promise<void> => {
    const tracker = await trackerOf(options.tracker);
    const { path } = context;
    const { returned, session } = context.context;
    const failure = failureOf(returned);
    if (isSignIn(path)) {
      if (failure === undefined || path?.startsWith('/sign-up/') === true) return;
      await tracker.loginFailed({ ...factOf(context), userId: await triedUser(context), reason: failure });
      return;
    }
    const token = presentedToken(context);
    if (path === '/get-session') {
      const row = (returned as { session?: SessionRow } | null | undefined)?.session;
      if (row !== undefined) await used(row, context);
      // Null and no error: the store answered, and has no such session. Of a store that is away nothing follows.
      else if (returned === null && token !== undefined) await tracker.presented(token, factOf(context));
    } else if (failure === undefined && path === '/sign-out' && token !== undefined) {
      await tracker.logout(token, { ...factOf(context), initiator: 'user' });
    } else if (session?.session !== undefined && tracker.find(session.session.token) !== undefined) {
      await used(session.session, context);
      const ended = failure === undefined && firesNoDeleteHook(context.context) ? endedBy(context) : undefined;
      if (ended !== undefined) await end(tracker, ended, context, factOf(context));
    }
  };

  return {
    id: 'indelible-session-record',
    init: () => ({
      options: {
        databaseHooks: {
          session: {
            create: { before: (row, context) => creating(row, context as EndpointContext | null), after: async (row) => stored(row.token) },
            update: { after: (row, context) => used(row, context as EndpointContext | null) },
            delete: { after: (row, context) => deleted(row, context as EndpointContext | null) },
          },
        },
      },
    }),
    hooks: { before: [hook(before)], after: [hook(after)] },
  };
}

function hook(run: (context: EndpointContext) => Promise<void>): EndpointHook {
  const handler = async (context: unknown): Promise<{ response: undefined; headers: null }> => {
    await run(context as EndpointContext);
    return { response: undefined, headers: null };
  };
  return { matcher: () => true, handler: Object.assign(handler, { options: {} }) };
}

function snapshotOf(row: SessionRow): Snapshot & { readonly sid: string; readonly userId: string } {
  return { sid: row.token, userId: row.userId, idleDeadlineMs: new Date(row.expiresAt).getTime() };
}

function isImpersonation({ impersonatedBy }: SessionRow): boolean {
  return typeof impersonatedBy === 'string' && impersonatedBy !== '';
}

/**
 * The session in whose place a new one comes: the request's own, where an endpoint renews it (a second factor switched on), or
 * another user's, where somebody signs in over it. To impersonate replaces nothing, nor does a browser that keeps several sessions.
 */
function replacedBy(tracker: SessionTracker, row: SessionRow, context: EndpointContext | null): (Snapshot & { readonly sid: string }) | undefined {
  if (context === null || isImpersonation(row) || context.context.options.plugins?.some(({ id }) => id === 'multi-session') === true) return undefined;
  const own = context.context.session?.session;
  const token = own?.token ?? presentedToken(context);
  const open = token === undefined ? undefined : tracker.find(token);
  if (token === undefined || open === undefined || (own === undefined && open.userId === row.userId)) return undefined;
  return { sid: token, userId: open.userId };
}

async function end(tracker: SessionTracker, ended: NonNullable<ReturnType<typeof endedBy>>, context: EndpointContext | null, fact: Fact): Promise<void> {
  const { event, initiator, reason } = endingOf(context?.path);
  const cache = context?.context.options.session?.cookieCache;
  // Nobody can call back what the browser has cached.
  const details = cache?.enabled === true ? { ...fact.details, honouredForSeconds: cache.maxAge ?? DEFAULT_COOKIE_CACHE_SECONDS } : fact.details;
  const why = { ...fact, initiator, reason, details };
  if ('userId' in ended) return void (await tracker.revoke(ended, why));
  const open = tracker.find(ended.token);
  if (open === undefined) return;
  if (event === 'logout') await tracker.logout(ended.token, why);
  else await tracker.revoke({ sessionId: open.sessionId }, why);
}

/** The token in the session cookie; undefined where its signature is not better-auth's: HMAC-SHA-256 of it, in base64, behind a dot. */
function presentedToken({ headers, request, context }: EndpointContext): string | undefined {
  const { name } = context.authCookies.sessionToken;
  const cookies = (headers ?? request?.headers)?.get('cookie') ?? '';
  const pair = cookies.split(/; */).find((cookie) => cookie.startsWith(`${name}=`));
  const value = pair === undefined ? undefined : decoded(pair.slice(name.length + 1));
  const dot = value?.lastIndexOf('.') ?? -1;
  if (value === undefined || dot < 1) return undefined;
  const token = value.slice(0, dot);
  const expected = createHmac('sha256', context.secret).update(token).digest('base64');
  const [given, wanted] = [new TextEncoder().encode(value.slice(dot + 1)), new TextEncoder().encode(expected)];
  return given.length === wanted.length && timingSafeEqual(given, wanted) ? token : undefined;
}

function decoded(value: string): string | undefined {
  try {
    return decodeURIComponent(value);
  } catch {
    return undefined;
  }
}

/** Why an endpoint refused: the code of its error. Undefined for success, and for what is no refusal: an error of the server. */
function failureOf(returned: unknown): string | undefined {
  const error = returned as { name?: unknown; statusCode?: unknown; body?: { code?: unknown } | null } | null | undefined;
  if (error?.name !== 'APIError' || typeof error.statusCode !== 'number' || error.statusCode < 400 || error.statusCode >= 500) return undefined;
  return typeof error.body?.code === 'string' ? error.body.code.toLowerCase() : `status_${error.statusCode}`;
}

/** The account that was tried, if there is one: what was typed is not recorded, it may be a password in the wrong field. */
async function triedUser({ body, context }: EndpointContext): Promise<string | undefined> {
  const { email } = (typeof body === 'object' && body !== null ? body : {}) as { email?: unknown };
  if (typeof email !== 'string') return undefined;
  const found = await context.internalAdapter.findUserByEmail(email.toLowerCase()).catch(() => null);
  return found?.user.id;
}

/** The tracker is closed: the application ends. */
function warn(error: unknown): void {
  process.emitWarning(`a login whose session was not stored stays open on the record until its deadline: ${String(error)}`, { type: 'IndelibleWarning' });
}

/** What better-auth takes for an error of its own, and answers with this status. */
function unavailable(cause: SessionError): Error {
  const message = 'this login could not be recorded, so it did not take place; please try again';
  const body = { code: 'SESSION_NOT_RECORDED', message };
  return Object.assign(new Error(message, { cause }), { name: 'APIError', status: 'SERVICE_UNAVAILABLE', statusCode: 503, body, headers: {} });
}
