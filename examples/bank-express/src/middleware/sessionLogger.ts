// The one file through which this application reaches its audit trail. Routes import logSessionEvent from here.
import { fileStore, openLog, pinPath, readSigningKey, type Log } from '@indelible/log';
import { connectLog, logSessionEvent, type LogPort } from '@indelible/session';

export { logSessionEvent };

/** Options of `openAudit`. */
export interface AuditOptions {
  /** The log's directory, made by `indelible init`. */
  readonly directory: string;
  /** The signing key, outside that directory. */
  readonly signingKey: string;
  /** A clock to take each event's `timestamp` from, Unix milliseconds; for demonstrations. Default: the log's own. */
  readonly now?: () => number;
}

/** Opens the log and gives it to `logSessionEvent`. Close it when the application ends. */
export async function openAudit({ directory, signingKey, now }: AuditOptions): Promise<Log> {
  // #region open
  const log = await openLog({
    app: 'bank-express',
    store: fileStore(directory),
    signer: readSigningKey(signingKey),
    pin: pinPath(signingKey),
  });
  // #endregion open
  const port: LogPort = now === undefined ? log : { append: (event) => log.append({ ...event, timestamp: now() }) };
  // #region connect
  connectLog(port, {
    // What no route waits for and could not be recorded. A real bank wakes somebody up.
    onError: (error, { userId, event }) => console.error(`NOT RECORDED: ${event} of ${String(userId)}:`, error),
  });
  // #endregion connect
  return log;
}
