import { existsSync } from 'node:fs';
import { parseSigningKey, pinPath, readSigningKey, type Signer } from '@indelible/log';
import type { CommandOption, Invocation } from './command.ts';
import { CliError, refuseSigningKey } from './error.ts';
import { defaultKeyPath } from './store-argument.ts';

/** The option that names a signing key. */
export const SIGNING_KEY_OPTION: CommandOption = {
  type: 'string',
  value: 'FILE',
  summary: 'signing key; else INDELIBLE_SIGNING_KEY (the key itself), INDELIBLE_SIGNING_KEY_FILE, or STORE.key beside the log',
};

/** Where a signing key comes from. */
export type KeySource =
  | { readonly from: 'file'; readonly path: string; readonly pin: string; readonly named: boolean }
  | { readonly from: 'environment'; readonly secret: string; readonly pin: string };

/** Finds the signing key of a log: option, environment, the place where `init` puts it. Reads nothing yet. */
export function findSigningKey(invocation: Invocation, directory: string): KeySource {
  const given = invocation.text('signing-key');
  const secret = process.env['INDELIBLE_SIGNING_KEY'] ?? '';
  const byEnvironment = process.env['INDELIBLE_SIGNING_KEY_FILE'] ?? '';
  if (given === undefined && secret !== '') return { from: 'environment', secret, pin: pinPath(defaultKeyPath(directory)) };
  const named = given ?? (byEnvironment === '' ? undefined : byEnvironment);
  if (named !== undefined) refuseSigningKey(named, given === undefined ? 'INDELIBLE_SIGNING_KEY_FILE' : '--signing-key');
  const path = named ?? defaultKeyPath(directory);
  return { from: 'file', path, pin: pinPath(path), named: named !== undefined };
}

/**
 * Reads the signing key.
 *
 * @throws CliError `ERR_CLI_NOT_FOUND` where there is none; LogError `ERR_LOG_KEY_INVALID`, `ERR_LOG_KEY_PERMISSIONS`.
 */
export function readSigner(source: KeySource): Signer {
  if (source.from === 'environment') return parseSigningKey(source.secret, 'the key in INDELIBLE_SIGNING_KEY');
  if (!source.named && !existsSync(source.path)) {
    throw new CliError('ERR_CLI_NOT_FOUND', `there is no signing key at ${source.path}: name the one of this log with --signing-key FILE, INDELIBLE_SIGNING_KEY_FILE or INDELIBLE_SIGNING_KEY`);
  }
  return readSigningKey(source.path);
}
