// The one file through which this application reaches its audit trail: it is set up here, and captures by itself from then on.
import { fileStore, openLog, pinPath, readSigningKey } from '@indelible/log';
import { connectLog, logSessionEvent, openTracker, type LogPort, type SessionPolicy, type SessionTracker } from '@indelible/session';
import { captureSessions } from '@indelible/session/express-session';
import type { RequestHandler } from 'express';
import type { Store } from 'express-session';

export { logSessionEvent };

/** PCI DSS 8.2.8 allows 15 minutes of idleness; a working day is the end of every session. */
const POLICY: SessionPolicy = { name: 'idle-10m-absolute-8h', idleMs: 600_000, absoluteMs: 28_800_000, extendEveryMs: 60_000 };

/** Options of `openAudit`. */
export interface AuditOptions {
  /** The log's directory, made by `indelible init`. */
  readonly directory: string;
  /** The signing key, outside that directory. */
  readonly signingKey: string;
  /** Key of the hash under which a cookie's session id may stand on the record: 32 random bytes, kept. */
  readonly sidKey: Uint8Array;
  /** A clock to take each event's `timestamp` from, Unix milliseconds; for demonstrations, which also sweep themselves. */
  readonly now?: () => number;
}

/** The audit trail of the application. */
export interface Audit {
  readonly tracker: SessionTracker;
  /** The newest seal of the record; also after `close`. */
  readonly seal: string | undefined;
  /** Says that this application captures no longer, and lets the next process in. */
  close(): Promise<void>;
}

/** Opens the log, and the tracker of the sessions in it. */
export async function openAudit({ directory, signingKey, sidKey, now }: AuditOptions): Promise<Audit> {
  // #region open
  const log = await openLog({
    app: 'bank-express',
    store: fileStore(directory),
    signer: readSigningKey(signingKey),
    pin: pinPath(signingKey),
  });
  const tracker = await openTracker({
    log,
    app: 'bank-express',
    sidKey,
    policy: POLICY,
    adapter: { name: 'express-session', version: '0.1.0' },
    // What nobody waits for and could not be recorded. A real bank wakes somebody up.
    onError: (error) => console.error('NOT RECORDED:', error),
    ...(now === undefined ? {} : { nowMs: now, sweepEveryMs: 0 }),
  });
  // #endregion open
  const port: LogPort = now === undefined ? log : { append: (event) => log.append({ ...event, timestamp: now() }) };
  // #region connect
  connectLog(port, {
    onError: (error, { userId, event }) => console.error(`NOT RECORDED: ${event} of ${String(userId)}:`, error),
  });
  // #endregion connect
  return {
    tracker,
    get seal() {
      return log.seal;
    },
    async close() {
      await tracker.close();
      await log.close();
    },
  };
}

/** The middleware behind express-session: logins, logouts, timeouts and extensions are on the record, and no route knows of it. */
export function sessionLogger(tracker: SessionTracker, store: Store): RequestHandler {
  // #region capture
  return captureSessions({
    tracker,
    store,
    // X-Forwarded-For is believed only from a proxy on this machine; what a customer writes into it is not.
    trustProxy: ['127.0.0.0/8', '::1'],
    describe({ req, res }) {
      if (req.path === '/session/extend') return { explicitExtension: true, reason: 'stay_signed_in' };
      return req.path === '/logout' ? { reason: 'signed_out' } : { details: res.locals['loginDetails'] as Record<string, unknown> | undefined };
    },
    failedLogin: ({ res }) => res.locals['failedLogin'] as { userId?: string; reason: string } | undefined,
  });
  // #endregion capture
}
