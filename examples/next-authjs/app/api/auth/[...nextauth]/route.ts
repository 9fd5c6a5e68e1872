import NextAuth from 'next-auth';
import { auth } from '../../../../auth';

const handler = auth.handle(NextAuth(auth.config));

export { handler as GET, handler as POST };
