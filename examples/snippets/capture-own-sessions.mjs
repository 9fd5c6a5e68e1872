import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';
import { fileStore, openLog, pinPath, readSigningKey } from '@indelible/log';
import { clientAddress, currentOrigin, openTracker, runWithOrigin } from '@indelible/session';
import { wrapSessionStore } from '@indelible/session/session-store';

const directory = 'audit'; // made by `indelible init`, as its key
const key = 'audit.key';
const sidKey = readFileSync('sid.key');
const passwords = new Map([['alice', 'a demonstration only']]); // yours: a database, and hashes

const log = await openLog({ app: 'my-app', store: fileStore(directory), signer: readSigningKey(key), pin: pinPath(key) });
const tracker = await openTracker({ log, sidKey, policy: { idleMs: 15 * 60_000, absoluteMs: 8 * 3_600_000 } });

// Yours: a table. The client holds a token, the table its hash.
const table = new Map();
const hashOf = (token) => createHash('sha256').update(token).digest('hex');
const store = {
  create(token, userId) {
    const session = { id: hashOf(token), userId, expiresAt: new Date(Date.now() + 15 * 60_000) };
    table.set(session.id, session);
    return session;
  },
  validate(token) {
    const session = table.get(hashOf(token));
    if (session === undefined || session.expiresAt <= new Date()) return table.delete(hashOf(token)) && null;
    session.expiresAt = new Date(Date.now() + 15 * 60_000);
    return session;
  },
  invalidate: (id) => void table.delete(id),
  invalidateAll(userId) {
    for (const session of table.values()) if (session.userId === userId) table.delete(session.id);
  },
};
const sessions = wrapSessionStore(store, { tracker, sessionId: hashOf }); // use this one from now on

async function handle(request, response) {
  const token = /(?:^|; )token=([\w-]+)/.exec(request.headers.cookie ?? '')?.[1];
  const session = token === undefined ? null : await sessions.validate(token);
  if (request.method === 'POST' && request.url === '/login') {
    const { user, password } = await json(request);
    if (!passwords.has(user) || passwords.get(user) !== password) {
      await tracker.loginFailed({ ...currentOrigin(), reason: 'wrong_credentials', ...(passwords.has(user) ? { userId: user } : {}) });
      return response.writeHead(401).end('no\n');
    }
    const fresh = randomBytes(32).toString('base64url');
    await sessions.create(fresh, user); // rejects where the login cannot be recorded: then there is no session
    return response.setHeader('set-cookie', `token=${fresh}; HttpOnly; SameSite=Strict; Path=/`).end('welcome\n');
  }
  if (request.method === 'POST' && request.url === '/logout' && session !== null) {
    await sessions.invalidate(session.id);
    return response.end('bye\n');
  }
  return response.end(`${session?.userId ?? 'nobody'}\n`);
}

const server = createServer((request, response) => {
  const { ip } = clientAddress({ socketAddress: request.socket.remoteAddress, headers: request.headers }, false);
  const origin = { ip, userAgent: request.headers['user-agent'], resource: request.url };
  runWithOrigin(origin, () => handle(request, response)).catch(() => response.writeHead(503).end('try again\n'));
});
server.listen(process.env.PORT ?? 3000, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`));

async function stop() {
  await new Promise((resolve) => server.close(resolve).closeAllConnections());
  await tracker.close();
  await log.close();
}
for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => void stop());
