import { recordAuth } from '@indelible/session/authjs';
import { Auth, type AuthConfig } from '@auth/core';
import type { AdapterUnderTest, StartOptions } from './adapter-under-test.ts';
import { ask, authAdapter, type Handler } from './support/authjs.ts';
import { addressOf, tables } from './support/authjs-tables.ts';

/** Auth.js with the database strategy and links by e-mail, which `mailbox` gets. */
export function databaseAuth({ tracker, policy, trustProxy, secret, details }: StartOptions, adapter: ReturnType<typeof tables>['adapter'], mailbox: Map<string, string[]>): Handler {
  const auth = recordAuth(
    {
      secret,
      basePath: '/auth',
      trustHost: true,
      logger: { error: () => undefined, warn: () => undefined },
      session: { strategy: 'database' as const, maxAge: policy.idleMs / 1000, updateAge: 0 },
      adapter,
      providers: [
        {
          id: 'email', type: 'email', name: 'Email', from: 'auth@users.example', maxAge: 600,
          async sendVerificationRequest({ identifier, url }: { identifier: string; url: string }) {
            mailbox.set(identifier, [...(mailbox.get(identifier) ?? []), url]);
          },
        },
      ],
      callbacks: { session: ({ session, user }: { session: object; user: { id: string } }) => ({ ...session, user: { id: user.id } }) },
    },
    { tracker, trustProxy, ...(details === undefined ? {} : { details }) },
  );
  return auth.handle((request) => Auth(request, auth.config as unknown as Omit<AuthConfig, 'raw'>));
}

export const adapter: AdapterUnderTest = authAdapter(
  {
    name: 'authjs-database',
    title: 'Auth.js, @auth/core 0.41.3, database strategy',
    module: import.meta.url,
    cannot: {
      regeneration: 'Auth.js has no operation that gives a session a new token',
    },
  },
  (options) => {
    const store = { isDown: false };
    const mailbox = new Map<string, string[]>();
    const { adapter: database, sessions } = tables(store);
    const handler = databaseAuth(options, database, mailbox);
    return {
      handler,
      store,
      deleteSessions(user) {
        for (const row of sessions.values()) if (row.userId === user) sessions.delete(row.sessionToken);
      },
      async signIn(visit, user, isWrong) {
        await ask(handler, visit, 'POST', '/signin/email', { email: addressOf(user) });
        const link = new URL(mailbox.get(addressOf(user))?.shift() ?? '');
        if (isWrong) link.searchParams.set('token', 'wrong');
        return ask(handler, visit, 'GET', link.href);
      },
    };
  },
);
