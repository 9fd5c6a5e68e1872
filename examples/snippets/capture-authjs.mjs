import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Auth } from '@auth/core';
import { decode } from '@auth/core/jwt';
import Credentials from '@auth/core/providers/credentials';
import { serve } from '@hono/node-server';
import { fileStore, openLog, pinPath, readSigningKey } from '@indelible/log';
import { openTracker } from '@indelible/session';
import { recordAuth } from '@indelible/session/authjs';
import { Hono } from 'hono';

const directory = 'audit'; // made by `indelible init`, as its key
const key = 'audit.key';
const sidKey = readFileSync('sid.key');
const secret = randomBytes(32).toString('base64url'); // yours: one that is kept
const passwords = new Map([['alice', 'a demonstration only']]); // yours: a database, and hashes

const log = await openLog({ app: 'my-app', store: fileStore(directory), signer: readSigningKey(key), pin: pinPath(key) });
const tracker = await openTracker({ log, sidKey, policy: { idleMs: 15 * 60_000, absoluteMs: 8 * 3_600_000 } });

const config = {
  secret,
  basePath: '/auth',
  trustHost: true,
  session: { strategy: 'jwt', maxAge: 15 * 60 },
  providers: [
    Credentials({
      credentials: { user: {}, password: { type: 'password' } },
      authorize: ({ user, password }) => (passwords.has(user) && passwords.get(user) === password ? { id: user, name: user } : null),
    }),
  ],
};
const auth = recordAuth(config, { tracker, decode, trustProxy: 1 }); // one proxy of yours writes X-Forwarded-For
const handler = auth.handle((request) => Auth(request, auth.config));

const app = new Hono();
app.all('/auth/*', (c) => handler(c.req.raw));

const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: Number(process.env.PORT ?? 3000) }, ({ port }) => console.log(`http://127.0.0.1:${port}`));

async function stop() {
  await new Promise((resolve) => server.close(resolve).closeAllConnections());
  await tracker.close();
  await log.close();
}
for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => void stop());
