import type { Initiator } from '@indelible/event';
import type { AuthContext, EndpointContext } from './better-auth-types.ts';

/** Why an endpoint of better-auth ends sessions, and on whose behalf. */
export interface Ending {
  readonly event: 'logout' | 'revoked';
  readonly initiator: Initiator;
  readonly reason?: string;
}

// better-auth 1.7.4: every endpoint of the core and of its own plugins that deletes a session. The delete hook gives no reason.
const ENDINGS: readonly (readonly [prefix: string, ending: Ending])[] = [
  ['/sign-out', { event: 'logout', initiator: 'user' }],
  // A second factor is asked for: the session of the password is taken back before the answer.
  ['/sign-in/', { event: 'logout', initiator: 'policy', reason: 'second_factor_required' }],
  ['/admin/stop-impersonating', { event: 'logout', initiator: 'admin', reason: 'impersonation_ended' }],
  ['/admin/ban-user', { event: 'revoked', initiator: 'admin', reason: 'user_banned' }],
  ['/admin/remove-user', { event: 'revoked', initiator: 'admin', reason: 'account_deleted' }],
  ['/admin/', { event: 'revoked', initiator: 'admin' }],
  ['/revoke-', { event: 'revoked', initiator: 'user' }],
  ['/change-password', { event: 'revoked', initiator: 'user', reason: 'password_changed' }],
  ['/reset-password', { event: 'revoked', initiator: 'user', reason: 'password_changed' }],
  ['/email-otp/reset-password', { event: 'revoked', initiator: 'user', reason: 'password_changed' }],
  ['/phone-number/reset-password', { event: 'revoked', initiator: 'user', reason: 'password_changed' }],
  ['/delete-user', { event: 'revoked', initiator: 'user', reason: 'account_deleted' }],
  ['/multi-session/', { event: 'logout', initiator: 'user' }],
  ['/two-factor/', { event: 'logout', initiator: 'policy', reason: 'session_replaced' }],
];

/** What it means that this endpoint deleted a session; outside of an endpoint, or in an unknown one, nobody says. */
export function endingOf(path: string | undefined): Ending {
  const found = path === undefined ? undefined : ENDINGS.find(([prefix]) => path.startsWith(prefix));
  return found?.[1] ?? { event: 'revoked', initiator: 'system', reason: 'session_deleted' };
}

const SIGN_IN =
  /^\/(?:sign-in\/|sign-up\/|two-factor\/verify-|magic-link\/verify|phone-number\/verify|passkey\/verify-authentication|callback\/|oauth2\/callback\/)/;

/** Whether this endpoint is where somebody shows who they are. */
export function isSignIn(path: string | undefined): boolean {
  return path !== undefined && SIGN_IN.test(path);
}

/** Whether sessions live in secondary storage alone, where better-auth runs no delete hook. */
export function firesNoDeleteHook({ options }: AuthContext): boolean {
  return options.secondaryStorage !== undefined && options.session?.storeSessionInDatabase !== true;
}

/** Which sessions an endpoint that succeeded has ended; undefined where it ends none. */
export function endedBy({ path, body, context }: EndpointContext): { readonly token: string } | { readonly userId: string; readonly exceptSid?: string } | undefined {
  const given = (typeof body === 'object' && body !== null ? body : {}) as Readonly<Record<string, unknown>>;
  const own = context.session?.session;
  switch (path) {
    case '/revoke-session':
      return typeof given['token'] === 'string' ? { token: given['token'] } : undefined;
    case '/admin/revoke-user-session':
      return typeof given['sessionToken'] === 'string' ? { token: given['sessionToken'] } : undefined;
    case '/admin/revoke-user-sessions':
    case '/admin/ban-user':
    case '/admin/remove-user':
      return typeof given['userId'] === 'string' ? { userId: given['userId'] } : undefined;
    case '/revoke-sessions':
    case '/delete-user':
      return own === undefined ? undefined : { userId: own.userId };
    case '/revoke-other-sessions':
      return own === undefined ? undefined : { userId: own.userId, exceptSid: own.token };
    case '/change-password':
      if (own === undefined || given['revokeOtherSessions'] !== true) return undefined;
      return { userId: own.userId, exceptSid: context.newSession?.session.token ?? own.token };
    default:
      return undefined;
  }
}
