// What README shows: an Express application whose sessions are recorded by themselves. Run by e2e/guides.test.ts.
import { createHash } from 'node:crypto';
import express from 'express';
import session from 'express-session';

const directory = process.argv[2] ?? './audit';
const secret = createHash('sha256').update('a demonstration only').digest('hex');
const app = express();

// #region capture
import { fileStore, openLog, pinPath, readSigningKey } from '@indelible/log';
import { openTracker } from '@indelible/session';
import { captureSessions } from '@indelible/session/express-session';

const log = await openLog({ app: 'bank', store: fileStore(directory), signer: readSigningKey(`${directory}.key`), pin: pinPath(`${directory}.key`) });
const tracker = await openTracker({
  log,
  app: 'bank',
  sidKey: Buffer.from(secret, 'hex'), // 32 random bytes of your own, kept: they link cookies to entries
  policy: { idleMs: 15 * 60_000, absoluteMs: 8 * 3_600_000 },
});
app.use(session({ secret, resave: false, saveUninitialized: false, rolling: true, cookie: { maxAge: 15 * 60_000 } }));
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
