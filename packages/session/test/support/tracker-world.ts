import { createSigningKey, memoryStore, openLog, parseSigningKey, type Log } from '@indelible/log';
import { openTracker, type SessionTracker, type TrackerOptions } from '@indelible/session';

/** The key of the keyed hashes in tests. */
export const SID_KEY: Uint8Array = new Uint8Array(32).fill(7);

/** A clock that stands still unless it is moved; it starts well before now, so that no log finds it ahead. */
export class TestClock {
  nowMs: number;
  constructor(nowMs: number = Date.UTC(2026, 0, 15, 9)) {
    this.nowMs = nowMs;
  }
  pass(ms: number): void {
    this.nowMs += ms;
  }
  readonly now = (): number => this.nowMs;
}

/** A log in memory. */
export async function memoryLog(): Promise<Log> {
  const signer = parseSigningKey(createSigningKey('session.example/test').secret);
  return openLog({ store: memoryStore(), signer, app: 'test', instance: 'log', heartbeatMs: 0 });
}

/** A tracker without timers over a log, by a clock of the test's. */
export function trackerOver(log: TrackerOptions['log'], clock: TestClock, options: Partial<TrackerOptions> = {}): Promise<SessionTracker> {
  return openTracker({ log, sidKey: SID_KEY, app: 'test', instance: 'i1', sweepEveryMs: 0, heartbeatMs: 0, nowMs: clock.now, ...options });
}

/** All entries of the log's sessions, in order. */
export async function sessionEntries(log: Log): Promise<Record<string, unknown>[]> {
  return (await allEntries(log)).filter((entry) => !['log_started', 'log_stopped', 'heartbeat'].includes(entry['event'] as string));
}

/** All entries of the log, in order. */
export async function allEntries(log: Log): Promise<Record<string, unknown>[]> {
  const found: Record<string, unknown>[] = [];
  for await (const { bytes } of log.follow({ from: 0, follow: false })) found.push(JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>);
  return found;
}
