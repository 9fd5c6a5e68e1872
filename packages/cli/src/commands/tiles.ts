import { readdirSync, statSync } from 'node:fs';
import { exportTiles, openReader } from '@indelible/log';
import type { Command, Invocation } from '../command.ts';
import { CliError, usageError, type ExitStatus } from '../error.ts';
import { Progress } from '../progress.ts';
import { formatCount, formatEntries } from '../quantity.ts';
import { storeDirectory } from '../store-argument.ts';
import { visibleText } from '../visible-text.ts';

/** Writes the log as static files that verifiers and witnesses of others can read. */
export const tiles: Command = {
  name: 'tiles',
  summary: 'write the log as C2SP tiles, to be served as static files',
  operands: ['[STORE]'],
  description:
    'Writes checkpoint, tile/<L>/<N> and tile/entries/<N> as C2SP tlog-tiles describes them, made from the entries themselves and compared ' +
    'with the seal. Where DIR holds an older export of the same log only what is new is written. The checkpoint is replaced last, in one step.',
  options: { out: { type: 'string', value: 'DIR', summary: 'directory to write to (needed)' } },
  examples: ['indelible tiles audit --out public/audit'],
  exits: {
    0: 'written',
    1: 'nothing is sealed yet, or the record is damaged',
    2: 'DIR holds something else, or cannot be written, or the log cannot be read',
  },
  run: runTiles,
};

async function runTiles(invocation: Invocation): Promise<ExitStatus> {
  const directory = storeDirectory(invocation, 'tiles');
  const target = invocation.text('out');
  if (target === undefined || target === '') throw usageError('name the directory for the tiles with --out DIR', 'tiles');
  const reader = await openReader(directory);
  checkTarget(target);
  const progress = new Progress('exporting');
  const done = await exportTiles(reader, target, { onProgress: (entries, total) => progress.update(entries, total) }).finally(() => progress.end());
  const { origin, treeSize, before } = done;
  if (invocation.json) await invocation.out.write(`${JSON.stringify({ ...done, out: target })}\n`);
  else await invocation.out.write(`Wrote the tiles of ${formatEntries(treeSize)} of ${visibleText(origin)} to ${visibleText(target)} (${formatCount(treeSize - before)} new)\n`);
  return 0;
}

/** Tiles among other files would be served with them, or deleted with them. What the export itself refuses is left to it. */
function checkTarget(target: string): void {
  const stats = statSync(target, { throwIfNoEntry: false });
  if (stats === undefined) return;
  if (!stats.isDirectory()) throw new CliError('ERR_CLI_INPUT_INVALID', `${target} is not a directory: name one for the tiles with --out DIR`);
  const names = readdirSync(target);
  if (names.length === 0 || ['checkpoint', 'tile', 'log.json'].some((name) => names.includes(name))) return;
  throw new CliError('ERR_CLI_INPUT_INVALID', `${target} is not empty and holds no tiles (no checkpoint, no tile/): name a directory that is new or empty, or one with an older export of this log`);
}
