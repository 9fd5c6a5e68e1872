import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fastifyCookie from '@fastify/cookie';
import fastifySession from '@fastify/session';
import { fileStore, openLog, pinPath, readSigningKey } from '@indelible/log';
import { openTracker } from '@indelible/session';
import { captureSessions } from '@indelible/session/fastify-session';
import { fastify } from 'fastify';

const directory = 'audit'; // made by `indelible init`, as its key
const key = 'audit.key';
const sidKey = readFileSync('sid.key');
const cookieSecret = randomBytes(32).toString('base64url'); // yours: one that is kept
const passwords = new Map([['alice', 'a demonstration only']]); // yours: a database, and hashes

const log = await openLog({ app: 'my-app', store: fileStore(directory), signer: readSigningKey(key), pin: pinPath(key) });
const tracker = await openTracker({ log, sidKey, policy: { idleMs: 15 * 60_000, absoluteMs: 8 * 3_600_000 } });

const app = fastify();
const session = { secret: cookieSecret, saveUninitialized: false, cookie: { httpOnly: true, sameSite: 'strict', secure: 'auto', maxAge: 15 * 60_000 } };
await app.register(fastifyCookie);
await app.register(captureSessions, { tracker, session }); // between the two, with the very object that the sessions get
await app.register(fastifySession, session);

app.post('/login', async (request, reply) => {
  const { user, password } = request.body;
  if (!passwords.has(user) || passwords.get(user) !== password) return reply.code(401).send('no\n');
  await request.session.regenerate();
  request.session.userId = user;
  return 'welcome\n';
});
app.get('/', async (request) => `${request.session.userId ?? 'nobody'}\n`);
app.post('/logout', async (request, reply) => {
  await request.session.destroy();
  reply.clearCookie('sessionId');
  return 'bye\n';
});

console.log(await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? 3000) }));

async function stop() {
  await app.close();
  await tracker.close();
  await log.close();
}
for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => void stop());
