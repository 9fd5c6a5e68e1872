'use server';

import { currentOrigin } from '@indelible/session';
import { withActionOrigin } from '@indelible/session/next';
import { headers } from 'next/headers';
import { currentSession } from '../auth';
import { sessions } from '../record';

const revokeAll = withActionOrigin(
  async (userId: string) => (await sessions()).revoke({ userId }, { ...currentOrigin(), initiator: 'user', reason: 'signed_out_everywhere' }),
  { headers, trustProxy: 1, resource: 'signOutEverywhere' },
);

/** A server action. Tokens cannot be called back; but those whose session has ended on the record are refused. */
export async function signOutEverywhere(): Promise<void> {
  const userId = (await currentSession())?.user?.name;
  if (userId !== undefined && userId !== null) await revokeAll(userId);
}
