import { readFileSync, statSync } from 'node:fs';
import { parseVerifierKey } from '@indelible/tlog';
import { CliError } from './error.ts';

const MAX_KEY_BYTES = 4_096;

/**
 * Reads a public key that was given as text or as the name of a file that holds it.
 *
 * @throws CliError `ERR_CLI_INPUT_INVALID`, in particular for a private key: that one must not travel.
 */
export function readVerifierKey(given: string): string {
  if (isVerifierKey(given.trim())) return given.trim();
  if (given.startsWith('PRIVATE+KEY+')) throw privateKey('what was given');
  const stats = statSync(given, { throwIfNoEntry: false });
  if (stats === undefined) throw new CliError('ERR_CLI_INPUT_INVALID', '--key is neither a public key (<name>+<8 hex digits>+<base64>, as `indelible init` printed it) nor a file that holds one');
  if (!stats.isFile() || stats.size > MAX_KEY_BYTES) throw new CliError('ERR_CLI_INPUT_INVALID', `${given} is not a file that holds one public key`);
  const text = readFileSync(given, 'utf8').trim();
  if (text.startsWith('PRIVATE+KEY+')) throw privateKey(given);
  if (isVerifierKey(text)) return text;
  throw new CliError('ERR_CLI_INPUT_INVALID', `${given} does not hold a public key: give the line <name>+<8 hex digits>+<base64> that \`indelible init\` printed`);
}

function isVerifierKey(text: string): boolean {
  try {
    parseVerifierKey(text);
    return true;
  } catch {
    return false;
  }
}

function privateKey(what: string): CliError {
  return new CliError('ERR_CLI_INPUT_INVALID', `${what} is a private signing key, which verifiers must not have: give the public key, \`indelible key show --signing-key FILE\` prints it`);
}
