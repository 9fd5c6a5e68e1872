import { recordAuth } from '@indelible/session/authjs';
import { Auth, type AuthConfig } from '@auth/core';
import { decode } from '@auth/core/jwt';
import Credentials from '@auth/core/providers/credentials';
import type { AdapterUnderTest, StartOptions } from './adapter-under-test.ts';
import { ask, authAdapter, type Handler } from './support/authjs.ts';
import { tables } from './support/authjs-tables.ts';

/** Auth.js with the JWT strategy and credentials. */
export function jwtAuth({ tracker, policy, trustProxy, secret, details }: StartOptions): Handler {
  const auth = recordAuth(
    {
      secret,
      basePath: '/auth',
      trustHost: true,
      logger: { error: () => undefined, warn: () => undefined },
      // Not used by this strategy. @auth/core asks every configuration for one, once another in the same process signs in by e-mail.
      adapter: tables({ isDown: false }).adapter,
      session: { strategy: 'jwt' as const, maxAge: policy.idleMs / 1000 },
      providers: [
        Credentials({
          credentials: { user: {}, password: {} },
          authorize: ({ user, password }) => (password === 'right' ? { id: String(user), name: String(user) } : null),
        }),
      ],
      callbacks: { session: ({ session, token }: { session: object; token: { sub?: string } }) => ({ ...session, user: { id: token.sub } }) },
    },
    { tracker, trustProxy, decode, ...(details === undefined ? {} : { details }) },
  );
  return auth.handle((request) => Auth(request, auth.config as unknown as Omit<AuthConfig, 'raw'>));
}

export const adapter: AdapterUnderTest = authAdapter(
  {
    name: 'authjs-jwt',
    title: 'Auth.js, @auth/core 0.41.3, JWT strategy',
    module: import.meta.url,
    cannot: {
      regeneration: 'a token of Auth.js has no id that could be renewed: each reading of the session gives a new token for the same session',
      store_outage: 'the JWT strategy has no session store',
    },
    differs: {
      killed: { events: ['login', 'timeout'], why: 'a signed token stays good until the logout is on the record: the deadline ends the session' },
    },
  },
  (options) => {
    const handler = jwtAuth(options);
    return {
      handler,
      signIn: (visit, user, isWrong) => ask(handler, visit, 'POST', '/callback/credentials', { user, password: isWrong ? 'wrong' : 'right' }),
    };
  },
);
