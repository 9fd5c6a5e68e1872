import { createServer } from 'node:http';
import { clientAddress, runWithOrigin } from '@indelible/session';
import { sessionRecord } from '@indelible/session/better-auth';
import { betterAuth } from 'better-auth';
import { memoryAdapter } from 'better-auth/adapters/memory';
import { fromNodeHeaders, toNodeHandler } from 'better-auth/node';

/**
 * A server with better-auth under /api/auth and one route of its own.
 *
 * @param {{ tracker: import('@indelible/session').SessionTracker, secret: string, baseURL: string, trustProxy?: import('@indelible/session').TrustProxy }} options
 */
export function createApp({ tracker, secret, baseURL, trustProxy = false }) {
  // #region auth
  const auth = betterAuth({
    secret,
    baseURL,
    // Yours: a database. These tables are gone when the process ends, and with them its users and sessions.
    database: memoryAdapter({ user: [], session: [], account: [], verification: [] }),
    emailAndPassword: { enabled: true },
    session: { expiresIn: 15 * 60, updateAge: 60 },
    telemetry: { enabled: false },
    // The only line about the record; the last of the plugins.
    plugins: [sessionRecord({ tracker })],
  });
  // #endregion
  const authenticate = toNodeHandler(auth);

  // #region origin
  return createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const { ip } = clientAddress({ socketAddress: request.socket.remoteAddress, headers: request.headers }, trustProxy);
    // better-auth sees no connection: this is how its entries get the client's address.
    runWithOrigin({ ip, userAgent: request.headers['user-agent'], resource: pathname }, async () => {
      if (pathname.startsWith('/api/auth/')) return authenticate(request, response);
      if (pathname === '/balance') return showBalance(auth, request, response);
      return answer(response, 404, { error: 'there is nothing here' });
    }).catch((error) => answer(response, 500, { error: String(error) }));
  });
  // #endregion
}

async function showBalance(auth, request, response) {
  const found = await auth.api.getSession({ headers: fromNodeHeaders(request.headers) });
  if (found === null) return answer(response, 401, { error: 'sign in first' });
  return answer(response, 200, { user: found.user.email, balance: 4200 });
}

function answer(response, status, body) {
  if (!response.headersSent) response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
