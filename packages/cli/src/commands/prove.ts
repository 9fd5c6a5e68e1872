import { entryId, isId } from '@indelible/event';
import { openReader, type RecordReader } from '@indelible/log';
import { formatBase64, formatTlogProof } from '@indelible/tlog';
import type { Command, Invocation } from '../command.ts';
import { CliError, usageError, type ExitStatus } from '../error.ts';
import { formatCount, formatEntries, parseWholeNumber } from '../quantity.ts';
import { replaceFile } from '../replace-file.ts';
import { storeDirectory } from '../store-argument.ts';
import { visibleLines, visibleText } from '../visible-text.ts';

/** Proves that one entry is on the record, in a form that others can check. */
export const prove: Command = {
  name: 'prove',
  summary: 'prove that one entry is on the record',
  operands: ['[STORE]'],
  description:
    'Prints a C2SP tlog-proof: the place of the entry, the hashes that lead from it to the root, and the seal that signs the root. ' +
    'Together with the entry (--json has both) it convinces whoever holds the public key, without the log. It is checked before it is printed.',
  options: {
    index: { type: 'string', value: 'N', summary: 'the entry with this index' },
    id: { type: 'string', value: 'ID', summary: 'the entry with this id' },
    out: { type: 'string', value: 'FILE', summary: 'write the proof to FILE instead, in one step' },
  },
  examples: ['indelible prove audit --index 41200 --out login.tlog-proof', 'indelible prove audit --id 01a1fb17-9b8c-73d8-aab7-0df1ec368487 --json'],
  exits: { 0: 'proven', 1: 'there is no such entry on the record, or the record is damaged', 2: 'the log cannot be read' },
  run: runProve,
};

async function runProve(invocation: Invocation): Promise<ExitStatus> {
  const { out, json } = invocation;
  const directory = storeDirectory(invocation, 'prove');
  const wanted = readWanted(invocation);
  const file = invocation.text('out');
  const reader = await openReader(directory);
  const index = await findIndex(reader, wanted);
  const receipt = await reader.prove(index);
  const text = formatTlogProof({ index, inclusionProof: receipt.proof, checkpoint: receipt.seal });
  if (file !== undefined) await replaceFile(file, text);
  if (json) {
    const proof = receipt.proof.map(formatBase64);
    const entry = new TextDecoder().decode(receipt.entry); // entries are UTF-8: encoding this again gives the bytes that were hashed
    const { treeSize, seal } = receipt;
    await out.write(`${JSON.stringify({ index, id: entryId(receipt.entry), entry, treeSize, proof, checkpoint: seal, tlogProof: text, ...(file === undefined ? {} : { out: file }) })}\n`);
  } else if (file === undefined) {
    await out.write(out.isTerminal ? visibleLines(text) : text);
  } else {
    await out.write(`Wrote the proof of entry ${formatCount(index)} under the seal over ${formatEntries(receipt.treeSize)} to ${visibleText(file)}\n`);
  }
  return 0;
}

function readWanted(invocation: Invocation): { readonly index: number } | { readonly id: string } {
  const index = invocation.text('index');
  const id = invocation.text('id');
  if ((index === undefined) === (id === undefined)) throw usageError('say which entry: --index N or --id ID, one of them', 'prove');
  if (id !== undefined) {
    if (!isId(id)) throw usageError('--id needs an id as `indelible append` prints it: a UUID in lower case', 'prove');
    return { id };
  }
  const number = parseWholeNumber(index!);
  if (number === undefined) throw usageError('--index needs a whole number from 0 up', 'prove');
  return { index: number };
}

async function findIndex(reader: RecordReader, wanted: { readonly index: number } | { readonly id: string }): Promise<number> {
  if ('index' in wanted) return wanted.index;
  const found = await reader.findId(wanted.id);
  if (found === undefined) throw new CliError('ERR_CLI_NOT_FOUND', `no entry on the record has the id ${wanted.id}`, { exit: 1 });
  return found;
}
