import { createSigningKey, memoryStore, openLog, parseSigningKey, type Log } from '@indelible/log';
import type { EventInput } from '@indelible/event';
import type { Acknowledgement, LogPort } from '@indelible/session';

/** What a log can be made to do: answer, fail, say nothing at all, or record without saying so. */
export type Behaviour = 'up' | 'down' | 'hangs' | 'mute';

/** A real log in memory behind a line that can be cut. */
export interface SwitchLog extends LogPort {
  behaviour: Behaviour;
  /** Attempts that reached it. */
  calls: number;
  appendAll?(events: readonly EventInput[]): Promise<Acknowledgement[]>;
  /** What is on the record, without the log's own life. */
  entries(): Promise<Record<string, unknown>[]>;
  close(): Promise<void>;
}

/** Opens one. */
export async function switchLog(options: { readonly batches?: boolean } = {}): Promise<SwitchLog> {
  const signer = parseSigningKey(createSigningKey('test.example/delivery').secret);
  const log: Log = await openLog({ store: memoryStore(), signer, heartbeatMs: 0, app: 'log', instance: 'log-1' });
  const through = async <T>(work: () => Promise<T>): Promise<T> => {
    self.calls++;
    if (self.behaviour === 'down') throw Object.assign(new Error('the line is cut'), { code: 'ECONNREFUSED' });
    if (self.behaviour === 'hangs') return new Promise(() => undefined);
    const result = await work();
    return self.behaviour === 'mute' ? new Promise(() => undefined) : result;
  };
  const self: SwitchLog = {
    behaviour: 'up',
    calls: 0,
    append: (event) => through(() => log.append(event)),
    entries: async () => {
      const entries: Record<string, unknown>[] = [];
      for await (const { bytes } of log.reader().entries()) entries.push(JSON.parse(Buffer.from(bytes).toString('utf8')) as Record<string, unknown>);
      return entries.filter(({ app }) => app !== 'log');
    },
    close: () => log.close(),
  };
  if (options.batches !== false) self.appendAll = (events) => through(() => log.appendAll(events));
  return self;
}
