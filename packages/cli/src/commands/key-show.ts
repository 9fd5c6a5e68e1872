import { formatKeyId } from '@indelible/log';
import { parseVerifierKey } from '@indelible/tlog';
import type { Command, Invocation } from '../command.ts';
import { SIGNING_KEY_OPTION, findSigningKey, readSigner } from '../signing-key.ts';
import { directoryOf } from '../store-argument.ts';
import { usageError, type ExitStatus } from '../error.ts';
import { visibleText } from '../visible-text.ts';

/** Prints the public half of a signing key. */
export const keyShow: Command = {
  name: 'key show',
  summary: 'print the public key that belongs to a signing key',
  operands: ['[STORE]'],
  description: 'Prints the C2SP verifier key (vkey) of a signing key: what verifiers need, and may be known to everybody.',
  options: { 'signing-key': SIGNING_KEY_OPTION },
  examples: ['indelible key show audit', 'indelible key show --signing-key audit.key'],
  exits: { 0: 'printed', 2: 'there is no such key, or it cannot be used' },
  run: runKeyShow,
};

function runKeyShow(invocation: Invocation): Promise<ExitStatus> {
  const store = invocation.operands[0] ?? process.env['INDELIBLE_LOG'] ?? '';
  const source = findSigningKey(invocation, store === '' ? '.' : directoryOf(store, 'key show'));
  if (store === '' && source.from === 'file' && !source.named) throw usageError('name the log, or the key with --signing-key FILE', 'key show');
  const { vkey } = readSigner(source);
  const { name } = parseVerifierKey(vkey);
  const text = invocation.json ? JSON.stringify({ origin: name, vkey, keyId: formatKeyId(vkey) }) : visibleText(vkey);
  return invocation.out.write(`${text}\n`).then(() => 0);
}
