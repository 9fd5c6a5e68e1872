import { rebuildCache } from '@indelible/log';
import type { Command, Invocation } from '../command.ts';
import type { ExitStatus } from '../error.ts';
import { Progress } from '../progress.ts';
import { formatDuration, formatEntries } from '../quantity.ts';
import { storeDirectory } from '../store-argument.ts';

/** Makes everything derived anew. */
export const rebuild: Command = {
  name: 'rebuild',
  summary: 'make the cache anew from the record',
  operands: ['[STORE]'],
  description:
    'Deletes cache/ and makes it anew from the entries, which are hashed and compared with their seals on the way. The record itself is ' +
    'not touched. Waits up to 10 s for a writer to let go of the log.',
  options: {},
  examples: ['indelible rebuild audit'],
  exits: { 0: 'done', 1: 'the record is damaged: its entries are not those that were sealed', 2: 'the log is in use, or cannot be read or written' },
  run: runRebuild,
};

async function runRebuild(invocation: Invocation): Promise<ExitStatus> {
  const directory = storeDirectory(invocation, 'rebuild');
  const progress = new Progress('rebuilding');
  const startedMs = performance.now();
  const { entries } = await rebuildCache(directory, { onProgress: (done, total) => progress.update(done, total) }).finally(() => progress.end());
  const durationMs = Math.round(performance.now() - startedMs);
  if (invocation.json) await invocation.out.write(`${JSON.stringify({ entries, durationMs })}\n`);
  else await invocation.out.write(`Rebuilt the cache of ${formatEntries(entries)} in ${formatDuration(durationMs)}\n`);
  return 0;
}
