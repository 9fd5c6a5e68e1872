import type { RequestHandler } from 'express';
import type { Bank } from '../bank.ts';
import { requestFields } from '../event-fields.ts';
import { sessionOf } from '../middleware/requireSession.ts';
import { endSession } from '../session-end.ts';
import { extend } from '../session-extend.ts';

/** POST /session/extend: the button "stay signed in" */
export function staySignedIn(bank: Bank): RequestHandler {
  return async (req, res) => {
    const session = sessionOf(req);
    await extend(bank, session, 'stay_signed_in', req);
    res.json({ idleDeadline: new Date(session.idleDeadlineMs), absoluteDeadline: new Date(session.absoluteDeadlineMs) });
  };
}

/** GET /sessions: where am I signed in? */
export function listSessions(bank: Bank): RequestHandler {
  return (req, res) => {
    const current = sessionOf(req);
    const sessions = bank.sessions.of(current.userId).map((session) => ({
      sessionId: session.sessionId,
      ip: session.ip,
      userAgent: session.userAgent,
      openedAt: new Date(session.openedMs),
      isThisOne: session === current,
    }));
    res.json(sessions);
  };
}

/** DELETE /sessions/:sessionId: customers end their own sessions, staff end anybody's and say why { reason } */
export function revoke(bank: Bank): RequestHandler<{ sessionId: string }> {
  return (req, res) => {
    const { userId } = sessionOf(req);
    const isStaff = bank.customers.get(userId)?.role === 'staff';
    const target = bank.sessions.find(req.params.sessionId);
    if (target === undefined || (target.userId !== userId && !isStaff)) {
      res.status(404).json({ error: 'there is no such session' });
      return;
    }
    const isOwn = target.userId === userId;
    const { reason } = (req.body ?? {}) as { reason?: unknown };
    const given = typeof reason === 'string' && reason !== '' ? reason.slice(0, 200) : undefined;
    endSession(bank, target, 'revoked', {
      ...requestFields(req),
      initiator: isOwn ? 'user' : 'admin',
      reason: given ?? (isOwn ? 'not_me' : 'by_staff'),
      revokedBy: userId,
    });
    res.status(204).end();
  };
}
