import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { fileStore, openLog, pinPath, readSigningKey } from '@indelible/log';
import { openTracker } from '@indelible/session';

const missing = ['INDELIBLE_LOG', 'INDELIBLE_SIGNING_KEY_FILE', 'SID_KEY_FILE'].filter((name) => !process.env[name]);
if (missing.length > 0) {
  console.error(`set ${missing.join(', ')} in the environment: paths of the log, of its signing key, of the key for session ids`);
  process.exit(1);
}
const { INDELIBLE_LOG, INDELIBLE_SIGNING_KEY_FILE, SID_KEY_FILE, PORT = '3000' } = process.env;
const sidKey = readFileSync(SID_KEY_FILE);

const log = await openLog({
  app: 'my-app',
  store: fileStore(INDELIBLE_LOG),
  signer: readSigningKey(INDELIBLE_SIGNING_KEY_FILE),
  pin: pinPath(INDELIBLE_SIGNING_KEY_FILE),
});
const tracker = await openTracker({
  log,
  sidKey,
  app: 'my-app',
  policy: { idleMs: 15 * 60_000, absoluteMs: 8 * 3_600_000 },
});

// Your application, with the adapter of its framework: captureSessions({ tracker, trustProxy: 1 }).
const server = createServer((_request, response) => response.end(`${tracker.openCount} sessions are open\n`));
server.listen(Number(PORT), () => console.log('listening'));

// From the outside in: no more requests, then no more events, then the log.
async function stop() {
  setTimeout(() => server.closeAllConnections(), 5_000).unref();
  await new Promise((resolve) => server.close(resolve));
  await tracker.close();
  await log.close();
}
for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => void stop().finally(() => process.exit()));
