import { existsSync } from 'node:fs';
import { formatKeyId, fileStore, openLog, openReader, readSigningKey, type Log, type Signer } from '@indelible/log';
import type { Command, Invocation } from '../command.ts';
import { CliError, errorCode, errorMessage, type ExitStatus } from '../error.ts';
import { formatCount } from '../quantity.ts';
import { SIGNING_KEY_OPTION, findSigningKey } from '../signing-key.ts';
import { newKeyPath, replaceKey, stageKey } from '../staged-key.ts';
import { storeDirectory } from '../store-argument.ts';
import { visibleText } from '../visible-text.ts';
import { warnOnce } from '../warnings.ts';

/** Hands the log over to a new signing key. */
export const keyRotate: Command = {
  name: 'key rotate',
  summary: 'hand the log over to a new signing key',
  operands: ['[STORE]'],
  description:
    'Makes a new signing key, records the change as an entry that both keys sign, and puts the new key in place of the old one. Stop the ' +
    'application first, or it holds the log. If it is interrupted, run it again: it finishes what it began.',
  options: {
    'signing-key': { ...SIGNING_KEY_OPTION, summary: 'file with the key in force, which is replaced; else INDELIBLE_SIGNING_KEY_FILE, or STORE.key beside the log' },
    'destroy-old': { type: 'boolean', summary: 'delete the old key instead of keeping it as FILE.retired-<key id>' },
  },
  examples: ['indelible key rotate audit'],
  exits: { 0: 'the new key is in force', 1: 'the record is damaged or was rolled back', 2: 'nothing was changed, or it has to be run again; the message says which' },
  run: runKeyRotate,
};

interface Rotation {
  readonly origin: string;
  /** Undefined where an interrupted rotation had recorded it already. */
  readonly index: number | undefined;
  readonly from: string;
  readonly to: string;
}

async function runKeyRotate(invocation: Invocation): Promise<ExitStatus> {
  const directory = storeDirectory(invocation, 'key rotate');
  const source = findSigningKey(invocation, directory);
  if (source.from === 'environment') {
    throw new CliError('ERR_CLI_INPUT_INVALID', 'the key in INDELIBLE_SIGNING_KEY cannot be replaced from here: put it into a file, rotate with --signing-key FILE, and put the new one where the environment comes from');
  }
  const { path } = source;
  const { origin } = await (await openReader(directory)).describe();
  const keep = !invocation.flag('destroy-old');
  const current = readSigningKey(path);
  const onError = warnOnce(invocation.err);
  const open = (signer: Signer): Promise<Log> => openLog({ store: fileStore(directory), signer, pin: source.pin, app: 'indelible', onError });

  const { rotation, retired } = await rotate(path, origin, current, keep, open);
  const shown = { ...rotation, index: rotation.index ?? null, signingKey: path, retired: retired ?? null };
  if (invocation.json) {
    await invocation.out.write(`${JSON.stringify(shown)}\n`);
    return 0;
  }
  const done = rotation.index === undefined ? 'Finished the rotation that was interrupted' : `Recorded the change of key as entry ${formatCount(rotation.index)}`;
  const old = retired === undefined ? 'The old key was deleted.' : `The old key is kept as ${retired}; nothing signs with it any more.`;
  await invocation.out.write(
    visibleTextLines([
      `${done}. ${path} holds the new key of ${origin}: back it up and keep it private.`,
      old,
      'Its public key; verifiers with the old one need not change anything, the record leads from one to the other:',
      `  ${rotation.to}`,
    ]),
  );
  return 0;
}

/**
 * The order, and what an interruption leaves behind:
 *
 * 1. The new key is written to FILE.new, durable. Interrupted: the log knows nothing of it, the next run uses it.
 * 2. The log records the change. Interrupted: FILE holds a key that cannot write any more; the next run finds FILE.new in force.
 * 3. The old key gets its second name, then FILE.new becomes FILE in one step. The log stays locked until then.
 */
async function rotate(
  path: string,
  origin: string,
  current: Signer,
  keep: boolean,
  open: (signer: Signer) => Promise<Log>,
): Promise<{ rotation: Rotation; retired: string | undefined }> {
  const interrupted = existsSync(newKeyPath(path)) ? await openWith(readSigningKey(newKeyPath(path)), open) : undefined;
  const log = interrupted ?? (await open(current));
  const finish = async (rotation: Rotation): Promise<{ rotation: Rotation; retired: string | undefined }> => {
    try {
      return { rotation, retired: replaceKey(path, formatKeyId(rotation.from), keep) };
    } catch (cause) {
      throw new CliError('ERR_CLI_INCOMPLETE', `the log is signed by the new key in ${newKeyPath(path)} now, but it could not be put in place (${errorMessage(cause)}): mend that and run \`indelible key rotate\` again`, { cause });
    }
  };
  try {
    if (interrupted !== undefined) return await finish({ origin, index: undefined, from: current.vkey, to: log.vkey });
    const next = await stageKey(path, origin);
    const { index } = await log.rotateKey(next);
    return await finish({ origin, index, from: current.vkey, to: next.vkey });
  } finally {
    await log.close();
  }
}

/** Opens the log with a key that an interrupted rotation left; undefined where the log knows nothing of that key. */
async function openWith(signer: Signer, open: (signer: Signer) => Promise<Log>): Promise<Log | undefined> {
  try {
    return await open(signer);
  } catch (error) {
    if (errorCode(error) === 'ERR_LOG_KEY_MISMATCH') return undefined;
    throw error;
  }
}

function visibleTextLines(lines: readonly string[]): string {
  return lines.map((line) => `${visibleText(line)}\n`).join('');
}
