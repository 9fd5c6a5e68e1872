import { createHash } from 'node:crypto';
import { SessionError } from './error.ts';

/** When sessions end, and from how many of them on somebody should look. */
export interface SessionPolicy {
  /** A session ends when it was not used for so long. Default: what the framework says, else never. */
  readonly idleMs?: number;
  /** A session ends so long after its login, whatever happens. Default: what the framework says, else never. */
  readonly absoluteMs?: number;
  /** A login that makes this the user's number of open sessions gets a `concurrent_warning`. Default 2; `Infinity` for none. */
  readonly warnFrom?: number;
  /** Extensions by mere use are recorded at most so often. Default: a tenth of `idleMs`, at least a minute. */
  readonly extendEveryMs?: number;
  /** The name that is recorded as `policy`. Default: one that is made of the values, such as `idle-15m-absolute-8h-3f9c2a1b`. */
  readonly name?: string;
}

/** A policy that was checked, with nothing left open. */
export interface CheckedPolicy {
  readonly idleMs: number | undefined;
  readonly absoluteMs: number | undefined;
  readonly warnFrom: number;
  readonly extendEveryMs: number;
  readonly name: string;
  /** SHA-256 of the values, the first eight hex digits: two names for one policy, or one for two, are seen. */
  readonly hash: string;
}

const NAMES: ReadonlySet<string> = new Set(['idleMs', 'absoluteMs', 'warnFrom', 'extendEveryMs', 'name']);
const MINUTE_MS = 60_000;

/**
 * Checks a policy and fills in what it leaves open.
 *
 * @throws SessionError `ERR_SESSION_OPTION_INVALID` for a value that is none, and for a name that no option has.
 */
export function checkPolicy(policy: SessionPolicy = {}): CheckedPolicy {
  for (const name of Object.keys(policy)) {
    if (!NAMES.has(name)) throw invalid(`there is no option policy.${name}; there are ${[...NAMES].join(', ')}`);
  }
  const idleMs = duration('idleMs', policy.idleMs);
  const absoluteMs = duration('absoluteMs', policy.absoluteMs);
  const extendEveryMs = duration('extendEveryMs', policy.extendEveryMs, 0) ?? Math.max(MINUTE_MS, Math.floor((idleMs ?? 0) / 10));
  const { warnFrom = 2 } = policy;
  if (!(warnFrom === Number.POSITIVE_INFINITY || (Number.isSafeInteger(warnFrom) && warnFrom >= 2))) {
    throw invalid(`policy.warnFrom is ${warnFrom}: give a whole number from 2 up, or Infinity for no warnings`);
  }
  const values = JSON.stringify([idleMs ?? null, absoluteMs ?? null, String(warnFrom), extendEveryMs]);
  const hash = createHash('sha256').update(`indelible policy v1\n${values}`).digest('hex').slice(0, 8);
  const words = [idleMs === undefined ? '' : `idle-${inWords(idleMs)}`, absoluteMs === undefined ? '' : `absolute-${inWords(absoluteMs)}`];
  const { name = [...words.filter((word) => word !== ''), hash].join('-') } = policy;
  if (typeof name !== 'string' || name === '' || name.length > 1024) throw invalid('policy.name must be a text of 1 to 1,024 characters');
  return { idleMs, absoluteMs, warnFrom, extendEveryMs, name, hash };
}

function duration(name: string, value: number | undefined, lowest: number = 1): number | undefined {
  if (value === undefined) return undefined;
  if (!(Number.isSafeInteger(value) && value >= lowest)) {
    throw invalid(`policy.${name} is ${String(value)}: give whole milliseconds from ${lowest} up, or leave it out`);
  }
  return value;
}

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', MINUTE_MS],
  ['s', 1000],
] as const;

function inWords(ms: number): string {
  const [unit, size] = UNITS.find(([, length]) => ms % length === 0) ?? ['ms', 1];
  return `${ms / size}${unit}`;
}

function invalid(message: string): SessionError {
  return new SessionError('ERR_SESSION_OPTION_INVALID', message);
}
