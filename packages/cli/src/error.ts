/** Every reason for which the command line itself refuses to go on. */
export type CliErrorCode =
  | 'ERR_CLI_INCOMPLETE'
  | 'ERR_CLI_INPUT_INVALID'
  | 'ERR_CLI_NOT_FOUND'
  | 'ERR_CLI_SEAL_CONFLICT'
  | 'ERR_CLI_UNEXPECTED'
  | 'ERR_CLI_USAGE';

/** Exit status: 0 yes or sound, 1 no or not sound, 2 could not tell. */
export type ExitStatus = 0 | 1 | 2;

/** What a command line cannot do. The message is one sentence for people, and says what to do. */
export class CliError extends Error {
  override readonly name: string = 'CliError';
  readonly code: CliErrorCode;
  readonly exit: ExitStatus;

  constructor(code: CliErrorCode, message: string, options: { readonly exit?: ExitStatus; readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.exit = options.exit ?? 2;
  }
}

/** Bad usage, with a pointer to the command's help. */
export function usageError(message: string, command?: string): CliError {
  const help = command === undefined ? 'indelible --help' : `indelible ${command} --help`;
  return new CliError('ERR_CLI_USAGE', `${message} (see \`${help}\`)`);
}

const NOT_SOUND: ReadonlySet<string> = new Set(['ERR_LOG_RECORD_DAMAGED', 'ERR_LOG_ROLLED_BACK']);
const NOT_THERE: ReadonlySet<string> = new Set(['ERR_LOG_ENTRY_NOT_FOUND']);

/** The code of an error of any of our packages, of Node or of the system. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** The status that an error ends the process with. */
export function exitStatus(error: unknown): ExitStatus {
  if (error instanceof CliError) return error.exit;
  const code = errorCode(error) ?? '';
  return NOT_SOUND.has(code) || NOT_THERE.has(code) ? 1 : 2;
}

/** The text without private keys: who gave one in the wrong place must not find it again in a terminal or in a CI log. */
export function maskSigningKeys(text: string): string {
  return text.replace(/PRIVATE\+KEY\+(?!<name>)\S+/g, 'PRIVATE+KEY+[redacted]');
}

/** Refuses a signing key where a path or a word is asked for, without showing it. */
export function refuseSigningKey(given: string, what: string): void {
  if (given.trimStart().startsWith('PRIVATE+KEY+')) {
    throw new CliError('ERR_CLI_USAGE', `${what} is the key itself: name its file, or put the key into INDELIBLE_SIGNING_KEY; it stays in the history of the shell, so delete it there`);
  }
}

/** An error in one line of text, without private keys. */
export function errorMessage(error: unknown): string {
  return maskSigningKeys(describe(error));
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { syscall, path } = error as NodeJS.ErrnoException;
  if (syscall === undefined) return error.message;
  return `${path ?? syscall}: ${SYSTEM_ERRORS.get(errorCode(error) ?? '') ?? error.message}`;
}

const SYSTEM_ERRORS: ReadonlyMap<string, string> = new Map([
  ['ENOENT', 'there is no such file or directory; check the path'],
  ['EACCES', 'permission denied; run as a user who may use it, or change its permissions'],
  ['EPERM', 'not permitted; the file may be append-only (chattr), or belong to somebody else'],
  ['EISDIR', 'is a directory; name a file'],
  ['ENOTDIR', 'a part of the path is not a directory; check the path'],
  ['ENOSPC', 'the disk is full; make room and try again'],
  ['EROFS', 'the file system is read-only; name a place that can be written'],
  ['EEXIST', 'it exists already; name another'],
]);
