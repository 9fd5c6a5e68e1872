// npm start: the ticket desk on http://127.0.0.1:3000, its record in ./audit (made by `indelible init audit`).
import { readFileSync } from 'node:fs';
import { createApp } from './app.ts';
import { openAudit } from './middleware/sessionLogger.ts';

const { INDELIBLE_LOG: directory = 'audit', INDELIBLE_SIGNING_KEY_FILE: signingKey = `${directory}.key`, PORT = '3000' } = process.env;
const { SID_HASH_KEY_FILE: sidKeyFile, COOKIE_SECRET: cookieSecret } = process.env;
if (sidKeyFile === undefined || cookieSecret === undefined) {
  console.error('Set SID_HASH_KEY_FILE to a file of 32 random bytes (openssl rand -out sid-hash.key 32) and COOKIE_SECRET to 32 characters or more');
  process.exit(2);
}

const audit = await openAudit({ directory, signingKey, sidKey: readFileSync(sidKeyFile) });
const app = createApp({ tracker: audit.tracker, cookieSecret });
console.log(`the ticket desk is open: ${await app.listen({ host: '127.0.0.1', port: Number(PORT) })}`);

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void app.close().then(() => audit.close()));
}
