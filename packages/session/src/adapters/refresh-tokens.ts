import { currentOrigin } from '../request-origin.ts';
import type { Fact } from '../tracker/request-change.ts';
import type { SessionTracker } from '../tracker/tracker.ts';
import type { FamilyState, FamilyStore } from './family-store.ts';
import { isPastAbsolute, trackerOf, type TrackerSource } from './tracker-source.ts';

export { memoryFamilyStore } from './family-store.ts';
export type { FamilyState, FamilyStore } from './family-store.ts';

/** What a refresh token says, once its signature was verified. Its expiry is judged here: verify without looking at it. */
export interface RefreshClaims {
  /** The session: the same in all tokens that come from one login. Hashed before it is recorded. */
  readonly family: string;
  /** This token among those of its family, the claim `jti`. Never recorded. */
  readonly jti: string;
  readonly userId: string;
  /** When this token expires, Unix milliseconds: `exp` times 1,000. */
  readonly expiresMs?: number | undefined;
}

/** The token that is to take the place of the presented one. */
export interface NextToken {
  readonly jti: string;
  readonly expiresMs?: number | undefined;
}

/**
 * What became of a presented refresh token. Only for the first two may anything be issued.
 *
 * - `rotated`: sign the next token.
 * - `grace_replay`: it was rotated a moment ago, by a parallel request; sign `current` once more, not a new one.
 * - `token_reuse`: it was rotated before that. Somebody else has it: the family is revoked, for everybody.
 * - `expired`, `ended`: nobody is logged in.
 */
export type Rotation =
  | { readonly outcome: 'rotated' }
  | { readonly outcome: 'grace_replay'; readonly current: NextToken }
  | { readonly outcome: 'token_reuse' | 'expired' | 'ended' };

