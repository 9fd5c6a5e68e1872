// An Express application with express-session and its memory store, in a process of its own; with capture where a log's directory is given.
//
//   node session-server.mjs [DIRECTORY]        port by IPC; { cpuUs, entries } for each message that asks

import { once } from 'node:events';
import { createServer } from 'node:http';
import { createLog, createSigningKey, fileStore, openLog, parseSigningKey } from '@indelible/log';
import { openTracker } from '@indelible/session';
import { captureSessions } from '@indelible/session/express-session';
import express from 'express';
import session from 'express-session';

const [, , directory] = process.argv;
const app = express();
const store = new session.MemoryStore();
let log;
let tracker;
app.use(session({ store, secret: 'bench', resave: false, saveUninitialized: false, cookie: { maxAge: 900_000 } }));
if (directory !== undefined) {
  const signer = parseSigningKey(createSigningKey('bench.example/middleware').secret);
  await createLog(directory, { signer });
  log = await openLog({ store: fileStore(directory), signer, app: 'bench', instance: 'bench-log', heartbeatMs: 0 });
  const policy = { idleMs: 900_000, absoluteMs: 28_800_000, warnFrom: Infinity };
  tracker = await openTracker({ log, sidKey: new Uint8Array(32).fill(7), app: 'bench', instance: 'bench-1', policy, heartbeatMs: 0 });
  app.use(captureSessions({ tracker, store }));
}
app.post('/login', (req, res) => {
  req.session.userId = `user-${Number(req.query.user)}`;
  res.json({ ok: true });
});
app.get('/me', (req, res) => void res.json({ user: req.session.userId, balance: 1_204_500 }));
const server = createServer(app);
server.listen(0, '127.0.0.1');
await once(server, 'listening');

process.on('message', (message) => {
  if (message === 'end') {
    void end();
    return;
  }
  const { user, system } = process.cpuUsage();
  process.send({ cpuUs: user + system, entries: log?.size ?? 0 });
});
process.send({ port: server.address().port });

async function end() {
  server.closeAllConnections();
  server.close();
  await tracker?.close();
  await log?.close();
  process.disconnect();
}
