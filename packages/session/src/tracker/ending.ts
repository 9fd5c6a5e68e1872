import { factId } from '@indelible/event';
import type { ContextChanges } from './context-change.ts';
import type { Extension } from './extension.ts';
import type { Fact } from './request-change.ts';
import { ENDED, OPEN, endMs } from './session-table.ts';
import type { TrackerCore } from './tracker-core.ts';

/** Uses after the end of one session are recorded at most so often: a browser goes on sending a cookie that is worth nothing. */
const USE_AFTER_END_EVERY_MS = 60_000;
/** How many ended sessions are remembered as used. */
const USED_KEPT = 10_000;

/** The ends of sessions: each is recorded once, however many requests and sweeps see it. */
export class Ending {
  readonly #core: TrackerCore;
  readonly #extension: Extension;
  readonly #contexts: ContextChanges;
  readonly #underWay = new Map<number, Promise<boolean>>();
  /** When a use after the end was recorded last, by the name of the session. */
  readonly #used = new Map<string, number>();

  constructor(core: TrackerCore, extension: Extension, contexts: ContextChanges) {
    this.#core = core;
    this.#contexts = contexts;
    this.#extension = extension;
  }

  /** The end of this session that is being recorded. */
  underWay(slot: number): Promise<boolean> | undefined {
    return this.#underWay.get(slot);
  }

  /** Ends a session; false where somebody else did. */
  end(event: 'logout' | 'revoked', slot: number, fact: Fact): Promise<boolean> {
    const initiator = fact.initiator ?? (event === 'logout' ? 'user' : 'admin');
    return this.#once(slot, () => this.#core.record(this.#core.event(event, slot, fact, { initiator }), 'proceeds'));
  }

  /** Records that a session's time is up, after what it gained by use; false where it is not, or where somebody else did. */
  timeout(slot: number): Promise<boolean> {
    const gained = this.#extension.recordGain(slot);
    if (gained === undefined) return this.#timeout(slot);
    return gained.then(() => (endMs(slot, this.#core.state.table) <= this.#core.nowMs() ? this.#timeout(slot) : false));
  }

  /** At its deadline, whoever finds out and whenever: the same id, the same words. */
  #timeout(slot: number): Promise<boolean> {
    const core = this.#core;
    const { table } = core.state;
    if (table.state[slot] !== OPEN) return Promise.resolve(false);
    return this.#once(slot, () => {
      const deadlineMs = endMs(slot, table);
      const sessionId = table.sessionId(slot);
      return core.recordFact({
        id: factId(deadlineMs, 'timeout', sessionId),
        timestamp: deadlineMs,
        event: 'timeout',
        userId: core.state.userId(slot),
        sessionId,
        sidHash: table.sidHash(slot),
        prev: table.lastEventId(slot),
        reason: deadlineMs === table.absoluteMs[slot] ? 'absolute' : 'idle',
        initiator: 'policy',
        app: table.app(slot) ?? core.options.app,
        tenant: core.state.tenant(slot),
      });
    });
  }

  /** See {@link SessionTracker.presented}. */
  presented(sidHash: string, fact: Fact): Promise<void> | undefined {
    const core = this.#core;
    const { state } = core;
    const slot = state.table.findSid(sidHash);
    if (slot < 0) return undefined;
    if (state.table.state[slot] === ENDED) return this.usedAfterEnd(slot, fact);
    if (state.table.state[slot] !== OPEN) return undefined;
    const underWay = this.#underWay.get(slot);
    if (underWay !== undefined) return nothing(underWay);
    if (this.#extension.endMs(slot) <= core.nowMs()) return nothing(this.timeout(slot));
    return nothing(this.end('revoked', slot, { ...fact, reason: 'gone_from_store', initiator: 'system' }));
  }

  /** Records that an ended session was used; undefined where that was recorded a moment ago. */
  usedAfterEnd(slot: number, fact: Fact): Promise<void> | undefined {
    const core = this.#core;
    const nowMs = core.nowMs();
    const sessionId = core.state.table.sessionId(slot);
    const lastMs = this.#used.get(sessionId);
    if (lastMs !== undefined && Math.abs(nowMs - lastMs) < USE_AFTER_END_EVERY_MS) return undefined;
    this.#used.delete(sessionId);
    this.#used.set(sessionId, nowMs);
    if (this.#used.size > USED_KEPT) for (const [oldest] of this.#used) if (this.#used.delete(oldest)) break;
    return nothing(core.record(core.event('session_use_after_end', slot, fact, { outcome: 'failure' }), 'proceeds'));
  }

  #once(slot: number, record: () => Promise<unknown>): Promise<boolean> {
    const underWay = this.#underWay.get(slot);
    if (underWay !== undefined) return underWay.then(() => false);
    this.#contexts.flush(slot);
    const work = record()
      .then(() => {
        this.#extension.ended(slot);
        return true;
      })
      .finally(() => this.#underWay.delete(slot));
    this.#underWay.set(slot, work);
    return work;
  }
}

function nothing(work: Promise<unknown>): Promise<void> {
  return work.then(() => undefined);
}
