import { fileStore, openLog, pinPath, readSigningKey } from '@indelible/log';
import { connectLog, logSessionEvent } from '@indelible/session';

const log = await openLog({
  app: 'my-app',
  store: fileStore('audit'),
  signer: readSigningKey('audit.key'),
  pin: pinPath('audit.key'),
  sealTo: 'elsewhere/audit.seals',
});
connectLog(log, { onError: (error, { userId, event }) => console.error('NOT RECORDED', userId, event, error) });

// Wait where the step must not happen without its record: a login that cannot be recorded is refused.
const { id, index } = await logSessionEvent('alice', 'login', { sessionId: 'S-7f3a', ip: '203.0.113.7', method: 'passkey' });
console.log(`entry ${index}, ${id}`);

// Do not wait where it must happen anyway: a failure goes to onError.
void logSessionEvent('alice', 'logout', { sessionId: 'S-7f3a', reason: 'signed_out' });

await log.close();
