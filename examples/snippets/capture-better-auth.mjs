import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { fileStore, openLog, pinPath, readSigningKey } from '@indelible/log';
import { clientAddress, openTracker, runWithOrigin } from '@indelible/session';
import { sessionRecord } from '@indelible/session/better-auth';
import { betterAuth } from 'better-auth';
import { memoryAdapter } from 'better-auth/adapters/memory';
import { toNodeHandler } from 'better-auth/node';

const directory = 'audit'; // made by `indelible init`, as its key
const key = 'audit.key';
const sidKey = readFileSync('sid.key');
const secret = randomBytes(32).toString('base64url'); // yours: one that is kept
const { PORT = '3000' } = process.env;

const log = await openLog({ app: 'my-app', store: fileStore(directory), signer: readSigningKey(key), pin: pinPath(key) });
const tracker = await openTracker({ log, sidKey, policy: { idleMs: 15 * 60_000, absoluteMs: 8 * 3_600_000 } });

const auth = betterAuth({
  secret,
  baseURL: `http://127.0.0.1:${PORT}`,
  database: memoryAdapter({ user: [], session: [], account: [], verification: [] }), // yours: a database
  emailAndPassword: { enabled: true },
  session: { expiresIn: 15 * 60, updateAge: 60 },
  telemetry: { enabled: false },
  plugins: [sessionRecord({ tracker })], // the only line about the record; the last of the plugins
});
const serveAuth = toNodeHandler(auth);

const server = createServer((request, response) => {
  const { ip } = clientAddress({ socketAddress: request.socket.remoteAddress, headers: request.headers }, false);
  // better-auth sees no connection: this is how its entries get the client's address.
  void runWithOrigin({ ip, userAgent: request.headers['user-agent'], resource: request.url }, () => serveAuth(request, response));
});
server.listen(Number(PORT), '127.0.0.1', () => console.log(`http://127.0.0.1:${PORT}`));

async function stop() {
  await new Promise((resolve) => server.close(resolve).closeAllConnections());
  await tracker.close();
  await log.close();
}
for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => void stop());
