import { statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Invocation } from './command.ts';
import { CliError, usageError } from './error.ts';

/** The operand, or `INDELIBLE_LOG`, as it was given. */
export function storeArgument(invocation: Invocation, command: string): string {
  const store = invocation.operands[0] ?? process.env['INDELIBLE_LOG'];
  if (store === undefined || store === '') throw usageError(`name the log: indelible ${command} STORE, or set INDELIBLE_LOG`, command);
  return store;
}

/**
 * The directory of the log that a command is about.
 *
 * @throws CliError `ERR_CLI_USAGE` for kinds of store that this release does not have.
 */
export function storeDirectory(invocation: Invocation, command: string): string {
  return directoryOf(storeArgument(invocation, command), command);
}

/** The same for a store that was named in another way. */
export function directoryOf(store: string, command: string): string {
  const [, scheme] = /^([a-z][a-z0-9+.-]+):\/\//i.exec(store) ?? [];
  if (scheme === undefined) return resolve(store);
  if (scheme.toLowerCase() === 'file') return fileURLToPath(store);
  const verifiable = /^https?$/i.test(scheme) ? '; tiles at that address can be checked with `indelible verify`' : '';
  throw usageError(`this release keeps logs in directories only, so ${command} cannot use a ${scheme.toLowerCase()}:// store: name a directory${verifiable}`, command);
}

/**
 * The directory of a log or of tiles, for the verifier.
 *
 * @throws CliError `ERR_CLI_INPUT_INVALID` where it is a file.
 */
export function verifiableDirectory(store: string, command: string): string {
  const path = directoryOf(store, command);
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return path;
  const kinds = 'the directory of a log (with log.json), a directory of tiles (with checkpoint)';
  throw new CliError('ERR_CLI_INPUT_INVALID', `${path} is a file: name ${kinds}${command === 'verify' ? ', or the https:// address of tiles' : ''}`);
}

/** Where `indelible init` puts the signing key of a log by default: beside its directory, never inside. */
export function defaultKeyPath(directory: string): string {
  const path = resolve(directory);
  return join(dirname(path), `${basename(path)}.key`);
}
