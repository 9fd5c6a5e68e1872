import { deviceFamily } from '../device-family.ts';
import { networkKey } from '../network-prefix.ts';
import type { Fact } from './request-change.ts';
import { OPEN } from './session-table.ts';
import type { TrackerCore } from './tracker-core.ts';

/** So many changes of one session are recorded as they come. */
const FREE_CHANGES = 3;
/** After them, at most one in so long a time; it says how many there were. */
const EVERY_MS = 60_000;
/** How many sessions are counted; whose count was forgotten begins anew. */
const COUNTED = 10_000;
const MAX_AGENT_CHARACTERS = 1024;

interface Count {
  readonly sessionId: string;
  recorded: number;
  lastMs: number;
  /** Changes since the last one on the record. */
  unsaid: number;
}

/** Sessions that are used from another network or device than the one seen last: a client that says something else each time fills no log. */
export class ContextChanges {
  readonly #core: TrackerCore;
  readonly #counts = new Map<number, Count>();

  constructor(core: TrackerCore) {
    this.#core = core;
  }

  /** A session was used from here; undefined where that is nothing new, or is told later. */
  seen(slot: number, fact: Fact): Promise<void> | undefined {
    const { ip, userAgent } = fact;
    const { table } = this.#core.state;
    const lastAgent = table.userAgent[slot];
    const moved = ip !== undefined && !table.ip.is(slot, ip);
    if (!moved && (userAgent === lastAgent || userAgent === undefined)) return undefined;
    const lastIp = table.ip.get(slot);
    const changed: string[] = [];
    if (moved) {
      const [now, last] = [networkKey(ip), lastIp === undefined ? undefined : networkKey(lastIp)];
      if (now !== undefined && last !== undefined && now !== last) changed.push('network');
      else table.ip.set(slot, ip);
    }
    const agent = userAgent === undefined ? undefined : cut(userAgent);
    if (agent !== undefined && agent !== lastAgent && lastAgent !== undefined && deviceFamily(agent) !== deviceFamily(lastAgent)) changed.push('device');
    if (changed.length === 0) return undefined;
    // At once, so that the requests that come meanwhile do not say it again.
    if (ip !== undefined) table.ip.set(slot, ip);
    if (agent !== undefined) table.userAgent[slot] = table.share(agent);
    const details = { changed, ...(lastIp === undefined ? {} : { fromIp: lastIp }), ...(lastAgent === undefined ? {} : { fromDevice: deviceFamily(lastAgent) }) };
    const count = this.#count(slot);
    if (count.recorded >= FREE_CHANGES && Math.abs(this.#core.nowMs() - count.lastMs) < EVERY_MS) {
      count.unsaid++;
      return undefined;
    }
    return this.#record(slot, count, { ...fact, userAgent: agent }, details);
  }

  /** Tells of the changes of a session that were not told yet; for its end, before that. */
  flush(slot: number): void {
    const count = this.#counts.get(slot);
    if (count === undefined) return;
    const { table } = this.#core.state;
    if (count.sessionId !== table.sessionId(slot) || table.state[slot] !== OPEN) this.#counts.delete(slot);
    else if (count.unsaid > 0) this.#core.background(this.#record(slot, count, { ip: table.ip.get(slot), userAgent: table.userAgent[slot] }, {}));
  }

  /** Tells of all that has waited long enough; for the end of the process, of all. */
  flushDue(all: boolean = false): void {
    const latestMs = this.#core.nowMs() - EVERY_MS;
    for (const [slot, count] of this.#counts) if (count.unsaid > 0 && (all || count.lastMs <= latestMs)) this.flush(slot);
  }

  /** Writes one entry, and counts anew. The entry that follows in the same turn names it as the one before. */
  #record(slot: number, count: Count, fact: Fact, details: Readonly<Record<string, unknown>>): Promise<void> {
    const core = this.#core;
    const told = count.unsaid === 0 ? details : { ...details, changesSince: count.unsaid };
    count.recorded++;
    count.unsaid = 0;
    count.lastMs = core.nowMs();
    const event = core.event('context_changed', slot, { ...fact, details: told });
    core.state.table.setLastEvent(slot, event.id);
    return core.record(event, 'proceeds').then(() => undefined);
  }

  #count(slot: number): Count {
    const sessionId = this.#core.state.table.sessionId(slot);
    const known = this.#counts.get(slot);
    if (known?.sessionId === sessionId) return known;
    const count = { sessionId, recorded: 0, lastMs: 0, unsaid: 0 };
    this.#counts.delete(slot);
    this.#counts.set(slot, count);
    if (this.#counts.size > COUNTED) {
      for (const oldest of this.#counts.keys()) {
        this.flush(oldest);
        this.#counts.delete(oldest);
        break;
      }
    }
    return count;
  }
}

/** The beginning of a long claim. The table copies what it keeps: a cut text would keep all of the one that it was cut from. */
function cut(userAgent: string): string {
  return userAgent.length <= MAX_AGENT_CHARACTERS ? userAgent : Buffer.from(userAgent.slice(0, MAX_AGENT_CHARACTERS)).toString();
}
