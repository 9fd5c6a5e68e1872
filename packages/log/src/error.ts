/** Every code a {@link LogError} can carry; documented in docs/reference/errors.md. */
export type LogErrorCode =
  | 'ERR_LOG_ALREADY_EXISTS'
  | 'ERR_LOG_CLOSED'
  | 'ERR_LOG_DIRECTORY_UNREADABLE'
  | 'ERR_LOG_ENTRY_NOT_FOUND'
  | 'ERR_LOG_EXPORT_CONFLICT'
  | 'ERR_LOG_FILE_INVALID'
  | 'ERR_LOG_ID_CONFLICT'
  | 'ERR_LOG_KEY_INVALID'
  | 'ERR_LOG_KEY_MISMATCH'
  | 'ERR_LOG_KEY_PERMISSIONS'
  | 'ERR_LOG_LOCKED'
  | 'ERR_LOG_NOT_FOUND'
  | 'ERR_LOG_OPTION_INVALID'
  | 'ERR_LOG_QUEUE_FULL'
  | 'ERR_LOG_RECORD_DAMAGED'
  | 'ERR_LOG_ROLLED_BACK'
  | 'ERR_LOG_SECOND_WRITER'
  | 'ERR_LOG_SIGNER_FAILED'
  | 'ERR_LOG_STORAGE_FULL'
  | 'ERR_LOG_WORKER_FAILED'
  | 'ERR_LOG_WRITE_FAILED';

/** Facts that go with an error, for programs; the message says them in words. */
export interface LogErrorDetails {
  readonly cause?: unknown;
  /** True: this writer is finished; open the log again, which recovers. False: later calls may succeed. */
  readonly fatal?: boolean;
  readonly index?: number;
  readonly path?: string;
}

/** What went wrong in a log. `code` is the contract; the message says what was being done and what to do now. */
export class LogError extends Error {
  override readonly name: string = 'LogError';
  readonly code: LogErrorCode;
  readonly fatal: boolean;
  readonly index?: number;
  readonly path?: string;

  constructor(code: LogErrorCode, message: string, details: LogErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.fatal = details.fatal ?? false;
    if (details.index !== undefined) this.index = details.index;
    if (details.path !== undefined) this.path = details.path;
  }
}

/** The code of a system error (`ENOENT`, `ENOSPC`, …), if it is one. */
export function systemCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
