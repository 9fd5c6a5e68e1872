// Compiled, never run: the adapters fit the declarations of the libraries that they are for.
import { Auth, type AuthConfig } from '@auth/core';
import type { Adapter } from '@auth/core/adapters';
import { decode } from '@auth/core/jwt';
import type { SessionTracker } from '@indelible/session';
import { recordAuth } from '@indelible/session/authjs';
import { sessionRecord } from '@indelible/session/better-auth';
import { wrapSessionStore } from '@indelible/session/session-store';
import { betterAuth } from 'better-auth';
import { memoryAdapter } from 'better-auth/adapters/memory';

export async function compiles(tracker: SessionTracker, adapter: Adapter): Promise<void> {
  const auth = betterAuth({ database: memoryAdapter({}), plugins: [sessionRecord({ tracker })] });
  const found = await auth.api.getSession({ headers: new Headers() });
  const userId: string | undefined = found?.user.id;

  const config: AuthConfig = { providers: [], adapter, secret: userId ?? '' };
  const record = recordAuth(config, { tracker, decode });
  const handler: (request: Request) => Promise<Response> = record.handle((request) => Auth(request, record.config));

  const store = wrapSessionStore(
    {
      create: (userId: number, ip: string) => ({ id: ip, userId }),
      validate: (token: string) => (token === '' ? { session: null } : { session: { id: token, userId: 1 } }),
      invalidate: (_id: string) => undefined,
      invalidateAll: (_userId: number) => undefined,
    },
    { tracker },
  );
  const { session } = await store.validate('token');
  const id: string | undefined = session?.id;
  // @ts-expect-error -- a number is wanted
  await store.create(id, 'ip');
  // @ts-expect-error -- the store has none
  await store.extend('id');
  await handler(new Request('http://127.0.0.1/'));
}
