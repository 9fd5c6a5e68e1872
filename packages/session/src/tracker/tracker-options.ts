import type { SpoolOptions } from '../delivery/spool-options.ts';
import { SessionError } from '../error.ts';
import type { TrackerPort } from '../log-port.ts';
import type { Locate } from '../place.ts';
import { type CheckedPolicy, checkPolicy, type SessionPolicy } from '../policy.ts';

/** Options of `openTracker`. */
export interface TrackerOptions {
  /** The log that holds the sessions. It stays the caller's: closing it is too. */
  readonly log: TrackerPort;
  /** Hashes session ids, see `sidHash` of `@indelible/event`: a secret of its own, the same in every process and after each restart. */
  readonly sidKey: Uint8Array;
  readonly policy?: SessionPolicy | undefined;
  /** Written on every entry that is about no session of another app. Default: the log's. */
  readonly app?: string | undefined;
  /** Default: the log's; else host name and process id. */
  readonly instance?: string | undefined;
  /** The customer whose users these are. The same user id in two tenants is two users. */
  readonly tenant?: string | undefined;
  /** What captures here, for the coverage entries. */
  readonly adapter?: { readonly name: string; readonly version: string } | undefined;
  /** `strict` (default): a login that is not durable in the log is refused. `spool`: it is kept on a local disk and delivered later. */
  readonly mode?: 'strict' | 'spool' | undefined;
  /** Required by mode `spool`; in mode `strict` it keeps what has happened already, such as logouts. */
  readonly spool?: SpoolOptions | undefined;
  /** How long the log may take for an entry. Default 5,000 ms. */
  readonly sinkTimeoutMs?: number | undefined;
  /** How often deadlines are looked at. Default 1,000 ms; 0 where nobody does (serverless: `indelible sweep`). */
  readonly sweepEveryMs?: number | undefined;
  /** How often this instance says that it captures. Default 60,000 ms; 0 for no coverage entries at all. */
  readonly heartbeatMs?: number | undefined;
  /** How far back a user's own logins count as usual. Default 90 days. */
  readonly historyMs?: number | undefined;
  /** Where an address belongs, answered on this machine; `@indelible/geo` makes one. */
  readonly locate?: Locate | undefined;
  /** Told about failures that no caller waits for. Default: a process warning. */
  readonly onError?: ((error: unknown) => void) | undefined;
  /** The clock, Unix milliseconds. */
  readonly nowMs?: (() => number) | undefined;
}

/** Options that were checked, with nothing left open. */
export interface CheckedTrackerOptions extends TrackerOptions {
  readonly policy: undefined;
  readonly checkedPolicy: CheckedPolicy;
  readonly sinkTimeoutMs: number;
  readonly sweepEveryMs: number;
  readonly heartbeatMs: number;
  readonly historyMs: number;
  readonly report: (error: unknown) => void;
  readonly nowMs: () => number;
}

const NAMES: ReadonlySet<string> = new Set([
  'log', 'sidKey', 'policy', 'app', 'instance', 'tenant', 'adapter', 'mode', 'spool', 'sinkTimeoutMs', 'sweepEveryMs', 'heartbeatMs', 'historyMs', 'locate', 'onError', 'nowMs',
] satisfies (keyof TrackerOptions)[]);
const MAX_TIMER_MS = 2_147_483_647;
const DAY_MS = 86_400_000;

/**
 * Checks the options of `openTracker`.
 *
 * @throws SessionError `ERR_SESSION_LOG_INVALID`, `ERR_SESSION_OPTION_INVALID`
 */
export function checkTrackerOptions(options: TrackerOptions): CheckedTrackerOptions {
  if (typeof options !== 'object' || options === null) throw invalid('give openTracker options, at least { log, sidKey }');
  for (const name of Object.keys(options)) {
    if (!NAMES.has(name)) throw invalid(`there is no option ${name}; there are ${[...NAMES].join(', ')}`);
  }
  const log = options.log as Partial<TrackerPort> | undefined;
  if (typeof log?.append !== 'function' || typeof log.follow !== 'function' || typeof log.openSessions !== 'function') {
    const hint = typeof (log as unknown as PromiseLike<unknown> | undefined)?.then === 'function' ? ': it is a promise, await openLog(…) first' : '';
    throw new SessionError('ERR_SESSION_LOG_INVALID', `the log of openTracker needs the functions append, follow and openSessions${hint}`, 'log');
  }
  if (!(options.sidKey instanceof Uint8Array) || options.sidKey.length < 16) {
    throw invalid('sidKey must be at least 16 random bytes, kept secret and the same in every process');
  }
  const onError = options.onError ?? warn;
  return {
    ...options,
    app: options.app ?? log.app,
    instance: options.instance ?? log.instance,
    policy: undefined,
    checkedPolicy: checkPolicy(options.policy),
    sinkTimeoutMs: timer('sinkTimeoutMs', options.sinkTimeoutMs, 5000, 1),
    sweepEveryMs: timer('sweepEveryMs', options.sweepEveryMs, 1000, 0),
    heartbeatMs: timer('heartbeatMs', options.heartbeatMs, 60_000, 0),
    historyMs: whole('historyMs', options.historyMs, 90 * DAY_MS, 1, Number.MAX_SAFE_INTEGER),
    report: onError,
    nowMs: options.nowMs ?? Date.now,
  };
}

function timer(name: string, value: number | undefined, byDefault: number, lowest: number): number {
  return whole(name, value, byDefault, lowest, MAX_TIMER_MS);
}

function whole(name: string, value: number | undefined, byDefault: number, lowest: number, highest: number): number {
  const ms = value ?? byDefault;
  if (!(Number.isSafeInteger(ms) && ms >= lowest && ms <= highest)) throw invalid(`${name} is ${ms}: give whole milliseconds from ${lowest} to ${highest}`);
  return ms;
}

function invalid(message: string): SessionError {
  return new SessionError('ERR_SESSION_OPTION_INVALID', message);
}

function warn(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : String(error));
}
