// Records one event in the log that `indelible init ./audit` made in the current directory.
// #region five-lines
import { fileStore, openLog, pinPath, readSigningKey } from '@indelible/log';

const key = './audit.key';
const log = await openLog({ store: fileStore('./audit'), signer: readSigningKey(key), pin: pinPath(key) });
await log.append({ event: 'login', userId: 'alice', ip: '203.0.113.7' });
await log.close();
// #endregion five-lines
