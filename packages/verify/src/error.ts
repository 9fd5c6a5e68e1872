/**
 * Every reason for which a verification could not be carried out.
 *
 * None of them says anything about the log: bad evidence is a finding in a report, never one of these.
 */
export type VerifyErrorCode =
  | 'ERR_VERIFY_SOURCE_UNKNOWN'
  | 'ERR_VERIFY_SOURCE_UNREADABLE'
  | 'ERR_VERIFY_SOURCE_CHANGED'
  | 'ERR_VERIFY_FETCH_FAILED'
  | 'ERR_VERIFY_KEY_INVALID'
  | 'ERR_VERIFY_SEAL_INVALID'
  | 'ERR_VERIFY_PROOF_INVALID'
  | 'ERR_VERIFY_OPTION_INVALID'
  | 'ERR_VERIFY_WORKER_FAILED'
  | 'ERR_VERIFY_ABORTED';

/**
 * "Could not tell": the caller's mistake, or a source that cannot be read.
 *
 * Compare `code`, not the class: two copies of the package in one process have two classes.
 */
export class VerifyError extends Error {
  override readonly name = 'VerifyError';
  /** The reason, from a closed list. */
  readonly code: VerifyErrorCode;

  /** Makes an error with `code`; `message` names what was being done, both values, and the way out. */
  constructor(code: VerifyErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The errno name of a failed system call, such as ENOENT, or undefined for any other error. */
export function systemCode(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

/** Wraps a failed read. Bytes that cannot be read prove nothing, so this ends the verification. */
export function unreadable(what: string, cause: unknown): VerifyError {
  const reason = systemCode(cause) ?? (cause instanceof Error ? cause.message : String(cause));
  return new VerifyError('ERR_VERIFY_SOURCE_UNREADABLE', `cannot read ${what}: ${reason}. Check the path and the permissions`, { cause });
}

/** Ends a verification that nobody waits for any more. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new VerifyError('ERR_VERIFY_ABORTED', 'the verification was aborted', { cause: signal.reason });
}
