import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileStore, openLog, pinPath, readSigningKey } from '@indelible/log';
import { openTracker } from '@indelible/session';
import { captureSessions } from '@indelible/session/express-session';
import express from 'express';
import session from 'express-session';
import passport from 'passport';
import { Strategy } from 'passport-local';

const directory = 'audit'; // made by `indelible init`, as its key
const key = 'audit.key';
const sidKey = readFileSync('sid.key');
const cookieSecret = randomBytes(32).toString('base64url'); // yours: one that is kept
const passwords = new Map([['alice', 'a demonstration only']]); // yours: a database, and hashes

const log = await openLog({ app: 'my-app', store: fileStore(directory), signer: readSigningKey(key), pin: pinPath(key) });
const tracker = await openTracker({ log, sidKey, policy: { idleMs: 15 * 60_000, absoluteMs: 8 * 3_600_000 } });

passport.use(new Strategy((user, password, done) => done(null, passwords.has(user) && passwords.get(user) === password ? { id: user } : false)));
passport.serializeUser((user, done) => done(null, user.id));
passport.deserializeUser((id, done) => done(null, passwords.has(id) ? { id } : false));

const app = express();
app.use(session({ secret: cookieSecret, resave: false, saveUninitialized: false, cookie: { httpOnly: true, sameSite: 'strict', maxAge: 15 * 60_000 } }));
app.use(captureSessions({ tracker, passport }));
app.use(passport.session());
app.use(express.json());

app.post('/login', passport.authenticate('local'), (req, res) => res.send(`welcome ${req.user.id}\n`));
app.post('/logout', (req, res, next) => req.logOut((error) => (error ? next(error) : res.send('bye\n'))));
app.get('/', (req, res) => res.send(`${req.user?.id ?? 'nobody'}\n`));

const server = app.listen(process.env.PORT ?? 3000, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`));

async function stop() {
  await new Promise((resolve) => server.close(resolve).closeAllConnections());
  await tracker.close();
  await log.close();
}
for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => void stop());
