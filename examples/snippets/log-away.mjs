import { readFileSync } from 'node:fs';
import { fileStore, openLog, pinPath, readSigningKey } from '@indelible/log';
import { openTracker, SessionError } from '@indelible/session';

const log = await openLog({ app: 'my-app', store: fileStore('audit'), signer: readSigningKey('audit.key'), pin: pinPath('audit.key') });
const tracker = await openTracker({
  log,
  sidKey: readFileSync('sid.key'),
  policy: { idleMs: 15 * 60_000, absoluteMs: 8 * 3_600_000 },
  mode: 'spool',
  spool: { directory: 'spool' }, // a local disk that a restart keeps; one process for each
  sinkTimeoutMs: 2_000,
  onError(error) {
    if (!(error instanceof SessionError)) return console.error('NOT RECORDED', error);
    if (error.code === 'ERR_SESSION_DELAYED') return console.warn('the log is away, events wait:', error.message);
    console.error('LOOK AT THIS', error.code, error.message);
  },
});

const alice = await tracker.login('the session id of the framework', 'alice', { ip: '203.0.113.7' });
console.log(`${alice.userId} is logged in, ${tracker.openCount} open`);
await tracker.logout('the session id of the framework');

await tracker.close();
await log.close();
