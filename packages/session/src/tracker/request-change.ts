import type { Initiator } from '@indelible/event';
import type { Origin } from '../request-origin.ts';

/** What is known about something that happened to a session: its origin, its cause, the deadlines that the framework set. */
export interface Fact extends Origin {
  /** When the framework ends the session unless it is used again, Unix milliseconds. Default: by the policy. */
  readonly idleDeadlineMs?: number | undefined;
  /** When the framework ends the session whatever happens, Unix milliseconds. Default: by the policy. */
  readonly absoluteDeadlineMs?: number | undefined;
  readonly reason?: string | undefined;
  readonly initiator?: Initiator | undefined;
  readonly details?: Readonly<Record<string, unknown>> | undefined;
}

/** Who is logged in, under which session, until when, as a framework has it at one moment. */
export interface Snapshot {
  /** The framework's secret session id. It is hashed, and never recorded. */
  readonly sid?: string | undefined;
  readonly userId?: string | undefined;
  readonly idleDeadlineMs?: number | undefined;
  readonly absoluteDeadlineMs?: number | undefined;
}

/** A request as the tracker sees it: what held at its start, what holds at its end. */
export interface RequestChange {
  readonly before: Snapshot;
  readonly after: Snapshot;
  /** A session id that the request brought and that the framework's store does not know, or no longer. */
  readonly presentedSid?: string | undefined;
  readonly origin: Origin;
  readonly reason?: string | undefined;
  readonly initiator?: Initiator | undefined;
  readonly details?: Readonly<Record<string, unknown>> | undefined;
  /** The user asked for more time: recorded at once, never coalesced. */
  readonly explicitExtension?: boolean | undefined;
  /** When the request began, by the tracker's clock: what another request did to the session after that is no contradiction. */
  readonly startedMs?: number | undefined;
}

/** An open session, as the record has it. */
export interface OpenSession {
  readonly sessionId: string;
  readonly userId: string;
  /** The keyed hash of the framework's session id. */
  readonly sidHash?: string;
  readonly openedMs: number;
  /** The id of its last entry. */
  readonly lastEventId: string;
  /** When it was last used, as far as this process knows. */
  readonly lastSeenMs: number;
  readonly idleDeadlineMs?: number;
  readonly absoluteDeadlineMs?: number;
  readonly ip?: string;
  readonly userAgent?: string;
  readonly app?: string;
  readonly tenant?: string;
}
