import { join } from 'node:path';
import { createLog, createSigningKey, exportTiles, fileStore, openLog, parseSigningKey, type FileStoreOptions, type Log, type Signer } from '@indelible/log';
import type { EventInput } from '@indelible/event';

/** Name of the logs in these tests. */
export const ORIGIN = 'log.example/conformance';

/** A log in a directory, which grows to the sizes that a test asks for. */
export interface TestLog {
  readonly directory: string;
  /** The signing key as text: some tests play its holder. */
  readonly secret: string;
  readonly signer: Signer;
  readonly log: Log;
  /** Appends events until the log holds that many entries, its own `log_started` included. */
  growTo(size: number): Promise<void>;
  /** Exports tiles to a directory beside the log and returns it. */
  exportTo(name: string): Promise<string>;
}

const BATCH = 4_096;

/** Creates a log below `scratch` and opens it. Nothing but what the test asks for is recorded after `log_started`. */
export async function openTestLog(scratch: string, name = 'log', options: FileStoreOptions = {}): Promise<TestLog> {
  const directory = join(scratch, name);
  const { secret } = createSigningKey(ORIGIN);
  const signer = parseSigningKey(secret);
  await createLog(directory, { signer });
  const log = await openLog({ store: fileStore(directory, options), signer, heartbeatMs: 0, app: 'bank', instance: 'a1' });
  return {
    directory,
    secret,
    signer,
    log,
    growTo: async (size) => {
      while (log.size < size) {
        const count = Math.min(BATCH, size - log.size);
        await log.appendAll(Array.from({ length: count }, (_, i) => sessionEvent(log.size + i)));
      }
    },
    exportTo: async (to) => {
      await exportTiles(log.reader(), join(scratch, to));
      return join(scratch, to);
    },
  };
}

function sessionEvent(n: number): EventInput {
  const event = (['login', 'extend', 'timeout', 'logout'] as const)[n % 4]!;
  return { event, userId: `user-${n % 97}`, sessionId: `session-${Math.floor(n / 4)}`, ip: `192.0.2.${n % 256}`, details: { note: 'Zürich · 会計', n } };
}
