import type { EventInput } from '@indelible/event';
import { connectLog, type logSessionEvent, sessionLogger, type Acknowledgement, type LogPort, type LogSessionEvent } from '@indelible/session';

type Equals<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const isTrue = <T extends true>(): T | undefined => undefined;

declare const log: { append(event: EventInput): Promise<Acknowledgement>; close(): Promise<void> };

isTrue<Equals<ReturnType<LogSessionEvent>, Promise<Acknowledgement>>>();
isTrue<Equals<typeof logSessionEvent, LogSessionEvent>>();

// Anything with `append` is a log.
connectLog(log);
connectLog(log, { onError: (error: unknown, { userId, event }) => console.error(userId, event, error) });
const port: LogPort = log;
const bound: LogSessionEvent = sessionLogger({ log: port });

// Known fields have their types, anything else is free.
await bound('maria', 'login', { ip: '192.0.2.1', idleDeadline: new Date(), absoluteDeadline: Date.now(), device: { family: 'Firefox' } });
await bound('maria', 'extension');
await bound(undefined, 'login_failed', { outcome: 'failure' });

// @ts-expect-error -- the subject is text
await bound(42, 'login');
// @ts-expect-error -- not in the vocabulary
await bound('maria', 'log_in');
// @ts-expect-error -- a field has its type
await bound('maria', 'login', { ip: 42 });
// @ts-expect-error -- one of two words
await bound('maria', 'login', { outcome: 'maybe' });
// @ts-expect-error -- the first argument
await bound('maria', 'login', { userId: 'mallory' });
// @ts-expect-error -- the second argument
await bound('maria', 'login', { event: 'logout' });
// @ts-expect-error -- the time of the call
await bound('maria', 'login', { timestamp: new Date() });
// @ts-expect-error -- made by the log
await bound('maria', 'login', { id: '019aa1b2-c3d4-7e5f-8a6b-0123456789ab' });
// @ts-expect-error -- stamped by the log
await bound('maria', 'login', { recordedAt: new Date() });
// @ts-expect-error -- members go in directly
await bound('maria', 'login', { details: { device: 'phone' } });
// @ts-expect-error -- a log that was not awaited
connectLog(Promise.resolve(log));
