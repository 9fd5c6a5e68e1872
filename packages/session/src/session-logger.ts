import type { EventInput, EventName } from '@indelible/event';
import { SessionError } from './error.ts';
import { heardPromise } from './heard-promise.ts';
import type { Acknowledgement, LogPort } from './log-port.ts';
import { sessionEvent, type SessionDetails } from './session-details.ts';

/** The event that a failure is about. Its details are left out: errors end up in places where those must not. */
export interface FailedEvent {
  readonly userId: string | undefined;
  readonly event: EventName | 'extension';
}

/**
 * Told about failures that no caller waits for. Default: a process warning.
 *
 * What it throws is an uncaught exception: a way to stop the process rather than to go on without a record.
 */
export type OnError = (error: unknown, failed: FailedEvent) => void;

/** Options of `connectLog`. */
export interface ConnectOptions {
  readonly onError?: OnError;
}

/** Options of `sessionLogger`. */
export interface SessionLoggerOptions extends ConnectOptions {
  readonly log: LogPort;
}

/**
 * Records a session event; resolves when it is durable and sealed, with its id and its place on the record.
 *
 * Rejects with a SessionError for bad `details`, with the log's error otherwise; never throws. Who need not wait may drop the
 * promise: a failure then goes to `onError`, never to an unhandled rejection.
 *
 * @param userId - The subject. Only events of which nobody is known to be the subject, such as `login_failed`, may go without.
 * @param event - What happened; `extension` is stored as `extend`.
 * @param details - Fields of the entry and anything else, side by side.
 */
export type LogSessionEvent = (
  userId: string | undefined,
  event: EventName | 'extension',
  details?: SessionDetails,
) => Promise<Acknowledgement>;

/**
 * A `logSessionEvent` bound to a log of its own: for an application with several logs, or without process-wide state.
 *
 * @throws SessionError `ERR_SESSION_LOG_INVALID` where `log` has no `append`.
 */
export function sessionLogger(options: SessionLoggerOptions): LogSessionEvent {
  const { log, onError = warn } = options;
  if (typeof (log as LogPort | undefined)?.append !== 'function') {
    const hint = typeof (log as unknown as PromiseLike<LogPort> | undefined)?.then === 'function' ? ': it is a promise, await openLog(…) first' : '';
    throw new SessionError('ERR_SESSION_LOG_INVALID', `the log to connect has no function append${hint}`);
  }
  return (userId, event, details = {}) =>
    heardPromise(append(log, () => sessionEvent(userId, event, details)), (error) => onError(error, { userId, event }));
}

/** Appends in the same turn, so that events keep the order of the calls; whatever is thrown becomes the rejection. */
async function append(log: LogPort, toEvent: () => EventInput): Promise<Acknowledgement> {
  return log.append(toEvent());
}

function warn(error: unknown, failed: FailedEvent): void {
  const reason = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? { code: error.code } : {};
  process.emitWarning(`session event ${String(failed.event).slice(0, 40)} was not recorded: ${reason}`, { type: 'IndelibleWarning', ...code });
}
