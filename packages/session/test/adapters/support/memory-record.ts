import { parseEntry, type Entry } from '@indelible/event';
import { createSigningKey, memoryStore, openLog, parseSigningKey } from '@indelible/log';
import { openTracker, type SessionPolicy, type SessionTracker } from '@indelible/session';
import { FaultyPort } from './world.ts';

/** A record in memory, for what an adapter does beyond the suite. */
export interface MemoryRecord {
  readonly tracker: SessionTracker;
  readonly port: FaultyPort;
  /** What is on the record about sessions. */
  entries(): Promise<Entry[]>;
  events(): Promise<string[]>;
  close(): Promise<void>;
}

export async function openRecord(policy?: SessionPolicy): Promise<MemoryRecord> {
  const signer = parseSigningKey(createSigningKey('adapter.example/sessions').secret);
  const log = await openLog({ store: memoryStore(), signer, heartbeatMs: 0 });
  const port = new FaultyPort(log);
  const tracker = await openTracker({ log: port, sidKey: new Uint8Array(32).fill(1), sweepEveryMs: 0, heartbeatMs: 0, policy, onError: () => undefined });
  const entries = async (): Promise<Entry[]> => {
    const found: Entry[] = [];
    for await (const { bytes } of log.reader().entries()) found.push(parseEntry(new TextDecoder().decode(bytes)));
    return found.filter(({ event }) => !/^(?:log_|heartbeat|capture_gap)/.test(event));
  };
  return {
    tracker,
    port,
    entries,
    events: async () => (await entries()).map(({ event }) => event),
    async close() {
      port.isDown = false;
      await tracker.close();
      await log.close();
    },
  };
}
