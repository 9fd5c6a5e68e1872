import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, realpathSync } from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { createSigningKey, parseSigningKey, pinPath, readSigningKey, writeSigningKey, type NewSigningKey, type Signer } from '@indelible/log';
import { isKeyName, parseVerifierKey } from '@indelible/tlog';
import type { Invocation } from './command.ts';
import { CliError, usageError } from './error.ts';
import { findSigningKey } from './signing-key.ts';

const MAX_ORIGIN_BYTES = 255;

/** The key of a log to be made. */
export interface ChosenKey {
  readonly signer: Signer;
  readonly isNew: boolean;
  /** Where it is or will be; undefined where it is in the environment. */
  readonly path?: string;
  /** What to write there. */
  readonly fresh?: NewSigningKey;
}

/**
 * Refuses places where no log should be made.
 *
 * @throws CliError `ERR_CLI_INPUT_INVALID`.
 */
export function checkPlace(directory: string): void {
  const names = existsSync(directory) ? readdirSync(directory) : [];
  if (names.includes('log.json') || names.some((name) => /^[0-9]{6,}\.ndjson$/.test(name))) {
    throw new CliError('ERR_CLI_INPUT_INVALID', `there is a log in ${directory} already: append to it, or choose another directory (a log that cannot go on is followed with --after)`);
  }
  if (names.includes('.git') || names.includes('package.json')) {
    throw new CliError('ERR_CLI_INPUT_INVALID', `${directory} is the directory of a project: give the log one of its own, for instance ${join(directory, 'audit')}`);
  }
  const outer = findLogAround(dirname(directory));
  if (outer !== undefined) throw new CliError('ERR_CLI_INPUT_INVALID', `${directory} lies in the directory of another log, ${outer} (log.json): a log holds nothing but its own files, so choose a directory outside of it`);
}

/**
 * Finds or makes the key of a new log. Nothing is written yet.
 *
 * A key signs one log, ever: two trees under one key and origin would look like a log that tells two stories. So a key that has
 * signed (its pin is there) is refused, and one that merely lies at the default place has to be named.
 */
export function chooseKey(invocation: Invocation, directory: string): ChosenKey {
  const origin = invocation.text('origin');
  if (origin !== undefined) checkOrigin(origin);
  const source = findSigningKey(invocation, directory);
  if (source.from === 'environment') return chooseEnvironmentKey(source.secret, origin, source.pin);
  const path = resolve(source.path);
  if (isInside(path, directory)) {
    throw new CliError('ERR_CLI_INPUT_INVALID', `the signing key must not lie in the log's directory: whoever can change the one could then sign the other; name a place outside ${directory} with --signing-key`);
  }
  const around = findLogAround(dirname(path));
  if (around !== undefined) {
    throw new CliError('ERR_CLI_INPUT_INVALID', `the signing key ${path} must not lie in the directory of a log, ${around} (log.json): whoever gets the log would get the key; name a place outside of it with --signing-key`);
  }
  if (existsSync(path)) {
    if (!source.named) throw new CliError('ERR_CLI_INPUT_INVALID', `there is a signing key at ${path} already, perhaps of a log that was here before: move it away, or name the key of the new log with --signing-key FILE`);
    return checkExisting({ signer: readSigningKey(path), isNew: false, path }, origin, source.pin);
  }
  if (existsSync(source.pin)) {
    throw new CliError('ERR_CLI_INPUT_INVALID', `there is a pin at ${source.pin}, of a log that was here before: move it away, or name another key with --signing-key FILE`);
  }
  const fresh = createSigningKey(origin ?? defaultOrigin(directory));
  return { signer: parseSigningKey(fresh.secret), isNew: true, path, fresh };
}

/** Writes a key that was just made, and its directory if need be. Returns where it is. */
export async function storeKey({ path, fresh }: ChosenKey): Promise<string | undefined> {
  if (path === undefined || fresh === undefined) return path;
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  await writeSigningKey(path, fresh);
  return path;
}

/** Where its pin is cannot be told, so that it never signed has to be said: by naming its log. */
function chooseEnvironmentKey(secret: string, origin: string | undefined, pin: string): ChosenKey {
  const signer = parseSigningKey(secret, 'the key in INDELIBLE_SIGNING_KEY');
  if (origin === undefined) {
    const { name } = parseVerifierKey(signer.vkey);
    throw new CliError('ERR_CLI_INPUT_INVALID', `INDELIBLE_SIGNING_KEY holds the key of the log "${name}": if it never signed a log, say so with --origin ${name}; else unset it, a new log needs a new key`);
  }
  return checkExisting({ signer, isNew: false }, origin, pin);
}

function checkExisting(key: ChosenKey, origin: string | undefined, pin: string): ChosenKey {
  const { name } = parseVerifierKey(key.signer.vkey);
  if (origin !== undefined && name !== origin) {
    throw new CliError('ERR_CLI_INPUT_INVALID', `the signing key is for the log "${name}", --origin says "${origin}": leave --origin out, or name another key with --signing-key`);
  }
  const used = key.path === undefined ? pin : pinPath(key.path);
  if (existsSync(used)) {
    throw new CliError('ERR_CLI_INPUT_INVALID', `the signing key for "${name}" has signed a log already (there is a pin at ${used}): a new log needs a new key, so name a file that does not exist with --signing-key`);
  }
  return key;
}

function checkOrigin(origin: string): void {
  if (isKeyName(origin) && !/\p{C}/u.test(origin) && Buffer.byteLength(origin) <= MAX_ORIGIN_BYTES) return;
  throw usageError(`--origin cannot be a name in a seal: up to ${MAX_ORIGIN_BYTES} bytes without spaces, "+" and control characters, for instance bank.example/audit`, 'init');
}

/** Not to be confused with any other log: the directory's name and 32 random bits. */
function defaultOrigin(directory: string): string {
  const name = basename(directory).replace(/[^A-Za-z0-9._-]+/g, '-').slice(0, 64);
  return `indelible.local/${name === '' ? 'log' : name}-${randomBytes(4).toString('hex')}`;
}

/** The nearest directory upwards that is a log, also through symbolic links. */
function findLogAround(directory: string): string | undefined {
  for (const start of [directory, realPath(directory)]) {
    for (let at = start; ; at = dirname(at)) {
      if (existsSync(join(at, 'log.json'))) return at;
      if (dirname(at) === at) break;
    }
  }
  return undefined;
}

/** Also through symbolic links. */
function isInside(path: string, directory: string): boolean {
  return [[path, directory], [realPath(path), realPath(directory)]].some(([inner = '', outer = '']) => {
    const way = relative(outer, inner);
    return way === '' || (way !== '..' && !way.startsWith(`..${sep}`) && !/^[A-Za-z]:/.test(way));
  });
}

/** The real path of what exists of a path, and the rest as it is. */
function realPath(path: string): string {
  if (existsSync(path)) return realpathSync(path);
  return dirname(path) === path ? path : join(realPath(dirname(path)), basename(path));
}
