import type { Request, RequestHandler } from 'express';
import type { Bank } from '../bank.ts';
import type { OpenSession } from '../sessions.ts';

const sessions = new WeakMap<Request, OpenSession>();

/** Lets a request pass only with a session that is open. */
export function requireSession(bank: Bank): RequestHandler {
  return (req, res, next) => {
    const session = req.session.userId === undefined ? undefined : bank.sessions.current(req);
    if (session === undefined) {
      res.status(401).json({ error: 'please sign in' });
      return;
    }
    sessions.set(req, session);
    next();
  };
}

/** The session of a request that `requireSession` let pass. */
export function sessionOf(req: Request): OpenSession {
  const session = sessions.get(req);
  if (session === undefined) throw new Error('internal: this route is not behind requireSession');
  return session;
}
