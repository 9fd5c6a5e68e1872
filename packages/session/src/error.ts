/** The stable codes of {@link SessionError}; a code is a contract, a message is not. */
export type SessionErrorCode =
  | 'ERR_SESSION_NOT_CONNECTED'
  | 'ERR_SESSION_LOG_INVALID'
  | 'ERR_SESSION_TRUST_INVALID'
  | 'ERR_SESSION_DETAILS_INVALID'
  | 'ERR_SESSION_DETAILS_RESERVED'
  | 'ERR_SESSION_DELAYED'
  | 'ERR_SESSION_DELIVERY_CLOSED'
  | 'ERR_SESSION_EVENT_LOST'
  | 'ERR_SESSION_NOT_DELIVERED'
  | 'ERR_SESSION_NOT_DURABLE'
  | 'ERR_SESSION_OPTION_INVALID'
  | 'ERR_SESSION_QUEUE_FULL'
  | 'ERR_SESSION_REFUSED'
  | 'ERR_SESSION_TIME_LIMIT'
  | 'ERR_SESSION_TRACKER_CLOSED'
  | 'ERR_SESSION_SPOOL_DAMAGED'
  | 'ERR_SESSION_SPOOL_EPHEMERAL'
  | 'ERR_SESSION_SPOOL_FULL'
  | 'ERR_SESSION_SPOOL_LOCKED'
  | 'ERR_SESSION_SPOOL_TORN'
  | 'ERR_SESSION_SPOOL_UNUSABLE'
  | 'ERR_SESSION_SPOOL_WRITE_FAILED'
  | 'ERR_SESSION_SINK_ANSWER_INVALID'
  | 'ERR_SESSION_SINK_REFUSED'
  | 'ERR_SESSION_SINK_UNAUTHORIZED'
  | 'ERR_SESSION_SINK_UNAVAILABLE';

/**
 * The error of this package: a session event that was not handed to the log.
 *
 * What the log itself refuses keeps its own error. A message never holds a value from `details`: it may be a secret.
 */
export class SessionError extends Error {
  override readonly name: string = 'SessionError';
  /** The reason, from a closed list. */
  readonly code: SessionErrorCode;
  /** The key of `details` that it is about. */
  readonly field: string | undefined;

  /** Makes an error with `code`; `message` says what to change. */
  constructor(code: SessionErrorCode, message: string, field?: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.field = field;
  }
}
