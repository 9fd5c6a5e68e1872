import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { SessionError } from '../error.ts';
import type { Snapshot } from '../tracker/request-change.ts';

/** What is used of a Koa context. */
export interface KoaContext {
  readonly app: { emit(event: 'error', error: unknown, ctx: unknown): boolean };
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly headers: IncomingHttpHeaders;
  readonly method: string;
  readonly path: string;
  readonly headerSent: boolean;
  readonly cookies: { get(name: string, options: { readonly signed?: boolean }): string | undefined };
  status: number;
  body: unknown;
  set(header: string, value: string): void;
  remove(header: string): void;
}

/** `ctx.session` of koa-session. */
export interface KoaSession {
  readonly isNew: boolean;
  readonly externalKey?: string | undefined;
  [key: string]: unknown;
  manuallyCommit(): Promise<void>;
  save(): Promise<void>;
  regenerate(): Promise<void>;
  toJSON(): Record<string, unknown>;
}

/** `ctx.sessionOptions`, which koa-session copies for each request. */
export interface SessionOptions {
  readonly key: string;
  readonly signed?: boolean;
  readonly maxAge?: number | 'session' | undefined;
  readonly autoCommit?: boolean;
  readonly rolling?: boolean;
  readonly renew?: boolean;
  readonly store?: unknown;
  readonly ContextStore?: unknown;
  readonly externalKey?: { get(ctx: unknown): string | undefined };
  readonly decode: (cookie: string) => Readonly<Record<string, unknown>>;
  genid?: (ctx: unknown) => string;
  beforeSave?: ((ctx: unknown, session: unknown) => void) | undefined;
}

/** A context with koa-session in it. */
export type SessionContext = KoaContext & { session: KoaSession | null; readonly sessionOptions?: SessionOptions };

const DAY_MS = 86_400_000;

/** The session of one request, watched from its start: koa-session does not tell what it is about to do with it. */
export class SessionOfRequest {
  readonly #ctx: SessionContext;
  readonly #options: SessionOptions;
  readonly #userOf: (session: KoaSession) => string | undefined;
  readonly #idKey: string;
  readonly #hasStore: boolean;
  #key: string | undefined;
  #contentAtStart = '';
  /** What the application had koa-session store so far. */
  #stored: Snapshot | undefined;

  constructor(ctx: SessionContext, userOf: (session: KoaSession) => string | undefined, idKey: string) {
    if (ctx.sessionOptions === undefined) {
      throw new SessionError('ERR_SESSION_OPTION_INVALID', 'captureSessions found no koa-session: use it directly behind the session middleware');
    }
    const options = ctx.sessionOptions;
    this.#ctx = ctx;
    this.#options = options;
    this.#userOf = userOf;
    this.#idKey = idKey;
    this.#hasStore = options.store !== undefined || options.ContextStore !== undefined;
    this.#key = ctx.session?.externalKey;
    const { genid, beforeSave } = options;
    // `externalKey` of a session stays what it was when koa-session gives it a new one: who makes the keys knows.
    if (genid !== undefined) options.genid = (context) => (this.#key = genid(context));
    options.beforeSave = (context, session) => {
      beforeSave?.(context, session);
      this.#stored = this.#kept();
    };
  }

  atStart(): Snapshot {
    const { session } = this.#ctx;
    const userId = session === null || session.isNew ? undefined : this.#userOf(session);
    if (session === null || userId === undefined) return {};
    if (this.#options.rolling !== true) this.#contentAtStart = JSON.stringify(session);
    return { sid: this.#sid(session), userId, idleDeadlineMs: deadline(session['_expire']) };
  }

  /** When the session ends unless it is used after this request, where every request prolongs it. */
  touchedDeadlineMs(): number | undefined {
    return this.#options.rolling === true ? deadline(Date.now() + lifetimeMs(this.#options)) : undefined;
  }

  /** What koa-session has stored when the request is through. */
  atEnd(before: Snapshot): Snapshot {
    const { session } = this.#ctx;
    if (session === null) return {};
    return this.#options.autoCommit !== false && this.#willBeSaved(session) ? this.#kept() : (this.#stored ?? before);
  }

  /** The id that came with the request, where koa-session found no session behind it, or one that had expired. */
  presentedSid(): string | undefined {
    if (this.#ctx.session?.isNew !== true) return undefined;
    const { key, externalKey, decode } = this.#options;
    const came = externalKey === undefined ? this.#ctx.cookies.get(key, this.#options) : externalKey.get(this.#ctx);
    if (came === undefined || came === '') return undefined;
    if (this.#hasStore) return came;
    try {
      return text(decode(came)[this.#idKey]);
    } catch {
      return undefined;
    }
  }

  /** Destroys the session and goes on with a new one, empty, as koa-session does with one that has expired. */
  async replace(): Promise<void> {
    const { session } = this.#ctx;
    if (session === null) return;
    for (const key of Object.keys(session.toJSON())) delete session[key];
    await session.regenerate();
    this.#stored = undefined;
  }

  /** Has koa-session destroy the session and clear the cookie. */
  async end(): Promise<void> {
    const { session } = this.#ctx;
    this.#ctx.session = null;
    if (this.#options.autoCommit === false) await session?.manuallyCommit();
  }

  #kept(): Snapshot {
    const { session } = this.#ctx;
    const userId = session === null ? undefined : this.#userOf(session);
    if (session === null || userId === undefined) return {};
    return { sid: this.#sid(session), userId, idleDeadlineMs: deadline(Date.now() + lifetimeMs(this.#options)) };
  }

  #sid(session: KoaSession): string {
    if (this.#hasStore && this.#key !== undefined) return this.#key;
    const id = text(session[this.#idKey]) ?? randomUUID();
    session[this.#idKey] = id;
    return id;
  }

  /** As koa-session decides it, a moment later. */
  #willBeSaved(session: KoaSession): boolean {
    const { rolling, renew } = this.#options;
    if (rolling === true || session['_requireSave'] === true || JSON.stringify(session) !== this.#contentAtStart) return true;
    const expiresMs = deadline(session['_expire']);
    return renew === true && expiresMs !== undefined && expiresMs - Date.now() < lifetimeMs(this.#options) / 2;
  }
}

function lifetimeMs({ maxAge }: SessionOptions): number {
  if (maxAge === 'session') return Number.POSITIVE_INFINITY;
  return maxAge === undefined || maxAge === 0 ? DAY_MS : maxAge;
}

function deadline(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? Math.floor(value) : undefined;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
