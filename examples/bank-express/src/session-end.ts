import type { SessionDetails } from '@indelible/session';
import type { Bank } from './bank.ts';
import { deadlineFields, sessionFields } from './event-fields.ts';
import { logSessionEvent } from './middleware/sessionLogger.ts';
import type { OpenSession } from './open-sessions.ts';

/**
 * Ends a session, then records that.
 *
 * Nobody waits for the record: a session must end also when the log is down. A failure goes to `onError` of `connectLog`.
 */
export function endSession(bank: Bank, session: OpenSession, event: 'logout' | 'timeout' | 'revoked', details: SessionDetails): void {
  if (!bank.sessions.end(session)) return;
  bank.store.destroy(session.secretId);
  void logSessionEvent(session.userId, event, { ...sessionFields(bank, session), outcome: 'success', ...details });
}

/** Ends a session whose time is up. The deadline says when it ended, the entry's own time when that was noticed. */
export function timeOut(bank: Bank, session: OpenSession): void {
  const reason = session.absoluteDeadlineMs <= session.idleDeadlineMs ? 'absolute' : 'idle';
  endSession(bank, session, 'timeout', { reason, initiator: 'policy', ...deadlineFields(bank, session) });
}

/** Ends every session whose time is up, also those that nobody will ever use again. */
export function sweep(bank: Bank): void {
  for (const session of bank.sessions.expired(bank.now())) timeOut(bank, session);
}
