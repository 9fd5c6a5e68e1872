import type { RequestHandler } from 'express';
import type { Bank } from '../bank.ts';
import { sessionOf } from '../middleware/requireSession.ts';

/** POST /session/extend: the button "stay signed in". That it was pressed is all there is to it: use prolongs a session. */
export function staySignedIn(): RequestHandler {
  return (_req, res) => {
    res.json({ ok: true });
  };
}

/** GET /sessions: where am I signed in? */
export function listSessions(bank: Bank): RequestHandler {
  return (req, res) => {
    const current = sessionOf(req);
    const sessions = bank.sessions.of(current.userId).map(({ sessionId, ip, userAgent, openedMs, idleDeadlineMs }) => ({
      sessionId,
      ip,
      userAgent,
      openedAt: new Date(openedMs),
      idleDeadline: idleDeadlineMs === undefined ? undefined : new Date(idleDeadlineMs),
      isThisOne: sessionId === current.sessionId,
    }));
    res.json(sessions);
  };
}

/** DELETE /sessions/:sessionId: customers end their own sessions, staff end anybody's and say why { reason } */
export function revoke(bank: Bank): RequestHandler<{ sessionId: string }> {
  return async (req, res) => {
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
    await bank.sessions.end(target, { userId, isStaff: !isOwn, reason: given ?? (isOwn ? 'not_me' : 'by_staff') });
    res.status(204).end();
  };
}