/** Options of {@link recordRefreshTokens}. */
export interface RefreshTokenOptions {
  readonly tracker: TrackerSource;
  readonly store: FamilyStore;
  /** How long after its rotation a token may come once more from a parallel request. Default 10,000; 0 for never. */
  readonly graceMs?: number;
  /** Goes under the `details` of every entry. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** Refresh-token families whose life is on the record. */
export interface RefreshTokens {
  /**
   * A login: the first token of a new family. Rejects where it cannot be recorded or stored; issue nothing then.
   *
   * `replaces` is the family that this client held until now: a login in place of another user's is an account switch.
   */
  start(first: RefreshClaims, fact?: Fact & { readonly replaces?: { readonly family: string; readonly userId: string } | undefined }): Promise<void>;
  /** A presented refresh token, and the one to be issued in its place: `extend`, `token_reuse`, or what {@link Rotation} says. */
  rotate(presented: RefreshClaims, next: NextToken, fact?: Fact): Promise<Rotation>;
  /**
   * A valid access token of this family was used. Not an extension; shows a changed context, and a use after the end.
   *
   * False where the family is not open on the record: an access token outlives its family by minutes, unless it is refused then.
   */
  seen(family: string, userId: string, fact?: Fact): Promise<boolean>;
  /** The user logs out. */
  logout(family: string, fact?: Fact): Promise<void>;
  /** Somebody ends one family, or all families of a user; gives how many sessions that were open on the record. */
  revoke(target: { readonly family: string } | { readonly userId: string }, fact?: Fact): Promise<number>;
}

/**
 * Records sessions that are families of rotating refresh tokens (jsonwebtoken, jose, or opaque tokens with an id).
 *
 * The family is the session: its first token is the login, each rotation an extension, which is recorded at once. A rotated
 * token that comes again is a replay. After `graceMs` that is `token_reuse`, and the family is revoked. Before, tabs of one
 * browser do it all the time: from the address and device of the rotation it is counted, and the count stands in the details of
 * the family's next entry (`graceReplays`); from elsewhere it is recorded at once, as `extend` with the reason `grace_replay`.
 * The origin is that of `runWithOrigin`, or in `fact`.
 *
 * @see RFC 9700, section 4.14.2
 */
export function recordRefreshTokens(options: RefreshTokenOptions): RefreshTokens {
  const { store, graceMs = 10_000 } = options;
  const tracker = (): SessionTracker | Promise<SessionTracker> => trackerOf(options.tracker);
  const factOf = (given: Fact | undefined): Fact => ({ ...currentOrigin(), ...given, details: mixed(options.details, given?.details) });

  return {
    async start(first, given = {}) {
      const { replaces, ...rest } = given;
      const { family, userId, jti, expiresMs } = first;
      const fact = factOf(rest);
      const to = await tracker();
      if (replaces !== undefined && replaces.userId !== userId && to.find(replaces.family) !== undefined) {
        await store.delete(replaces.family);
        const before = { sid: replaces.family, userId: replaces.userId };
        await to.observe({ before, after: { sid: family, userId, idleDeadlineMs: expiresMs }, origin: fact, details: fact.details });
      } else {
        await to.login(family, userId, { idleDeadlineMs: expiresMs, ...fact });
      }
      try {
        await store.create(family, { userId, current: jti, previous: undefined, rotatedMs: Date.now(), expiresMs, graceReplays: 0 });
      } catch (error) {
        await to.logout(family, { ...fact, reason: 'session_not_stored', initiator: 'system' });
        throw error;
      }
    },

    async rotate(presented, next, given) {
      const { family, jti } = presented;
      const fact = factOf(given);
      const to = await tracker();
      const nowMs = Date.now();
      let state = await store.read(family);
      if (state === undefined || state.userId !== presented.userId) return gone(to, family, 'ended', fact);
      if ((presented.expiresMs ?? Number.POSITIVE_INFINITY) <= nowMs) return gone(to, family, 'expired', fact);
      if (isPastAbsolute(to.find(family))) {
        await store.delete(family);
        return gone(to, family, 'expired', fact);
      }
      if (state.current === jti) {
        const advanced = { ...state, current: next.jti, previous: jti, rotatedMs: nowMs, expiresMs: next.expiresMs, graceReplays: 0 };
        if (await store.advance(family, jti, advanced)) {
          await extend(to, family, advanced, { reason: 'refresh_rotation', ...withReplays(fact, state) });
          return { outcome: 'rotated' };
        }
        // A parallel request was faster: this one is now a replay.
        state = await store.read(family);
        if (state === undefined) return gone(to, family, 'ended', fact);
      }
      if (state.previous === jti && nowMs - state.rotatedMs < graceMs) {
        const open = to.find(family);
        if (open !== undefined && open.ip === fact.ip && open.userAgent === fact.userAgent) {
          await store.advance(family, state.current, { ...state, graceReplays: state.graceReplays + 1 });
        } else {
          await extend(to, family, state, { ...fact, reason: 'grace_replay' });
        }
        return { outcome: 'grace_replay', current: { jti: state.current, expiresMs: state.expiresMs } };
      }
      await store.delete(family);
      await to.tokenReused(family, withReplays(fact, state));
      await revokeFamily(to, family, { ...fact, reason: 'token_reuse', initiator: 'policy' });
      return { outcome: 'token_reuse' };
    },

    async seen(family, userId, given) {
      const fact = factOf(given);
      const to = await tracker();
      const open = to.find(family);
      // Not shown to the tracker as a session that is there: to use an old access token is no login.
      if (open === undefined || isPastAbsolute(open)) {
        await to.presented(family, fact);
        return false;
      }
      const snapshot = { sid: family, userId, idleDeadlineMs: open.idleDeadlineMs };
      await to.observe({ before: snapshot, after: snapshot, origin: fact, details: fact.details });
      return true;
    },

    async logout(family, given) {
      const state = await store.read(family);
      await store.delete(family);
      await (await tracker()).logout(family, { initiator: 'user', ...withReplays(factOf(given), state) });
    },

    async revoke(target, given) {
      const fact: Fact = { initiator: 'admin', ...factOf(given) };
      if ('family' in target) {
        await store.delete(target.family);
        return revokeFamily(await tracker(), target.family, fact);
      }
      await store.deleteAll(target.userId);
      return (await tracker()).revoke({ userId: target.userId }, fact);
    },
  };
}

/** A token of a family that is over: a timeout, a revocation that nobody told us of, or a use after the end. */
async function gone(tracker: SessionTracker, family: string, outcome: 'ended' | 'expired', fact: Fact): Promise<Rotation> {
  await tracker.presented(family, fact);
  return { outcome };
}

async function extend(tracker: SessionTracker, family: string, state: FamilyState, fact: Fact): Promise<void> {
  const snapshot = { sid: family, userId: state.userId };
  const { reason, initiator, details } = fact;
  const after = { ...snapshot, idleDeadlineMs: state.expiresMs };
  await tracker.observe({ before: snapshot, after, origin: fact, reason, initiator, details, explicitExtension: true });
}

async function revokeFamily(tracker: SessionTracker, family: string, fact: Fact): Promise<number> {
  const open = tracker.find(family);
  return open === undefined ? 0 : tracker.revoke({ sessionId: open.sessionId }, fact);
}

function withReplays(fact: Fact, state: FamilyState | undefined): Fact {
  const { graceReplays = 0 } = state ?? {};
  return graceReplays === 0 ? fact : { ...fact, details: { ...fact.details, graceReplays } };
}

function mixed(all: Fact['details'], own: Fact['details']): Fact['details'] {
  return all === undefined || own === undefined ? (own ?? all) : { ...all, ...own };
}
