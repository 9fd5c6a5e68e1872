import { isIP } from 'node:net';
import { sidHash } from '@indelible/event';
import type { SessionDetails } from '@indelible/session';
import type { Request } from 'express';
import type { Bank } from './bank.ts';
import type { OpenSession } from './open-sessions.ts';

const MAX_USER_AGENT = 512;

/** Where a request comes from. */
export interface Origin {
  readonly ip: string;
  readonly userAgent: string;
}

/** The customer's address, as far as it can be believed (see `trust proxy`), and the browser's own claim of what it is. */
export function origin(req: Request): Origin {
  const socketIp = plainIp(req.socket.remoteAddress ?? '');
  const ip = plainIp(req.ip ?? '');
  return { ip: isIP(ip) === 0 ? socketIp : ip, userAgent: (req.get('user-agent') ?? '').slice(0, MAX_USER_AGENT) };
}

/** What an event says about the request that caused it. */
export function requestFields(req: Request): SessionDetails {
  const { ip, userAgent } = origin(req);
  const socketIp = plainIp(req.socket.remoteAddress ?? '');
  // Both addresses: the one that was believed, and the one it was believed from.
  return { ip, userAgent, resource: req.path, proxy: socketIp === ip ? undefined : socketIp };
}

/** What an event says about its session. The id in the cookie is a bearer secret: only its keyed hash is recorded. */
export function sessionFields(bank: Bank, session: OpenSession): SessionDetails {
  return { sessionId: session.sessionId, sidHash: sidHash(bank.sidHashKey, session.secretId), prev: session.lastEventId };
}

/** When the session will end: with this on the record, anybody can compute whether it was open at a given time. */
export function deadlineFields(bank: Bank, session: OpenSession): SessionDetails {
  return { idleDeadline: session.idleDeadlineMs, absoluteDeadline: session.absoluteDeadlineMs, policy: bank.policy.name };
}

/** An IPv4 address that came in over an IPv6 socket is an IPv4 address. */
function plainIp(ip: string): string {
  return ip.startsWith('::ffff:') && isIP(ip.slice(7)) === 4 ? ip.slice(7) : ip;
}
