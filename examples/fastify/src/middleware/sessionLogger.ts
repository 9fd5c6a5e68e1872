// The one file through which this application reaches its audit trail.
import { fileStore, openLog, pinPath, readSigningKey } from '@indelible/log';
import { openTracker, type SessionPolicy, type SessionTracker } from '@indelible/session';

/** PCI DSS 8.2.8 allows 15 minutes of idleness; a working day is the end of every session. */
export const POLICY: SessionPolicy & { readonly idleMs: number } = { idleMs: 15 * 60_000, absoluteMs: 8 * 3_600_000 };

/** The record of this application. */
export interface Audit {
  readonly tracker: SessionTracker;
  /** Call it when the application has stopped answering. */
  close(): Promise<void>;
}

/** Where the record lies, and its secrets, which lie elsewhere. */
export interface AuditOptions {
  /** The log's directory, made by `indelible init`. */
  readonly directory: string;
  /** The file of the signing key. */
  readonly signingKey: string;
  /** Hashes session ids: a secret of its own, the same after each restart. */
  readonly sidKey: Uint8Array;
}

/** Opens the record. Without one nobody can log in, so this comes first. */
export async function openAudit({ directory, signingKey, sidKey }: AuditOptions): Promise<Audit> {
  // #region open
  const log = await openLog({ app: 'ticket-desk', store: fileStore(directory), signer: readSigningKey(signingKey), pin: pinPath(signingKey) });
  const tracker = await openTracker({ log, sidKey, policy: POLICY, adapter: { name: 'fastify-session', version: '0.1.0' } });
  // #endregion open
  return {
    tracker,
    async close() {
      await tracker.close();
      await log.close();
    },
  };
}
