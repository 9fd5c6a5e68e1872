import { SessionError } from './error.ts';
import type { LogPort } from './log-port.ts';
import { sessionLogger, type ConnectOptions, type LogSessionEvent } from './session-logger.ts';

// On globalThis and not in this module: a bundler, or two versions in one tree, make several copies of a module, and the log
// that one of them was given must serve them all. The number is that of the contract of LogSessionEvent.
const CONNECTION = Symbol.for('@indelible/session connection 1');
const connections = globalThis as unknown as { [CONNECTION]?: LogSessionEvent };

const notConnected = sessionLogger({
  log: {
    append: () =>
      Promise.reject(
        new SessionError('ERR_SESSION_NOT_CONNECTED', 'no log is connected: call connectLog(await openLog(…)) when the application starts'),
      ),
  },
});

/**
 * Gives `logSessionEvent` the log to record in, for the whole process. Called again, it replaces the log.
 *
 * The log stays the caller's: closing it is too.
 *
 * @throws SessionError `ERR_SESSION_LOG_INVALID` where `log` has no `append`.
 */
export function connectLog(log: LogPort, options: ConnectOptions = {}): void {
  connections[CONNECTION] = sessionLogger({ ...options, log });
}

/**
 * Records a session event in the log that `connectLog` was given; resolves when it is durable and sealed.
 *
 * Known keys of `details` become fields of the entry, the rest is recorded under its `details`. Never throws: rejects with
 * SessionError `ERR_SESSION_NOT_CONNECTED` before `connectLog`, `ERR_SESSION_DETAILS_INVALID` or `ERR_SESSION_DETAILS_RESERVED`
 * for bad `details`, and with the log's own error otherwise. Who need not wait may drop the promise: a failure then goes to
 * `onError`, never to an unhandled rejection. (An `async` function around it waits: return the promise itself, or await it.)
 */
export const logSessionEvent: LogSessionEvent = (userId, event, details) => (connections[CONNECTION] ?? notConnected)(userId, event, details);
