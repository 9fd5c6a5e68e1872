import type { Request } from 'express';
import type { Bank } from './bank.ts';
import { deadlineFields, requestFields, sessionFields } from './event-fields.ts';
import { logSessionEvent } from './middleware/sessionLogger.ts';
import type { OpenSession } from './open-sessions.ts';

/**
 * Gives a session another idle period, never beyond its absolute deadline.
 *
 * A wish of the customer is recorded each time. Mere use is recorded when it moves the deadline by as much as the policy says:
 * a request must not become an entry.
 */
export async function extend(bank: Bank, session: OpenSession, reason: 'stay_signed_in' | 'use', req: Request): Promise<void> {
  session.idleDeadlineMs = Math.min(bank.now() + bank.policy.idleMs, session.absoluteDeadlineMs);
  if (reason === 'use' && session.idleDeadlineMs - session.recordedDeadlineMs < bank.policy.coalesceMs) return;
  session.recordedDeadlineMs = session.idleDeadlineMs;
  const { id } = await logSessionEvent(session.userId, 'extend', {
    ...sessionFields(bank, session),
    ...requestFields(req),
    ...deadlineFields(bank, session),
    outcome: 'success',
    initiator: 'user',
    reason,
  });
  session.lastEventId = id;
}
