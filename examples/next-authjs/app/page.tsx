import type { ReactNode } from 'react';
import { currentSession } from '../auth';
import { signOutEverywhere } from './actions';

// oxlint-disable-next-line import/no-default-export -- Next.js asks for it
export default async function Page(): Promise<ReactNode> {
  const session = await currentSession();
  if (session === null) {
    return (
      <p>
        Nobody is signed in. <a href="/api/auth/signin">Sign in</a>
      </p>
    );
  }
  return (
    <main>
      <p>Signed in as {session.user?.name}.</p>
      <form action={signOutEverywhere}>
        <button>Sign out everywhere</button>
      </form>
      <a href="/api/auth/signout">Sign out</a>
    </main>
  );
}
