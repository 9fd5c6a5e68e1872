/** The stable codes of {@link SessionError}; a code is a contract, a message is not. */
export type SessionErrorCode =
  | 'ERR_SESSION_NOT_CONNECTED'
  | 'ERR_SESSION_LOG_INVALID'
  | 'ERR_SESSION_DETAILS_INVALID'
  | 'ERR_SESSION_DETAILS_RESERVED';

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
  constructor(code: SessionErrorCode, message: string, field?: string) {
    super(message);
    this.code = code;
    this.field = field;
  }
}
