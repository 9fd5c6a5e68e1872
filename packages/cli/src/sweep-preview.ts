import { createId, parseEntry } from '@indelible/event';
import type { RecordReader } from '@indelible/log';
import type { PlacedEntry, TrackerPort } from '@indelible/session';

/** A log that is read and takes everything without recording it: what a sweep would do, without doing it. */
export interface SweepPreview {
  readonly port: TrackerPort;
  /** The longest idle timeout that any login or extension on the record was given; 0 before they were read. */
  readonly longestIdleMs: () => number;
}

const DEADLINE_FIELD = Buffer.from('"idleDeadline":"');

/** Looks at the record up to its last seal. */
export function sweepPreview(reader: RecordReader): SweepPreview {
  let longestMs = 0;
  let next = 0;
  async function* entries(): AsyncGenerator<PlacedEntry> {
    for await (const entry of reader.entries({ from: 0 })) {
      longestMs = Math.max(longestMs, idleMsOf(entry.bytes));
      yield entry;
    }
  }
  return {
    longestIdleMs: () => longestMs,
    port: {
      append: (event) => Promise.resolve({ id: event.id ?? createId(), index: next++ }),
      openSessions: async () => {
        const { treeSize } = (await reader.seal()) ?? { treeSize: 0 };
        next = treeSize;
        return { entries: entries(), next: treeSize };
      },
      follow: ({ signal }) => ({ [Symbol.asyncIterator]: () => ({ next: () => aborted(signal) }) }),
    },
  };
}

/** Nothing comes: it ends when it is told to. */
function aborted(signal: AbortSignal | undefined): Promise<IteratorReturnResult<undefined>> {
  return new Promise((resolve) => {
    const end = (): void => resolve({ done: true, value: undefined });
    if (signal === undefined || signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
}

function idleMsOf(bytes: Uint8Array): number {
  if (Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).indexOf(DEADLINE_FIELD) < 0) return 0;
  const { timestamp, idleDeadline } = parseEntry(bytes);
  return idleDeadline === undefined ? 0 : Date.parse(idleDeadline) - Date.parse(timestamp);
}
