import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileStore, openLog, pinPath, readSigningKey } from '@indelible/log';
import { openTracker } from '@indelible/session';
import { captureSessions } from '@indelible/session/express-session';
import express from 'express';
import session from 'express-session';

const directory = 'audit'; // made by `indelible init`, as its key
const key = 'audit.key';
const sidKey = readFileSync('sid.key');
const cookieSecret = randomBytes(32).toString('base64url'); // yours: one that is kept
const passwords = new Map([['alice', 'a demonstration only']]); // yours: a database, and hashes

const log = await openLog({ app: 'my-app', store: fileStore(directory), signer: readSigningKey(key), pin: pinPath(key) });
const tracker = await openTracker({ log, sidKey, policy: { idleMs: 15 * 60_000, absoluteMs: 8 * 3_600_000 } });

const app = express();
app.use(session({ secret: cookieSecret, resave: false, saveUninitialized: false, cookie: { httpOnly: true, sameSite: 'strict', maxAge: 15 * 60_000 } }));
app.use(captureSessions({ tracker })); // the only line about the record; the routes know nothing of it

app.post('/login', express.json(), (req, res, next) => {
  const { user, password } = req.body;
  if (!passwords.has(user) || passwords.get(user) !== password) return res.status(401).send('no\n');
  req.session.regenerate((error) => {
    if (error) return next(error);
    req.session.userId = user;
    res.send('welcome\n');
  });
});
app.get('/', (req, res) => res.send(`${req.session.userId ?? 'nobody'}\n`));
app.post('/logout', (req, res, next) => req.session.destroy((error) => (error ? next(error) : res.send('bye\n'))));

const server = app.listen(process.env.PORT ?? 3000, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`));

async function stop() {
  await new Promise((resolve) => server.close(resolve).closeAllConnections());
  await tracker.close();
  await log.close();
}
for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => void stop());
