import { createId, formatTime } from '@indelible/event';
import type { TrackerCore } from './tracker-core.ts';

/**
 * Says in the record that somebody is watching: absence of an event is evidence only for as long as every instance that was
 * started, and not stopped, has captured.
 */
export class Coverage {
  readonly #core: TrackerCore;
  readonly #everyMs: number;
  #timer: NodeJS.Timeout | undefined;
  #beats = 0;
  /** Up to here everything that was captured is on the record. */
  #throughMs: number;

  constructor(core: TrackerCore) {
    this.#core = core;
    this.#everyMs = core.options.heartbeatMs;
    this.#throughMs = core.nowMs();
  }

  /** Records the start of this instance, then its heartbeats. */
  async start(): Promise<void> {
    if (this.#everyMs === 0) return;
    await this.#record('log_started');
    this.#timer = setInterval(() => {
      // While events wait there is nothing to promise; a capture_gap will account for them.
      if (this.#core.pending > 0) return;
      this.#beats++;
      this.#core.background(this.#record('heartbeat', { beat: this.#beats, intervalMs: this.#everyMs }));
    }, this.#everyMs).unref();
  }

  /** Records the end of this instance. */
  async stop(): Promise<void> {
    if (this.#everyMs === 0) return;
    clearInterval(this.#timer);
    await this.#record('log_stopped');
  }

  async #record(event: 'log_started' | 'heartbeat' | 'log_stopped', more: Readonly<Record<string, unknown>> = {}): Promise<void> {
    const core = this.#core;
    const { adapter, checkedPolicy, app, instance, tenant } = core.options;
    const timestamp = core.nowMs();
    if (core.pending === 0) this.#throughMs = timestamp;
    await core.record(
      {
        id: createId(timestamp),
        timestamp,
        event,
        policy: checkedPolicy.name,
        app,
        instance,
        tenant,
        details: {
          ...(adapter === undefined ? {} : { adapter: adapter.name, adapterVersion: adapter.version }),
          policy: checkedPolicy.name,
          policyHash: checkedPolicy.hash,
          spoolPending: core.pending,
          capturedThrough: formatTime(this.#throughMs),
          sessions: core.state.openCount,
          ...more,
        },
      },
      'proceeds',
    );
  }
}
