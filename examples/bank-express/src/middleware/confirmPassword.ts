import type { RequestHandler } from 'express';
import type { Bank } from '../bank.ts';
import { isPassword } from '../customers.ts';
import { sessionOf } from './requireSession.ts';
import { logSessionEvent } from './sessionLogger.ts';

/** From here on a transfer needs the password once more. */
const LARGE_CENTS = 100_000;

/**
 * Asks for the password before a large transfer, and records the answer: that a user proved again who they are is the application's
 * own knowledge, which no comparison of sessions shows.
 */
export function confirmPassword(bank: Bank): RequestHandler {
  return async (req, res, next) => {
    const { amountCents, password } = (req.body ?? {}) as { amountCents?: unknown; password?: unknown };
    if (typeof amountCents !== 'number' || !Number.isSafeInteger(amountCents) || amountCents < LARGE_CENTS) {
      next();
      return;
    }
    const { userId, sessionId, lastEventId, ip } = sessionOf(req);
    const isRight = typeof password === 'string' && (await isPassword(bank.customers.get(userId), password));
    // #region record
    await logSessionEvent(userId, 'reauthenticated', {
      sessionId,
      prev: lastEventId,
      ip,
      resource: req.path,
      outcome: isRight ? 'success' : 'failure',
      initiator: 'user',
      reason: 'large_transfer',
      transferId: bank.nextTransferId(),
    });
    // #endregion record
    if (isRight) next();
    else res.status(403).json({ error: 'a transfer of this size needs your password' });
  };
}
