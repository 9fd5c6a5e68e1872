import { AsyncLocalStorage } from 'node:async_hooks';
import type { Claims, WrappedConfig } from './authjs-types.ts';

/** The claim that names a session of the JWT strategy, which has no other name. No secret: it is inside of the encrypted token. */
export const SID_CLAIM = 'sid';

/** A request to Auth.js's own routes while it is answered. */
export interface AuthRequest {
  readonly action: 'callback' | 'session' | 'signin' | 'signout' | undefined;
  readonly isPost: boolean;
  /** The session of the JWT strategy that the browser held when it came to sign in. */
  readonly held: { readonly sid: string; readonly userId: string } | undefined;
  hasLoggedIn: boolean;
  hasFailed: boolean;
  /** A login that could not be recorded. */
  isRefused: boolean;
}

// Next.js makes several copies of a module; one of them may serve the route whose configuration another has wrapped.
const REQUESTS = Symbol.for('@indelible/session auth.js requests 1');
const shared = globalThis as unknown as { [REQUESTS]?: AsyncLocalStorage<AuthRequest> };

/** The request to Auth.js that is being answered, if any. */
export const authRequests: AsyncLocalStorage<AuthRequest> = (shared[REQUESTS] ??= new AsyncLocalStorage<AuthRequest>());

/** Which of Auth.js's actions a path asks for. */
export function actionOf(url: string): AuthRequest['action'] {
  const action = /\/(callback|session|signin|signout)(?:\/[^/]+)?\/?$/.exec(new URL(url).pathname)?.[1];
  return action as AuthRequest['action'];
}

/** The claims of the session token in the request's cookies, which may be cut into several; undefined for none that is valid. */
export async function heldClaims(config: WrappedConfig, decode: (params: unknown) => Promise<Claims | null>, cookieHeader: string | null): Promise<Claims | undefined> {
  const name = config.cookies?.sessionToken?.name;
  const chunks = new Map<string, Map<number, string>>();
  for (const pair of (cookieHeader ?? '').split(/; */)) {
    const [, cookie = '', index = '0', value = ''] = /^([^=]+?)(?:\.([0-9]{1,2}))?=(.*)$/.exec(pair) ?? [];
    if (name === undefined ? !/^(?:__Secure-|__Host-)?(?:authjs|next-auth)\.session-token$/.test(cookie) : cookie !== name) continue;
    const parts = chunks.get(cookie) ?? new Map<number, string>();
    chunks.set(cookie, parts.set(Number(index), value));
  }
  const secret = config.jwt?.secret ?? config.secret ?? process.env['AUTH_SECRET'] ?? process.env['NEXTAUTH_SECRET'];
  for (const [cookie, parts] of chunks) {
    const token = [...parts].sort(([a], [b]) => a - b).map(([, part]) => part).join('');
    // The salt of @auth/core is the cookie's name; next-auth 4 has none.
    for (const salt of [cookie, '']) {
      const claims = await decode({ token, secret, salt }).catch(() => null);
      if (claims !== null) return claims;
    }
  }
  return undefined;
}

/** Why Auth.js sent somebody back who came to sign in; undefined where it did not. */
export async function failureIn(response: Response): Promise<string | undefined> {
  let location = response.headers.get('location');
  if (location === null && response.headers.get('content-type')?.includes('json') === true) {
    const body: unknown = await response.clone().json().catch(() => null);
    const { url } = (typeof body === 'object' && body !== null ? body : {}) as { url?: unknown };
    location = typeof url === 'string' ? url : null;
  }
  const error = location === null ? null : new URL(location, 'http://localhost').searchParams.get('error');
  if (error !== null) return error.slice(0, 100);
  return response.status === 401 || response.status === 403 ? `status_${response.status}` : undefined;
}
