import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { createLog, pinPath, type After, type LogFile } from '@indelible/log';
import type { Command, Invocation } from '../command.ts';
import { CliError, errorMessage, usageError, type ExitStatus } from '../error.ts';
import { addToGitIgnore, type IgnoredPaths } from '../git-ignore.ts';
import { formatNewLog } from '../new-log-report.ts';
import { checkPlace, chooseKey, storeKey } from '../new-log.ts';
import { protectLog } from '../protect-log.ts';
import { storeDirectory } from '../store-argument.ts';
import { readVerifierKey } from '../verifier-key.ts';

/** Creates a log and the key that signs it. */
export const init: Command = {
  name: 'init',
  summary: 'create a log and its signing key',
  operands: ['DIR'],
  description:
    'Creates an empty log in DIR and, outside of it, the key that signs it. Prints the public key, which verifiers need, and the lines of code ' +
    'that record into the log. In a git work tree, log, key and pin are added to .gitignore.',
  options: {
    origin: { type: 'string', value: 'NAME', summary: 'name of the log, for ever, in its key and in every seal; use a domain of yours: bank.example/audit' },
    'signing-key': { type: 'string', value: 'FILE', summary: 'make the key here (default: DIR.key beside DIR), or use the new key that is here already' },
    'append-only': { type: 'boolean', summary: 'set the Linux append-only attribute (chattr +a) on the directory and the files; needs root' },
    after: { type: 'string', value: 'OLD', summary: 'the new log follows OLD, which cannot go on; cites its last seal and what verify finds in it' },
    reason: { type: 'string', value: 'TEXT', summary: 'why, for --after' },
    key: { type: 'string', value: 'VKEY|FILE', summary: 'public key of OLD, for --after' },
    since: { type: 'string', value: 'SEAL|FILE', summary: 'a seal of OLD that was kept elsewhere, for --after: shows whether OLD was rolled back' },
    pin: { type: 'string', value: 'FILE', summary: 'the pin of OLD, for --after (default: OLD.key.pin beside OLD, if it is there)' },
  },
  examples: ['indelible init audit', 'indelible init /var/lib/bank/audit --origin bank.example/audit --append-only'],
  exits: { 0: 'created', 2: 'not created, or created without the protection asked for; the message says which and why' },
  run: runInit,
};

async function runInit(invocation: Invocation): Promise<ExitStatus> {
  const directory = storeDirectory(invocation, 'init');
  const [after, reason] = [invocation.text('after'), invocation.text('reason')];
  if ((after === undefined) !== (reason === undefined)) throw usageError('--after and --reason go together: which log ended, and why', 'init');
  for (const option of ['key', 'since', 'pin']) {
    if (invocation.text(option) !== undefined && after === undefined) throw usageError(`--${option} is about the log named by --after`, 'init');
  }
  checkPlace(directory);
  const key = chooseKey(invocation, directory);
  const predecessor = after === undefined ? undefined : await citeOldLog(after, reason!, invocation);

  // The key first: a crash then leaves a key that never signed, not a log that nobody can sign.
  const file = await storeKey(key);
  let log: LogFile;
  try {
    log = await createLog(directory, { signer: key.signer, ...(predecessor === undefined ? {} : { after: predecessor }) });
  } catch (error) {
    if (key.isNew && file !== undefined && !existsSync(join(directory, 'log.json'))) await rm(file, { force: true });
    throw error;
  }
  const failed = invocation.flag('append-only') ? protectLog(directory) : undefined;
  const created = {
    directory,
    shownDirectory: shownPath(directory),
    origin: log.origin,
    vkey: log.key,
    ...(file === undefined ? {} : { signingKey: file, shownSigningKey: shownPath(file), pin: pinPath(file) }),
    keyIsNew: key.isNew,
    appendOnly: invocation.flag('append-only') && failed === undefined,
    ignored: await ignore(invocation, directory, file),
    ...(predecessor === undefined ? {} : { after: predecessor }),
  };
  await invocation.out.write(formatNewLog(created, invocation.json));
  if (failed !== undefined) throw new CliError('ERR_CLI_INCOMPLETE', failed);
  return 0;
}

async function citeOldLog(old: string, reason: string, { text }: Invocation): Promise<After> {
  const { readPredecessor } = await import('../predecessor.ts'); // brings the verifier along, which is seldom needed here
  const key = text('key');
  return readPredecessor(old, reason, { key: key === undefined ? undefined : readVerifierKey(key), since: text('since'), pin: text('pin') });
}

/** As a path from here where that is shorter to read. */
function shownPath(path: string): string {
  const way = relative(process.cwd(), path);
  return way === '' || way.startsWith('..') || resolve(way) !== path ? path : way;
}

/** A .gitignore that cannot be written is worth a warning, not a log that was not made. */
async function ignore({ err }: Invocation, directory: string, key: string | undefined): Promise<IgnoredPaths | undefined> {
  try {
    return addToGitIgnore(dirname(directory), [
      { path: directory, isDirectory: true },
      ...(key === undefined ? [] : [{ path: resolve(key), isDirectory: false, withSuffixes: true }]),
    ]);
  } catch (error) {
    await err.write(`indelible: warning: .gitignore could not be written (${errorMessage(error)}): keep the log and its key out of the repository yourself\n`);
    return undefined;
  }
}
