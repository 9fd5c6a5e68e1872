// What README shows: an Express application whose sessions are recorded by themselves. Run by e2e/guides.test.ts.
import { readFileSync } from 'node:fs';
import express from 'express';
import session from 'express-session';

const directory = process.argv[2] ?? './audit';
const cookieSecret = 'a demonstration only';
const app = express();

// #region capture
import { fileStore, openLog, pinPath, readSigningKey } from '@indelible/log';
import { openTracker } from '@indelible/session';
import { captureSessions } from '@indelible/session/express-session';

const key = `${directory}.key`; // made by init, like the directory
const log = await openLog({ app: 'bank', store: fileStore(directory), signer: readSigningKey(key), pin: pinPath(key) });
const tracker = await openTracker({
  log,
  sidKey: readFileSync('sid.key'), // head -c 32 /dev/urandom > sid.key: session ids are recorded as keyed hashes
  policy: { idleMs: 15 * 60_000, absoluteMs: 8 * 3_600_000 },
});
app.use(session({ secret: cookieSecret, resave: false, saveUninitialized: false, rolling: true, cookie: { maxAge: 15 * 60_000 } }));
app.use(captureSessions({ tracker }));
// #endregion capture

app.get('/login', (request, response) => request.session.regenerate(() => {
  request.session.userId = 'alice';
  response.send('welcome');
}));
app.get('/logout', (request, response) => request.session.destroy(() => response.send('bye')));

const server = app.listen(0, '127.0.0.1');
await new Promise((resolve) => server.once('listening', resolve));
const base = `http://127.0.0.1:${server.address().port}`;
const { headers } = await fetch(`${base}/login`);
await fetch(`${base}/logout`, { headers: { cookie: headers.get('set-cookie').split(';')[0] } });
server.close();
server.closeAllConnections();
await tracker.close();
await log.close();
