export { connectLog, logSessionEvent } from './connection.ts';
export { SessionError } from './error.ts';
export { sessionLogger } from './session-logger.ts';

export type { SessionErrorCode } from './error.ts';
export type { Acknowledgement, LogPort } from './log-port.ts';
export type { SessionDetails } from './session-details.ts';
export type { ConnectOptions, FailedEvent, LogSessionEvent, OnError, SessionLoggerOptions } from './session-logger.ts';
