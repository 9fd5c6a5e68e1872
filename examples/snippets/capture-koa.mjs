import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { json } from 'node:stream/consumers';
import { fileStore, openLog, pinPath, readSigningKey } from '@indelible/log';
import { openTracker } from '@indelible/session';
import { captureSessions } from '@indelible/session/koa-session';
import Koa from 'koa';
import session from 'koa-session';

const directory = 'audit'; // made by `indelible init`, as its key
const key = 'audit.key';
const sidKey = readFileSync('sid.key');
const cookieSecret = randomBytes(32).toString('base64url'); // yours: one that is kept
const passwords = new Map([['alice', 'a demonstration only']]); // yours: a database, and hashes

const log = await openLog({ app: 'my-app', store: fileStore(directory), signer: readSigningKey(key), pin: pinPath(key) });
const tracker = await openTracker({ log, sidKey, policy: { idleMs: 15 * 60_000, absoluteMs: 8 * 3_600_000 } });

const rows = new Map(); // yours: a database
const store = {
  get: async (id) => (rows.has(id) ? JSON.parse(rows.get(id)) : undefined),
  set: async (id, content) => void rows.set(id, JSON.stringify(content)),
  destroy: async (id) => void rows.delete(id),
};

const app = new Koa();
app.keys = [cookieSecret];
app.use(session({ store, maxAge: 15 * 60_000, rolling: true, sameSite: 'strict' }, app));
app.use(captureSessions({ tracker })); // the only line about the record; the routes know nothing of it

app.use(async (ctx) => {
  if (ctx.method === 'POST' && ctx.path === '/login') {
    const { user, password } = await json(ctx.req);
    if (!passwords.has(user) || passwords.get(user) !== password) ctx.throw(401);
    await ctx.session.regenerate();
    ctx.session.userId = user;
    ctx.body = 'welcome\n';
  } else if (ctx.method === 'POST' && ctx.path === '/logout') {
    ctx.session = null;
    ctx.body = 'bye\n';
  } else if (ctx.path === '/') ctx.body = `${ctx.session.userId ?? 'nobody'}\n`;
});

const server = app.listen(process.env.PORT ?? 3000, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`));

async function stop() {
  await new Promise((resolve) => server.close(resolve).closeAllConnections());
  await tracker.close();
  await log.close();
}
for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => void stop());
