import { formatBase64 } from '@indelible/tlog';
import { openReader } from '@indelible/log';
import type { Command, Invocation } from '../command.ts';
import { CliError, type ExitStatus } from '../error.ts';
import { comparePin, tryReadPin } from '../pin-state.ts';
import { formatEntries } from '../quantity.ts';
import { replaceFile } from '../replace-file.ts';
import { checkContinues, readSealFile } from '../seal-file.ts';
import { findSigningKey } from '../signing-key.ts';
import { storeDirectory } from '../store-argument.ts';
import { visibleLines, visibleText } from '../visible-text.ts';

/** Prints the newest seal, to be kept where whoever runs the log cannot change it. */
export const seal: Command = {
  name: 'seal',
  summary: 'print the newest seal, to be kept elsewhere',
  operands: ['[STORE]'],
  description:
    'Prints the newest seal: a C2SP checkpoint, signed by the key of the log, over every entry up to now. Keep it where whoever runs the ' +
    'log cannot change it; `indelible verify --since` then shows that nothing before it was rewritten or cut off. A seal that is in FILE ' +
    'already is replaced only by one that continues it.',
  options: { out: { type: 'string', value: 'FILE', summary: 'write it to FILE instead, in one step' } },
  examples: ['indelible seal audit --out /mnt/elsewhere/audit.seal', 'indelible seal audit | mail -s "audit seal" auditor@example.com'],
  exits: {
    0: 'printed',
    1: 'nothing is sealed yet, or the log does not continue the seal in FILE or the pin: FILE is unchanged',
    2: 'the log cannot be read, or FILE cannot be written or holds something else',
  },
  run: runSeal,
};

async function runSeal(invocation: Invocation): Promise<ExitStatus> {
  const { out, json } = invocation;
  const directory = storeDirectory(invocation, 'seal');
  const reader = await openReader(directory);
  const { origin } = await reader.describe();
  const file = invocation.text('out');
  // Both before the seal: what is newer than the seal then was so when the seal was read.
  const kept = file === undefined ? undefined : readSealFile(file, origin);
  const pinFile = findSigningKey(invocation, directory).pin;
  const pin = tryReadPin(pinFile);
  const newest = await reader.seal();
  if (newest === undefined) throw new CliError('ERR_CLI_NOT_FOUND', `nothing is sealed in the log ${origin} yet: append an event first`, { exit: 1 });
  if (file !== undefined) {
    const { state } = comparePin(pin, origin, newest);
    if (state === 'ahead' || state === 'differs') {
      throw new CliError('ERR_CLI_SEAL_CONFLICT', `the log was rolled back or rewritten: it does not continue the pin ${pinFile}, so its seal was not written; run \`indelible verify ${directory} --pin ${pinFile}\``, { exit: 1 });
    }
    if (kept !== undefined) await checkContinues(kept, newest, reader, directory);
    await replaceFile(file, newest.note);
  }
  const { treeSize, note } = newest;
  if (json) {
    await out.write(`${JSON.stringify({ origin, treeSize, rootHash: formatBase64(newest.rootHash), note, ...(file === undefined ? {} : { out: file }) })}\n`);
  } else if (file === undefined) {
    await out.write(out.isTerminal ? visibleLines(note) : note);
  } else {
    await out.write(`Wrote the seal over ${formatEntries(treeSize)} of ${visibleText(origin)} to ${visibleText(file)}\n`);
  }
  return 0;
}
