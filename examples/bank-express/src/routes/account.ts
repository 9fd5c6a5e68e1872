import type { RequestHandler } from 'express';
import type { Bank } from '../bank.ts';
import type { Customer } from '../customers.ts';
import { sessionOf } from '../middleware/requireSession.ts';

/** A line of the bank's own books. Its `sessionId` leads to the record of who was signed in, from where and since when. */
export interface Transfer {
  readonly transferId: string;
  readonly userId: string;
  readonly sessionId: string;
  readonly to: string;
  readonly amountCents: number;
  readonly time: string;
}

/** GET /account */
export function account(bank: Bank): RequestHandler {
  return (req, res) => {
    const { userId, balanceCents } = customerOf(bank, sessionOf(req).userId);
    res.json({ user: userId, balanceCents });
  };
}

/** POST /transfers { to, amountCents, password? } */
export function transfer(bank: Bank): RequestHandler {
  return (req, res) => {
    const { userId, sessionId } = sessionOf(req);
    const customer = customerOf(bank, userId);
    const { to, amountCents } = (req.body ?? {}) as { to?: unknown; amountCents?: unknown };
    if (typeof to !== 'string' || typeof amountCents !== 'number' || !Number.isSafeInteger(amountCents) || amountCents <= 0) {
      res.status(400).json({ error: 'to and amountCents, a whole number of cents, are needed' });
      return;
    }
    if (amountCents > customer.balanceCents) {
      res.status(409).json({ error: 'the balance is too low' });
      return;
    }
    customer.balanceCents -= amountCents;
    const line: Transfer = { transferId: bank.nextTransferId(), userId, sessionId, to, amountCents, time: new Date(bank.now()).toISOString() };
    bank.ledger.push(line);
    res.status(201).json(line);
  };
}

function customerOf(bank: Bank, userId: string): Customer {
  const customer = bank.customers.get(userId);
  if (customer === undefined) throw new Error('internal: a session of nobody');
  return customer;
}
