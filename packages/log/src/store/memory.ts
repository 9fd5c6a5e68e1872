import { MemoryCacheFiles } from '../cache/cache-files.ts';
import { Cache } from '../cache/cache.ts';
import { encodeBatch } from '../commit/batch.ts';
import { Committer } from '../commit/committer.ts';
import { MemoryDisk } from '../disk/memory-disk.ts';
import { LogError } from '../error.ts';
import { RecordReader } from '../read/record-reader.ts';
import { createRecord } from '../record/create-record.ts';
import type { SyncedUpTo } from '../recover/recover.ts';
import { DEFAULT_SEGMENT_BYTES } from './segment-bytes.ts';
import type { OpenStore, Store, StoreContext } from './store.ts';

/** Options of the memory store. */
export interface MemoryStoreOptions {
  /** Disk to use, for instance one that a test makes fail. Default: a new one. */
  readonly disk?: MemoryDisk;
  /** Size at which a segment is closed. Default 256 MiB. */
  readonly segmentBytes?: number;
}

/**
 * A store for tests: the same code as the file store on a disk in memory, which is stricter than a real one. The log is created
 * at the first opening. Nothing survives the process.
 */
export function memoryStore(options: MemoryStoreOptions = {}): Store & { readonly disk: MemoryDisk } {
  const disk = options.disk ?? new MemoryDisk();
  const cacheFiles = new MemoryCacheFiles();
  let taken = false;
  let syncedUpTo: SyncedUpTo | undefined; // after a failed sync a later one may lie
  return {
    disk,
    async open(context: StoreContext): Promise<OpenStore> {
      if (taken) throw new LogError('ERR_LOG_LOCKED', 'this memory store is open already: close it before opening it again');
      taken = true;
      try {
        if (!disk.exists('log.json')) await createRecord(disk, context.signer, { nowMs: Date.now() });
        const committer = await Committer.open({
          disk,
          cache: (file) => new Cache(cacheFiles, file.origin),
          signer: context.signer,
          ...(context.pin === undefined ? {} : { pin: context.pin }),
          segmentBytes: options.segmentBytes ?? DEFAULT_SEGMENT_BYTES,
          onSeal: context.onSeal,
          onRecovered: context.onRecovered,
          onSyncFailed: ({ segment, length }) => {
            syncedUpTo = { segment, length };
          },
          ...(syncedUpTo === undefined ? {} : { syncedUpTo }),
          ...(context.onProgress === undefined ? {} : { onProgress: context.onProgress }),
          nowMs: Date.now,
        });
        const reader = new RecordReader(disk, cacheFiles);
        return {
          origin: committer.origin,
          sealedSize: committer.sealedSize,
          seal: committer.seal,
          append: async (lines, nextSigner) => {
            try {
              return await committer.append(encodeBatch(lines), nextSigner);
            } catch (error) {
              if (error instanceof LogError && error.fatal) context.onStopped(error);
              throw error;
            }
          },
          reader: () => reader,
          close: async () => {
            await committer.close();
            taken = false;
          },
        };
      } catch (error) {
        taken = false;
        throw error;
      }
    },
  };
}
