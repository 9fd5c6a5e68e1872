import { describeKey, EventError } from './error.ts';

/** The five session events that the published pattern asks for. */
export const SESSION_EVENTS = ['login', 'logout', 'timeout', 'extend', 'concurrent_warning'] as const;

/** The wider vocabulary: what else happens to a session and to the right to open one. */
export const WIDER_EVENTS = [
  'login_failed',
  'session_regenerated',
  'revoked',
  'reauthenticated',
  'privilege_changed',
  'context_changed',
  'session_use_after_end',
  'token_reuse',
] as const;

/** The log's own life, and the coverage that each capturing instance reports. */
export const LIFE_EVENTS = [
  'log_started',
  'log_stopped',
  'heartbeat',
  'log_recovered',
  'capture_gap',
  'key_changed',
  'audit_viewed',
] as const;

/** Every event name that can be stored. */
export const EVENT_NAMES: readonly EventName[] = [...SESSION_EVENTS, ...WIDER_EVENTS, ...LIFE_EVENTS];

/** One of the five session events. */
export type SessionEventName = (typeof SESSION_EVENTS)[number];

/** An event name as it is stored. */
export type EventName = SessionEventName | (typeof WIDER_EVENTS)[number] | (typeof LIFE_EVENTS)[number];

/** What an event's name demands of the event. */
export type EventRule = {
  /** The name that is stored: `extension` is accepted and stored as `extend`. */
  readonly name: EventName;
  /** A subject must be named (PCI DSS 10.2.2: user identification). */
  readonly needsUserId: boolean;
  /**
   * Who may write it: `any` application; an `instance` that names its `app` and `instance`; or only the `log` itself.
   * A `heartbeat` without `app` is therefore always the log's own.
   */
  readonly writer: 'any' | 'instance' | 'log';
};

const WITHOUT_USER: ReadonlySet<string> = new Set(['login_failed', 'session_use_after_end', 'token_reuse']);
const LOG_ONLY: ReadonlySet<string> = new Set(['log_recovered', 'key_changed']);

const RULES: ReadonlyMap<string, EventRule> = new Map<string, EventRule>([
  ...[...SESSION_EVENTS, ...WIDER_EVENTS].map(
    (name): [string, EventRule] => [name, { name, needsUserId: !WITHOUT_USER.has(name), writer: 'any' }],
  ),
  ...LIFE_EVENTS.map((name): [string, EventRule] => [
    name,
    { name, needsUserId: name === 'audit_viewed', writer: LOG_ONLY.has(name) ? 'log' : 'instance' },
  ]),
  ['extension', { name: 'extend', needsUserId: true, writer: 'any' }],
]);

/**
 * The rule of an event name.
 *
 * @throws EventError `ERR_EVENT_NAME_UNKNOWN` for any other name; the message lists the nearest known ones.
 */
export function eventRule(name: string): EventRule {
  const rule = RULES.get(name);
  if (rule === undefined) throw unknownName(name);
  return rule;
}

function unknownName(name: string): EventError {
  const near = nearestNames(name);
  const hint =
    near.length > 0 ? `did you mean ${near.join(' or ')}?` : `the session events are ${SESSION_EVENTS.join(', ')}`;
  return new EventError('ERR_EVENT_NAME_UNKNOWN', `event ${describeKey(name)} is not in the vocabulary: ${hint}`, {
    field: 'event',
  });
}

function nearestNames(name: string): string[] {
  if (name.length > 40) return [];
  const asked = name.toLowerCase().replace(/[-\s.]/g, '_');
  return EVENT_NAMES.map((known) => ({ known, distance: editDistance(asked, known) }))
    .filter(({ known, distance }) => distance <= Math.max(2, Math.floor(known.length / 3)))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, 3)
    .map(({ known }) => known);
}

/** Levenshtein distance, one row at a time; both strings are short. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
