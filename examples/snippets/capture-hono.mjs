import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { serve } from '@hono/node-server';
import { fileStore, openLog, pinPath, readSigningKey } from '@indelible/log';
import { openTracker } from '@indelible/session';
import { captureHonoSessions } from '@indelible/session/hono';
import { Hono } from 'hono';
import { deleteCookie } from 'hono/cookie';
import { MemoryStore, sessionMiddleware } from 'hono-sessions';

const directory = 'audit'; // made by `indelible init`, as its key
const key = 'audit.key';
const sidKey = readFileSync('sid.key');
const encryptionKey = randomBytes(32).toString('base64url'); // yours: one that is kept
const passwords = new Map([['alice', 'a demonstration only']]); // yours: a database, and hashes

const log = await openLog({ app: 'my-app', store: fileStore(directory), signer: readSigningKey(key), pin: pinPath(key) });
const tracker = await openTracker({ log, sidKey, policy: { idleMs: 15 * 60_000, absoluteMs: 8 * 3_600_000 } });

const app = new Hono();
const session = { store: new MemoryStore(), encryptionKey, expireAfterSeconds: 15 * 60, cookieOptions: { httpOnly: true, sameSite: 'Strict', path: '/' } };
app.use(captureHonoSessions({ tracker, sessionMiddleware, session })); // in place of sessionMiddleware(session)

app.post('/login', async (c) => {
  const { user, password } = await c.req.json();
  if (!passwords.has(user) || passwords.get(user) !== password) return c.text('no\n', 401);
  c.get('session').set('userId', user);
  c.set('session_key_rotation', true); // a new id for a new user
  return c.text('welcome\n');
});
app.get('/', (c) => c.text(`${c.get('session').get('userId') ?? 'nobody'}\n`));
app.post('/logout', (c) => {
  c.get('session').deleteSession();
  deleteCookie(c, 'session');
  return c.text('bye\n');
});

const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: Number(process.env.PORT ?? 3000) }, ({ port }) => console.log(`http://127.0.0.1:${port}`));

async function stop() {
  await new Promise((resolve) => server.close(resolve).closeAllConnections());
  await tracker.close();
  await log.close();
}
for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => void stop());
