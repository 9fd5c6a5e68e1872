import { createId, idTimeMs, isId } from '@indelible/event';
import { SID_CLAIM } from './authjs-request.ts';
import type { AuthSessions } from './authjs-sessions.ts';
import type { Claims, JwtParams, WrappedConfig } from './authjs-types.ts';
import { isPastAbsolute } from './tracker-source.ts';

/** The default of Auth.js: 30 days. */
const DEFAULT_MAX_AGE_SECONDS = 2_592_000;
/** How long a login may be on its way from another process that writes to the same log. */
const KNOWN_WITHIN_MS = 1000;
const ASK_EVERY_MS = 25;

/** The JWT strategy: tokens that name their session, and are worth what the record says of it. */
export function recordTokens(config: WrappedConfig, decode: (params: unknown) => Promise<Claims | null>, sessions: AuthSessions): Partial<WrappedConfig> {
  const maxAgeSeconds = config.jwt?.maxAge ?? config.session?.maxAge ?? DEFAULT_MAX_AGE_SECONDS;
  const ownJwt = config.callbacks?.jwt;

  const login = async (claims: Claims, nowMs: number, isAdopted: boolean): Promise<Claims> => {
    const userId = sessions.userOf(claims);
    // Nobody that an entry could name: such a token says nothing about who is there.
    if (userId === undefined) return claims;
    const sid = createId(nowMs);
    const fact = isAdopted ? ({ reason: 'session_adopted', initiator: 'system' } as const) : {};
    await sessions.login({ sid, userId, idleDeadlineMs: expiry(nowMs, maxAgeSeconds) }, fact);
    return { ...claims, [SID_CLAIM]: sid };
  };

  const read = async (sid: string, claims: Claims, trigger: string | undefined): Promise<Claims> => {
    const tracker = await sessions.tracker();
    let open = tracker.find(sid);
    if (open === undefined && isId(sid) && Math.abs(Date.now() - idTimeMs(sid)) < KNOWN_WITHIN_MS) {
      for (let waitedMs = 0; open === undefined && waitedMs < KNOWN_WITHIN_MS; waitedMs += ASK_EVERY_MS) {
        await pause(ASK_EVERY_MS);
        open = tracker.find(sid);
      }
    }
    if (open === undefined || isPastAbsolute(open)) {
      await sessions.presented(sid);
      // Not null: next-auth 4 goes on with that, and has given the session before it fails.
      throw new Error('the session of this token has ended');
    }
    const nowMs = Date.now();
    const userId = sessions.userOf(claims);
    const session = { sid, userId: open.userId, idleDeadlineMs: expiry(nowMs, maxAgeSeconds) };
    if (userId !== undefined && userId !== open.userId) {
      const next = { ...session, sid: createId(nowMs), userId };
      const { details, ...origin } = sessions.fact();
      await tracker.observe({ before: session, after: next, origin, details });
      return { ...claims, [SID_CLAIM]: next.sid };
    }
    await sessions.used(session, trigger === 'update');
    return { ...claims, [SID_CLAIM]: sid };
  };

  return {
    jwt: {
      ...config.jwt,
      async decode(params) {
        let claims: Claims | null;
        try {
          claims = await decode(params);
        } catch (error) {
          // jose has checked everything else before it looks at the time.
          const { code, payload } = error as { code?: unknown; payload?: Claims };
          if (code === 'ERR_JWT_EXPIRED') await expired(payload, sessions);
          throw error;
        }
        const expiresMs = typeof claims?.['exp'] === 'number' ? claims['exp'] * 1000 : Number.POSITIVE_INFINITY;
        if (claims === null || claims[SID_CLAIM] === undefined || expiresMs > Date.now()) return claims;
        await expired(claims, sessions);
        throw new Error('the session of this token has expired');
      },
    },
    callbacks: {
      ...config.callbacks,
      async jwt(params: JwtParams) {
        const claims = ownJwt === undefined ? params.token : await ownJwt(params);
        const sid = params.token[SID_CLAIM];
        if (claims === null) {
          if (typeof sid === 'string') await sessions.logout(sid, { initiator: 'policy', reason: 'refused_by_application' });
          return null;
        }
        if (params.user !== undefined && params.user !== null) return login(claims, Date.now(), false);
        // A token of before there was a record has no name.
        return typeof sid === 'string' ? read(sid, claims, params.trigger) : login(claims, Date.now(), true);
      },
    },
    events: {
      ...config.events,
      async signOut(message) {
        const sid = message.token?.[SID_CLAIM];
        if (typeof sid === 'string') await sessions.logout(sid);
        await config.events?.signOut?.(message);
      },
    },
  };
}

async function expired(claims: Claims | undefined, sessions: AuthSessions): Promise<void> {
  const sid = claims?.[SID_CLAIM];
  if (typeof sid === 'string') await sessions.presented(sid);
}

/** As Auth.js computes `exp`. */
function expiry(nowMs: number, maxAgeSeconds: number): number {
  return (Math.floor(nowMs / 1000) + maxAgeSeconds) * 1000;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
