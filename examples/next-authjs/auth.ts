import { timingSafeEqual } from 'node:crypto';
import { recordAuth } from '@indelible/session/authjs';
import { withActionOrigin } from '@indelible/session/next';
import { getServerSession, type NextAuthOptions } from 'next-auth';
import { decode } from 'next-auth/jwt';
import Credentials from 'next-auth/providers/credentials';
import { headers } from 'next/headers';
import { sessions } from './record';

/** One proxy stands before this application, and sets X-Forwarded-For. */
const trustProxy = 1;

const config: NextAuthOptions = {
  session: { strategy: 'jwt', maxAge: 15 * 60 },
  providers: [
    Credentials({
      credentials: { name: { label: 'Name' }, password: { label: 'Password', type: 'password' } },
      // Yours: look the user up, and compare with a slow hash.
      async authorize(given) {
        const isRight = isEqual(given?.password ?? '', process.env['DEMO_PASSWORD'] ?? '');
        return given !== undefined && isRight ? { id: given.name, name: given.name } : null;
      },
    }),
  ],
};

// #region record
// The only lines about the record. Use `auth.config` wherever Auth.js wants a configuration.
export const auth = recordAuth(config, { tracker: sessions, decode, trustProxy });
export const currentSession = withActionOrigin(() => getServerSession(auth.config), { headers, trustProxy });
// #endregion

function isEqual(given: string, right: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(right)];
  return right !== '' && a.length === b.length && timingSafeEqual(a, b);
}
