import type { RequestHandler } from 'express';
import type { Bank } from '../bank.ts';
import { isPassword, type Customer } from '../customers.ts';
import { requestFields, sessionFields } from '../event-fields.ts';
import { sessionOf } from '../middleware/requireSession.ts';
import { logSessionEvent } from '../middleware/sessionLogger.ts';

/** A line of the bank's own books. Its `sessionId` leads to the record of who was signed in, from where and since when. */
export interface Transfer {
  readonly transferId: string;
  readonly userId: string;
  readonly sessionId: string;
  readonly to: string;
  readonly amountCents: number;
  readonly time: string;
}

/** From here on a transfer needs the password once more. */
const LARGE_CENTS = 100_000;

/** GET /account */
export function account(bank: Bank): RequestHandler {
  return (req, res) => {
    const { userId, balanceCents } = customerOf(bank, sessionOf(req).userId);
    res.json({ user: userId, balanceCents });
  };
}

/** POST /transfers { to, amountCents, password? } */
export function transfer(bank: Bank): RequestHandler {
  let count = 0;
  return async (req, res) => {
    const session = sessionOf(req);
    const customer = customerOf(bank, session.userId);
    const { to, amountCents, password } = (req.body ?? {}) as { to?: unknown; amountCents?: unknown; password?: unknown };
    if (typeof to !== 'string' || typeof amountCents !== 'number' || !Number.isSafeInteger(amountCents) || amountCents <= 0) {
      res.status(400).json({ error: 'to and amountCents, a whole number of cents, are needed' });
      return;
    }
    const transferId = `T-${String(++count).padStart(4, '0')}`;
    if (amountCents >= LARGE_CENTS) {
      const isRight = typeof password === 'string' && (await isPassword(customer, password));
      const { id } = await logSessionEvent(session.userId, 'reauthenticated', {
        ...sessionFields(bank, session),
        ...requestFields(req),
        outcome: isRight ? 'success' : 'failure',
        initiator: 'user',
        reason: 'large_transfer',
        transferId,
      });
      session.lastEventId = id;
      if (!isRight) {
        res.status(403).json({ error: 'a transfer of this size needs your password' });
        return;
      }
    }
    if (amountCents > customer.balanceCents) {
      res.status(409).json({ error: 'the balance is too low' });
      return;
    }
    customer.balanceCents -= amountCents;
    const { userId, sessionId } = session;
    const line: Transfer = { transferId, userId, sessionId, to, amountCents, time: new Date(bank.now()).toISOString() };
    bank.ledger.push(line);
    res.status(201).json(line);
  };
}

function customerOf(bank: Bank, userId: string): Customer {
  const customer = bank.customers.get(userId);
  if (customer === undefined) throw new Error('internal: a session of nobody');
  return customer;
}
