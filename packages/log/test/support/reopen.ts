import { encodeEvent } from '@indelible/event';
import type { LogError, Signer } from '@indelible/log';
import { Cache } from '../../dist/cache/cache.js';
import type { CacheFiles } from '../../dist/cache/cache-files.js';
import { encodeBatch } from '../../dist/commit/batch.js';
import { Committer } from '../../dist/commit/committer.js';
import type { Disk } from '../../dist/disk/disk.js';
import { testEvent } from './events.ts';

/** What came of opening a record that may be damaged. */
export type Reopened = { readonly refused: LogError } | { readonly size: number; readonly committer: Committer };

/** Opens a record for writing as a process without thread and lock would. */
export async function reopen(disk: Disk, cacheFiles: CacheFiles, signer: Signer, pin?: string): Promise<Reopened> {
  try {
    const committer = await Committer.open({
      disk,
      cache: (file) => new Cache(cacheFiles, file.origin),
      signer,
      ...(pin === undefined ? {} : { pin }),
      segmentBytes: 1e9,
      onSeal: () => undefined,
      onRecovered: () => undefined,
      nowMs: () => Date.UTC(2025, 0, 1),
    });
    return { size: committer.sealedSize, committer };
  } catch (error) {
    const { code } = error as LogError;
    if (code !== 'ERR_LOG_RECORD_DAMAGED' && code !== 'ERR_LOG_ROLLED_BACK') throw error;
    return { refused: error as LogError };
  }
}

/** Appends `testEvent`s as one batch; returns their indexes. */
export async function appendNumbers(committer: Committer, numbers: readonly number[], app = 'tail'): Promise<number[]> {
  const lines = numbers.map((n) => encodeEvent(testEvent(n), { nowMs: Date.UTC(2025, 0, 1), defaults: { app, instance: 'tail' } }));
  const { first, indexes } = await committer.append(encodeBatch(lines));
  return numbers.map((_n, i) => (indexes === undefined ? first + i : indexes[i]!));
}
