// npm start: the application on http://127.0.0.1:3000, its record in ./audit (made by `indelible init audit`).
import { readFileSync } from 'node:fs';
import { fileStore, openLog, pinPath, readSigningKey } from '@indelible/log';
import { openTracker } from '@indelible/session';
import { createApp } from './app.mjs';

const { INDELIBLE_LOG: directory = 'audit', INDELIBLE_SIGNING_KEY_FILE: signingKey = `${directory}.key`, PORT = '3000' } = process.env;
const { SID_HASH_KEY_FILE: sidKeyFile, BETTER_AUTH_SECRET: secret } = process.env;
if (sidKeyFile === undefined || secret === undefined) {
  console.error('Set SID_HASH_KEY_FILE to a file of 32 random bytes, outside the record, and BETTER_AUTH_SECRET: see README.md');
  process.exit(2);
}

const log = await openLog({ app: 'better-auth-example', store: fileStore(directory), signer: readSigningKey(signingKey), pin: pinPath(signingKey) });
const tracker = await openTracker({
  log,
  sidKey: readFileSync(sidKeyFile),
  app: 'better-auth-example',
  adapter: { name: 'better-auth', version: '0.1.0' },
  policy: { idleMs: 15 * 60_000, absoluteMs: 8 * 3_600_000 },
});
const server = createApp({ tracker, secret, baseURL: `http://127.0.0.1:${PORT}` });
server.listen(Number(PORT), '127.0.0.1', () => console.log(`listening: http://127.0.0.1:${PORT}`));

async function stop() {
  await tracker.close();
  await log.close();
}

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    server.close(() => void stop());
    server.closeIdleConnections();
  });
}
