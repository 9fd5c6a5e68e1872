import { SessionError } from '../error.ts';
import { currentOrigin } from '../request-origin.ts';
import type { Fact, Snapshot } from '../tracker/request-change.ts';
import type { SessionTracker } from '../tracker/tracker.ts';
import { authRequests } from './authjs-request.ts';
import type { Claims } from './authjs-types.ts';
import { trackerOf, type TrackerSource } from './tracker-source.ts';

/** A session that somebody has. */
export interface HeldSession extends Snapshot {
  readonly sid: string;
  readonly userId: string;
}

/** What both strategies of Auth.js tell the tracker. */
export class AuthSessions {
  readonly #options: {
    readonly tracker: TrackerSource;
    readonly user?: ((claims: Claims) => string | undefined) | undefined;
    readonly details?: Fact['details'];
  };

  constructor(options: { readonly tracker: TrackerSource; readonly user?: ((claims: Claims) => string | undefined) | undefined; readonly details?: Fact['details'] }) {
    this.#options = options;
  }

  async tracker(): Promise<SessionTracker> {
    return trackerOf(this.#options.tracker);
  }

  fact(): Fact {
    return { ...currentOrigin(), details: this.#options.details };
  }

  userOf(claims: Claims): string | undefined {
    const { user = (token): string | undefined => text(token['sub']) ?? text(token['email']) } = this.#options;
    return user(claims);
  }

  /** Rejects where the login is not on the record: nobody may be given this session then. */
  async login(session: HeldSession, fact: Fact = {}): Promise<void> {
    const tracker = await this.tracker();
    const request = authRequests.getStore();
    const held = request?.held;
    const why = { ...this.fact(), ...fact };
    try {
      if (held === undefined || tracker.find(held.sid) === undefined) {
        await tracker.login(session.sid, session.userId, { ...why, idleDeadlineMs: session.idleDeadlineMs });
      } else {
        await tracker.observe({ before: held, after: session, origin: why, details: why.details });
      }
    } catch (error) {
      if (request !== undefined && error instanceof SessionError && error.code === 'ERR_SESSION_NOT_DURABLE') request.isRefused = true;
      throw error;
    }
    if (request !== undefined) request.hasLoggedIn = true;
  }

  async failed(reason: string): Promise<void> {
    const request = authRequests.getStore();
    if (request !== undefined) request.hasFailed = true;
    await (await this.tracker()).loginFailed({ ...this.fact(), reason });
  }

  async used(session: HeldSession, isExplicit: boolean): Promise<void> {
    const tracker = await this.tracker();
    const { details, ...origin } = this.fact();
    await tracker.observe({ before: session, after: session, origin, details, explicitExtension: isExplicit });
  }

  /** A session came whose time is up, or that is gone. */
  async presented(sid: string): Promise<void> {
    await (await this.tracker()).presented(sid, this.fact());
  }

  async logout(sid: string, fact: Fact = {}): Promise<void> {
    const own = this.fact();
    await (await this.tracker()).logout(sid, { ...own, initiator: 'user', ...fact, details: fact.details === undefined ? own.details : { ...own.details, ...fact.details } });
  }
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
