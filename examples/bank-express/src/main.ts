// npm start: the bank on http://127.0.0.1:3000, its record in ./audit (made by `indelible init audit`).
import { readFileSync } from 'node:fs';
import { createBank } from './bank.ts';
import { openAudit } from './middleware/sessionLogger.ts';

const { INDELIBLE_LOG: directory = 'audit', INDELIBLE_SIGNING_KEY_FILE: signingKey = `${directory}.key`, PORT = '3000' } = process.env;
const sidHashKeyFile = process.env['SID_HASH_KEY_FILE'];
if (sidHashKeyFile === undefined) {
  console.error('Set SID_HASH_KEY_FILE to a file of 32 random bytes, outside the record: openssl rand -out sid-hash.key 32');
  process.exit(2);
}

const audit = await openAudit({ directory, signingKey, sidKey: readFileSync(sidHashKeyFile) });
const { app } = createBank({ tracker: audit.tracker });
const server = app.listen(Number(PORT), '127.0.0.1', () => console.log(`the bank is open: http://127.0.0.1:${PORT}`));

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => server.close(() => void audit.close()));
}
