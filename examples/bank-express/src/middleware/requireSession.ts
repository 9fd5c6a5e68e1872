import type { Request, RequestHandler } from 'express';
import type { Bank } from '../bank.ts';
import { isExpired, type OpenSession } from '../open-sessions.ts';
import { timeOut } from '../session-end.ts';
import { extend } from '../session-extend.ts';

const sessions = new WeakMap<Request, OpenSession>();

/** Lets a request pass only with a session that is open, and keeps that session open. */
export function requireSession(bank: Bank): RequestHandler {
  return async (req, res, next) => {
    const session = bank.sessions.find(req.session.sessionId);
    if (session === undefined) {
      res.status(401).json({ error: 'please sign in' });
      return;
    }
    if (isExpired(session, bank.now())) {
      timeOut(bank, session);
      res.status(401).json({ error: 'you were signed out for lack of activity; please sign in again' });
      return;
    }
    // These two say themselves what becomes of the session.
    if (req.path !== '/logout' && req.path !== '/session/extend') await extend(bank, session, 'use', req);
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
