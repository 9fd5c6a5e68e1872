import type { Request, RequestHandler } from 'express';
import type { Bank } from '../bank.ts';
import { isPassword } from '../customers.ts';

/** POST /login { user, password } */
export function signIn(bank: Bank): RequestHandler {
  return async (req, res) => {
    const { user, password } = (req.body ?? {}) as { user?: unknown; password?: unknown };
    if (typeof user !== 'string' || typeof password !== 'string') {
      res.status(400).json({ error: 'user and password are needed' });
      return;
    }
    const customer = bank.customers.get(user);
    const isRight = await isPassword(customer, password);
    if (customer === undefined || !isRight) {
      // A user name that nobody has may be a password in the wrong field: it goes nowhere.
      res.locals['failedLogin'] = { userId: customer?.userId, reason: customer === undefined ? 'unknown_user' : 'wrong_password' };
      res.status(401).json({ error: 'user name or password is wrong' });
      return;
    }
    await regenerate(req); // a new secret id, so that nobody knows it from before (session fixation)
    req.session.userId = customer.userId;
    res.locals['loginDetails'] = { method: 'password' };
    res.json({ user: customer.userId });
  };
}

/** POST /logout */
export function signOut(): RequestHandler {
  return (req, res, next) => {
    req.session.destroy((error: unknown) => {
      if (error === undefined || error === null) res.status(204).end();
      else next(error);
    });
  };
}

function regenerate(req: Request): Promise<void> {
  return new Promise((resolve, reject) => {
    req.session.regenerate((error: unknown) => (error === undefined || error === null ? resolve() : reject(error as Error)));
  });
}
