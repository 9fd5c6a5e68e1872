import type { SessionPolicy } from '../policy.ts';
import type { TrackerPort } from '../log-port.ts';
import { ContextChanges } from './context-change.ts';
import { Ending } from './ending.ts';
import { Extension } from './extension.ts';
import { Logins } from './login.ts';
import { OPEN } from './session-table.ts';
import { TrackerCore } from './tracker-core.ts';

/** How many timeouts are handed to the log at once: all of them have to be durable within the time limit. */
const BATCH = 2000;
/** How long the process that recorded a login has to record its warning, before others do. */
const WARNING_LATE_MS = 60_000;

/** Records every timeout that is due, and what sessions gained by use before it. Gives how many timed out. */
export async function sweepDue(core: TrackerCore, ending: Ending): Promise<number> {
  const { heap } = core.state;
  let count = 0;
  for (;;) {
    const work: Promise<unknown>[] = [];
    const nowMs = core.nowMs();
    while (work.length < BATCH && heap.nextMs <= nowMs) {
      const slot = heap.first;
      heap.remove(slot); // comes back with its new deadline, if it gained one
      const timedOut = ending.timeout(slot).then(
        (ended) => {
          if (ended) count++;
          else core.state.reschedule(slot);
        },
        (error: unknown) => {
          core.state.reschedule(slot);
          throw error;
        },
      );
      work.push(timedOut);
    }
    if (work.length === 0) return count;
    const failed = (await Promise.allSettled(work)).find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }
}

/** Records the warnings that a crash swallowed, of sessions that the record still has open. For the start, before anything else. */
export async function recordMissedWarnings(core: TrackerCore, logins: Logins): Promise<void> {
  const { table, concurrency } = core.state;
  const missed: Promise<void>[] = [];
  for (const slot of concurrency.dueSlots()) {
    if (table.state[slot] === OPEN) missed.push(logins.recordWarning(slot));
    else concurrency.dismiss(slot);
  }
  await Promise.all(missed);
}

/** Records the warnings of logins that other processes recorded, and whose warning did not come. */
export async function recordLateWarnings(core: TrackerCore, logins: Logins): Promise<void> {
  const { table, concurrency } = core.state;
  const latestMs = core.nowMs() - WARNING_LATE_MS;
  const late = concurrency.dueSlots().filter((slot) => table.openedMs[slot]! <= latestMs);
  await Promise.all(late.map((slot) => logins.recordWarning(slot)));
}

/** Options of `sweepOnce`. */
export interface SweepOptions {
  /** The policy of the application. Without one no missed `concurrent_warning` is made up for, and `extendEveryMs` is a minute. */
  readonly policy?: SessionPolicy | undefined;
  readonly app?: string | undefined;
  readonly instance?: string | undefined;
  readonly onError?: ((error: unknown) => void) | undefined;
  readonly nowMs?: (() => number) | undefined;
}

/** What a sweep found. */
export interface SweepResult {
  /** Timeouts that are on the record now. */
  readonly timeouts: number;
  /** Sessions that are still open. */
  readonly open: number;
}

/**
 * Computes the open sessions from the record, records the timeouts that are due, and ends: for cron and for where no process lives
 * long enough to do it. Harmless beside running trackers: each timeout is recorded once.
 *
 * @throws SessionError `ERR_SESSION_OPTION_INVALID`, `ERR_SESSION_LOG_INVALID`; the log's own error where it does not take them.
 */
export async function sweepOnce(log: TrackerPort, options: SweepOptions = {}): Promise<SweepResult> {
  const { policy = { warnFrom: Number.POSITIVE_INFINITY }, ...rest } = options;
  const sidKey = crypto.getRandomValues(new Uint8Array(32)); // hashes nothing
  const core = await TrackerCore.open({ ...rest, log, sidKey, policy });
  try {
    const extension = new Extension(core);
    const ending = new Ending(core, extension, new ContextChanges(core));
    await recordMissedWarnings(core, new Logins(core, ending));
    const timeouts = await sweepDue(core, ending);
    await core.settled();
    await core.drain();
    return { timeouts, open: core.state.openCount };
  } finally {
    await core.close();
  }
}
