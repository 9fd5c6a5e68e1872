import { SessionError } from '../error.ts';
import { runWithOrigin } from '../request-origin.ts';
import { checkTrustProxy, type TrustProxy } from '../trust-proxy.ts';
import { recordAdapter } from './authjs-adapter.ts';
import { recordTokens } from './authjs-jwt.ts';
import { actionOf, authRequests, failureIn, heldClaims, SID_CLAIM, type AuthRequest } from './authjs-request.ts';
import type { Claims, DecodeToken, Provider, WrappedConfig } from './authjs-types.ts';
import { AuthSessions } from './authjs-sessions.ts';
import { REFUSAL } from './request-capture.ts';
import type { TrackerSource } from './tracker-source.ts';
import { webOrigin } from './web-origin.ts';

export type { Claims, DecodeToken } from './authjs-types.ts';

/** Options of {@link recordAuth}. */
export interface AuthRecordOptions {
  readonly tracker: TrackerSource;
  /** `decode` of `@auth/core/jwt` or `next-auth/jwt`: required by the JWT strategy, unless the configuration has one. */
  readonly decode?: DecodeToken | undefined;
  /** Who a token of the JWT strategy is about. Default: its `sub`, else its `email`. */
  readonly user?: ((claims: Claims) => string | undefined) | undefined;
  /** Which proxies are believed about the client's address, where requests do not run in `runWithOrigin`. Default `false`. */
  readonly trustProxy?: TrustProxy | undefined;
  /** Goes under the `details` of every entry. */
  readonly details?: Readonly<Record<string, unknown>> | undefined;
}

/** What {@link recordAuth} gives. */
export interface AuthRecord<Config> {
  /** The configuration to use instead of the one given, wherever it is used. */
  readonly config: Config;
  /** Wraps what serves Auth.js's own routes: shows it where requests come from, which sign-ins fail, and refuses with 503 a login that is not on the record. */
  handle<Rest extends unknown[]>(handler: (request: Request, ...rest: Rest) => Response | Promise<Response>): (request: Request, ...rest: Rest) => Promise<Response>;
}

/**
 * Puts the sessions of Auth.js on the record (@auth/core, next-auth 4 and 5), in both strategies.
 *
 * `database`: the adapter is wrapped; a login is recorded before its session is stored. `jwt`: a claim `sid` is added to the
 * token at login, and the record becomes what can end such a session before its token expires: a token whose session has ended
 * there (by logout, revocation or the policy's timeout) is refused. Tokens are refused at their `exp`, not 15 s later. Reading a
 * session counts as use and prolongs it, as Auth.js prolongs it; both need `callbacks.jwt` or the adapter to be called, which
 * reading a token with `getToken` does not.
 *
 * @throws SessionError `ERR_SESSION_OPTION_INVALID` for the JWT strategy without `decode`; `ERR_SESSION_TRUST_INVALID`.
 */
export function recordAuth<Config extends object>(config: Config, options: AuthRecordOptions): AuthRecord<Config> {
  const { trustProxy = false } = options;
  checkTrustProxy(trustProxy);
  const given = config as unknown as WrappedConfig;
  const isDatabase = (given.session?.strategy ?? (given.adapter === undefined ? 'jwt' : 'database')) === 'database';
  const decode = given.jwt?.decode ?? (options.decode as ((params: unknown) => Promise<Claims | null>) | undefined);
  if (!isDatabase && decode === undefined) {
    throw new SessionError('ERR_SESSION_OPTION_INVALID', 'recordAuth needs the option decode for the JWT strategy: import { decode } from "@auth/core/jwt" or "next-auth/jwt"', 'decode');
  }
  const sessions = new AuthSessions(options);
  const wrapped: Partial<WrappedConfig> = {
    providers: given.providers.map((provider) => recordFailures(provider, sessions)),
    ...(given.adapter === undefined || !isDatabase ? {} : { adapter: recordAdapter(given.adapter, sessions) }),
    ...(isDatabase || decode === undefined ? {} : recordTokens(given, decode, sessions)),
  };

  const visit = async (request: Request): Promise<AuthRequest> => {
    const action = actionOf(request.url);
    let held: AuthRequest['held'];
    if (action === 'callback' && !isDatabase && decode !== undefined) {
      const claims = await heldClaims(given, decode, request.headers.get('cookie'));
      const [sid, userId] = [claims?.[SID_CLAIM], claims === undefined ? undefined : sessions.userOf(claims)];
      if (typeof sid === 'string' && userId !== undefined) held = { sid, userId };
    }
    return { action, isPost: request.method === 'POST', held, hasLoggedIn: false, hasFailed: false, isRefused: false };
  };

  return {
    config: { ...config, ...wrapped } as Config,
    handle(handler) {
      return (request, ...rest) =>
        runWithOrigin(webOrigin(request, trustProxy), async () => {
          const state = await visit(request);
          return authRequests.run(state, async () => {
            let response: Response;
            try {
              response = await handler(request, ...rest);
            } catch (error) {
              if (!state.isRefused) throw error;
              return refusal();
            }
            if (state.isRefused) return refusal();
            if (state.action === 'callback' && !state.hasLoggedIn && !state.hasFailed) {
              const reason = await failureIn(response);
              if (reason !== undefined) await sessions.failed(reason);
            }
            return response;
          });
        });
    },
  };
}

/** Nothing of the answer that was not given goes out: its headers may carry a session. */
function refusal(): Response {
  return new Response(REFUSAL.body, { status: REFUSAL.status, headers: REFUSAL.headers.map(([name, value]): [string, string] => [name, value]) });
}

/** Credentials fail in `authorize`, and nothing else tells: not even of a sign-in by a server action, which asks no route. */
function recordFailures(provider: Provider | ((...args: unknown[]) => Provider), sessions: AuthSessions): Provider | ((...args: unknown[]) => Provider) {
  if (typeof provider === 'function') return Object.assign((...args: unknown[]) => recordFailures(provider(...args), sessions) as Provider, provider);
  const authorize = provider.options?.authorize ?? provider.authorize;
  if (provider.type !== 'credentials' || authorize === undefined) return provider;
  const recorded = async (...args: unknown[]): Promise<unknown> => {
    let user: unknown;
    try {
      user = await authorize(...args);
    } catch (error) {
      await sessions.failed('credentials_rejected');
      throw error;
    }
    if (user === null || user === undefined || user === false) await sessions.failed('credentials_rejected');
    return user;
  };
  return { ...provider, authorize: recorded, ...(provider.options === undefined ? {} : { options: { ...provider.options, authorize: recorded } }) };
}
