import type { EventInput } from '@indelible/event';
import type { Acknowledgement, LogPort } from '@indelible/session';

/** A log port that takes everything at once and remembers it; the same id is recorded once. For tests that open hundreds of spools. */
export interface RecordingPort extends LogPort {
  up: boolean;
  readonly events: EventInput[];
  /** Ids that it refuses for good. */
  readonly refused: Set<string>;
  appendAll(events: readonly EventInput[]): Promise<Acknowledgement[]>;
  /** Users of the events, in order, without capture gaps. */
  users(): (string | undefined)[];
  /** The details of the capture gaps. */
  gaps(): Record<string, unknown>[];
}

/** Makes one. */
export function recordingPort(up: boolean): RecordingPort {
  const byId = new Map<string, number>();
  const port: RecordingPort = {
    up,
    events: [],
    refused: new Set(),
    append: async (event) => {
      if (!port.up) throw Object.assign(new Error('away'), { code: 'ECONNREFUSED' });
      const id = event.id ?? '';
      if (port.refused.has(id)) throw Object.assign(new Error('taken'), { code: 'ERR_LOG_ID_CONFLICT' });
      if (!byId.has(id)) byId.set(id, port.events.push(event) - 1);
      return { id, index: byId.get(id)! };
    },
    appendAll: (events) => Promise.all(events.map((event) => port.append(event))),
    users: () => port.events.filter(({ event }) => event !== 'capture_gap').map(({ userId }) => userId),
    gaps: () => port.events.filter(({ event }) => event === 'capture_gap').map(({ details }) => ({ ...details })),
  };
  return port;
}
