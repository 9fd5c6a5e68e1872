import { MAX_CLOCK_AHEAD_MS, type EventInput } from '@indelible/event';

/**
 * An event as it can be recorded by a clock that was set back while it waited: what happened has happened.
 *
 * One that is further ahead than a log accepts gets the time that it is now, under its id; `details.clockBehindMs` says by how much its
 * time was lowered. Any other is returned as it is.
 */
export function lowerTime(event: EventInput, nowMs: number): EventInput {
  const saidMs = typeof event.timestamp === 'number' ? event.timestamp : Date.parse(String(event.timestamp));
  if (!(saidMs - nowMs > MAX_CLOCK_AHEAD_MS)) return event;
  return { ...event, timestamp: nowMs, details: { ...event.details, clockBehindMs: saidMs - nowMs } };
}
