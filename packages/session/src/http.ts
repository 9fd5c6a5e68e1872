export { httpSink } from './delivery/http-sink.ts';
export { SessionError } from './error.ts';

export type { HttpSinkOptions } from './delivery/http-options.ts';
export type { HttpSink } from './delivery/http-sink.ts';
export type { SessionErrorCode } from './error.ts';
export type { Acknowledgement, LogPort } from './log-port.ts';
