import { randomBytes } from 'node:crypto';
import type { Request, RequestHandler } from 'express';
import type { Bank } from '../bank.ts';
import { isPassword, type Customer } from '../customers.ts';
import { deadlineFields, origin, requestFields, sessionFields } from '../event-fields.ts';
import { sessionOf } from '../middleware/requireSession.ts';
import { logSessionEvent } from '../middleware/sessionLogger.ts';
import { differences, network, type OpenSession } from '../open-sessions.ts';
import { endSession } from '../session-end.ts';

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
      // A user name that nobody has may be a password in the wrong field: it is not recorded.
      const reason = customer === undefined ? 'unknown_user' : 'wrong_password';
      await logSessionEvent(customer?.userId, 'login_failed', { ...requestFields(req), outcome: 'failure', reason, initiator: 'user' });
      res.status(401).json({ error: 'user name or password is wrong' });
      return;
    }
    const before = bank.sessions.find(req.session.sessionId);
    if (before !== undefined) endSession(bank, before, 'logout', { ...requestFields(req), reason: 'signed_in_again', initiator: 'user' });

    const session = await openSession(bank, req, customer);
    res.json({ user: customer.userId, sessionId: session.sessionId, idleDeadline: new Date(session.idleDeadlineMs) });
  };
}

/** POST /logout */
export function signOut(bank: Bank): RequestHandler {
  return (req, res) => {
    endSession(bank, sessionOf(req), 'logout', { ...requestFields(req), reason: 'signed_out', initiator: 'user' });
    res.status(204).end();
  };
}

/** Opens a session. It exists once its login is on the record: where that fails, nobody is signed in. */
async function openSession(bank: Bank, req: Request, customer: Customer): Promise<OpenSession> {
  await regenerate(req); // a new secret id, so that nobody knows it from before (session fixation)
  const { ip, userAgent } = origin(req);
  const nowMs = bank.now();
  const session: OpenSession = {
    sessionId: `S-${randomBytes(6).toString('hex')}`,
    userId: customer.userId,
    secretId: req.sessionID,
    ip,
    userAgent,
    openedMs: nowMs,
    idleDeadlineMs: nowMs + bank.policy.idleMs,
    recordedDeadlineMs: nowMs + bank.policy.idleMs,
    absoluteDeadlineMs: nowMs + bank.policy.absoluteMs,
    lastEventId: undefined,
  };
  // #region login
  const { id } = await logSessionEvent(customer.userId, 'login', {
    ...sessionFields(bank, session),
    ...requestFields(req),
    ...deadlineFields(bank, session),
    outcome: 'success',
    initiator: 'user',
    method: 'password',
  });
  // #endregion login
  session.lastEventId = id;
  const others = bank.sessions.of(customer.userId);
  bank.sessions.add(session);
  req.session.sessionId = session.sessionId;
  if (others.length > 0) await warnOfOthers(bank, req, session, others);
  return session;
}

/** Names the sessions that the customer has open besides, and says what is different about this one. */
async function warnOfOthers(bank: Bank, req: Request, session: OpenSession, others: readonly OpenSession[]): Promise<void> {
  const differs = [...new Set(others.flatMap((other) => differences(session, other)))];
  const elsewhere = [...new Set(others.map((other) => network(other.ip)))].join(', ');
  const words = {
    network: `another network: ${network(session.ip)}, the others are in ${elsewhere}`,
    device: 'another device',
  };
  const { id } = await logSessionEvent(session.userId, 'concurrent_warning', {
    ...sessionFields(bank, session),
    ...requestFields(req),
    initiator: 'policy',
    reason: differs.length === 0 ? 'same network and device' : differs.map((one) => words[one]).join('; '),
    differs,
    openSessions: others.map(({ sessionId, ip, openedMs }) => ({ sessionId, ip, openedAt: new Date(openedMs) })),
  });
  session.lastEventId = id;
}

function regenerate(req: Request): Promise<void> {
  return new Promise((resolve, reject) => {
    req.session.regenerate((error: unknown) => (error === undefined || error === null ? resolve() : reject(error as Error)));
  });
}
