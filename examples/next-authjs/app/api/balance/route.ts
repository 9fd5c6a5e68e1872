import { withOrigin } from '@indelible/session/next';
import { currentSession } from '../../../auth';

/** A route handler: it reads the session, and knows nothing of the record. */
export const GET = withOrigin(
  async () => {
    const session = await currentSession();
    return session === null ? Response.json({ error: 'sign in first' }, { status: 401 }) : Response.json({ user: session.user?.name, balance: 4200 });
  },
  { trustProxy: 1 },
);
