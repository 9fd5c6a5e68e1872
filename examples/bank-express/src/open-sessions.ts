import { isIPv4 } from 'node:net';

/** When a session ends by itself. */
export interface SessionPolicy {
  /** As it stands on the record. */
  readonly name: string;
  readonly idleMs: number;
  readonly absoluteMs: number;
  /** An extension by use is recorded once it moves the deadline by this much; the rest is too small to write down. */
  readonly coalesceMs: number;
}

/** PCI DSS 8.2.8 allows 15 minutes of idleness; a working day is the end of every session. */
export const POLICY: SessionPolicy = { name: 'idle-10m-absolute-8h', idleMs: 600_000, absoluteMs: 28_800_000, coalesceMs: 60_000 };

/** A session that is open, as the server knows it: what a cookie says about its own expiry is not believed. */
export interface OpenSession {
  /** The session's name on the record and on transfers: not a secret, minted at login. */
  readonly sessionId: string;
  readonly userId: string;
  /** The id in the cookie: a bearer secret, here to end the session with, never recorded. */
  readonly secretId: string;
  readonly ip: string;
  readonly userAgent: string;
  readonly openedMs: number;
  readonly absoluteDeadlineMs: number;
  idleDeadlineMs: number;
  /** The idle deadline that the record knows. */
  recordedDeadlineMs: number;
  /** The session's newest event on the record. */
  lastEventId: string | undefined;
}

/** The sessions that are open now. */
export class OpenSessions {
  readonly #bySessionId = new Map<string, OpenSession>();

  add(session: OpenSession): void {
    this.#bySessionId.set(session.sessionId, session);
  }

  find(sessionId: string | undefined): OpenSession | undefined {
    return sessionId === undefined ? undefined : this.#bySessionId.get(sessionId);
  }

  of(userId: string): OpenSession[] {
    return [...this.#bySessionId.values()].filter((session) => session.userId === userId);
  }

  /** Those whose time was up before now. */
  expired(nowMs: number): OpenSession[] {
    return [...this.#bySessionId.values()].filter((session) => isExpired(session, nowMs));
  }

  /** Removes a session; false where somebody else has ended it already, and has recorded that. */
  end(session: OpenSession): boolean {
    return this.#bySessionId.delete(session.sessionId);
  }
}

/** Whether the session's time is up. */
export function isExpired(session: OpenSession, nowMs: number): boolean {
  return nowMs >= Math.min(session.idleDeadlineMs, session.absoluteDeadlineMs);
}

/** What differs between a new session and one that is open: words for the record. */
export function differences(session: OpenSession, other: OpenSession): ('network' | 'device')[] {
  const found: ('network' | 'device')[] = [];
  if (network(session.ip) !== network(other.ip)) found.push('network');
  if (session.userAgent !== other.userAgent) found.push('device');
  return found;
}

/** The network that an address is in, near enough to tell a neighbour from a stranger: /24 of IPv4, /48 of IPv6. */
export function network(ip: string): string {
  if (isIPv4(ip)) return `${ip.split('.').slice(0, 3).join('.')}.0/24`;
  const groups = (ip.split('::')[0] ?? '').split(':').filter((group) => group !== '');
  return `${[...groups, '0', '0', '0'].slice(0, 3).join(':')}::/48`;
}
