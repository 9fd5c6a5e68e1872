import type { EventName } from './vocabulary.ts';

/** A time as a caller may give it: a `Date`, RFC 3339 text with an offset, or Unix milliseconds. */
export type TimeInput = Date | string | number;

/**
 * An event as a caller gives it. Every field but `event` may be absent; which are required depends on the event.
 *
 * `undefined` counts as absent. Unknown fields are refused: what has no field here goes under `details`.
 */
export type EventInput = {
  /** A UUIDv7 or UUIDv8 in lower case; repeat it to make a retry harmless. Default: a new UUIDv7. */
  readonly id?: string | undefined;
  /** When it happened. Default: the time in `id` if that was given, else now. */
  readonly timestamp?: TimeInput | undefined;
  /** What happened; `extension` is stored as `extend`. */
  readonly event: EventName | 'extension';
  /** The subject, at most 1,024 characters. */
  readonly userId?: string | undefined;
  /** The stable, non-secret reference of the session, at most 1,024 characters; never the framework's session id. */
  readonly sessionId?: string | undefined;
  /** The keyed hash of the framework's session id, see `sidHash`. */
  readonly sidHash?: string | undefined;
  /** The id of the session's event before this one, as the writer knew it. */
  readonly prev?: string | undefined;
  readonly outcome?: 'success' | 'failure' | undefined;
  /** Why: `idle`, `password_changed`, … */
  readonly reason?: string | undefined;
  /** Who caused it. */
  readonly initiator?: Initiator | undefined;
  /** The address it came from, at most 128 characters. */
  readonly ip?: string | undefined;
  readonly userAgent?: string | undefined;
  /** What it touched: a path, a URL; secret query parameters are redacted. */
  readonly resource?: string | undefined;
  /** When the session ends unless it is used again; may lie in the future. */
  readonly idleDeadline?: TimeInput | undefined;
  /** When the session ends whatever happens; may lie in the future. */
  readonly absoluteDeadline?: TimeInput | undefined;
  /** The name or hash of the timeout policy in force. */
  readonly policy?: string | undefined;
  /** The application that wrote it. */
  readonly app?: string | undefined;
  /** The process or host of the application. */
  readonly instance?: string | undefined;
  /** The customer it belongs to. */
  readonly tenant?: string | undefined;
  /** Anything else, as plain JSON; secrets are redacted. */
  readonly details?: { readonly [key: string]: unknown } | undefined;
};

/** Who caused an event: the values of `initiating_entity` in OpenID CAEP 1.0. */
export type Initiator = 'user' | 'admin' | 'policy' | 'system';
