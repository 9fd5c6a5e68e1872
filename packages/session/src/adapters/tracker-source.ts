import type { OpenSession } from '../tracker/request-change.ts';
import type { SessionTracker } from '../tracker/tracker.ts';

/**
 * A tracker, or where to get it.
 *
 * A function is for configuration that is written at the top of a module, before anything may be opened; it is called at every
 * use and must give the same tracker each time.
 */
export type TrackerSource = SessionTracker | (() => SessionTracker | Promise<SessionTracker>);

/** The tracker of `source`; a promise only where `source` gives one. */
export function trackerOf(source: TrackerSource): SessionTracker | Promise<SessionTracker> {
  return typeof source === 'function' ? source() : source;
}

/** Whether a session has had all the time that the policy gives it, however much it is used. */
export function isPastAbsolute(open: OpenSession | undefined): boolean {
  return open?.absoluteDeadlineMs !== undefined && open.absoluteDeadlineMs <= Date.now();
}
