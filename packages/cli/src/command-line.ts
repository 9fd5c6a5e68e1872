import { readFileSync } from 'node:fs';
import { parseCommandArguments } from './arguments.ts';
import type { Command, Invocation } from './command.ts';
import { COMMAND_NAMES, loadCommand, loadCommands } from './commands/index.ts';
import { errorCode, errorMessage, exitStatus, maskSigningKeys, refuseSigningKey, usageError, type CliErrorCode, type ExitStatus } from './error.ts';
import { formatCommandHelp, formatHelp } from './help.ts';
import { nearestName } from './nearest-name.ts';
import { Output } from './output.ts';
import { visibleLines, visibleText } from './visible-text.ts';

/** Where output goes. */
export interface Streams {
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
}

/**
 * Runs one command line and returns its exit status. Nothing is thrown: an error becomes one sentence on stderr, or with
 * `--json` an object on stdout as well. `INDELIBLE_DEBUG=1` adds the stack.
 */
export async function runCommandLine(args: readonly string[], streams: Streams = process): Promise<ExitStatus> {
  const out = new Output(streams.stdout);
  const err = new Output(streams.stderr, maskSigningKeys);
  let status: ExitStatus;
  try {
    status = await dispatch(args, out, err);
  } catch (error) {
    status = exitStatus(error);
    await report(error, args, out, err);
  }
  await out.flush();
  if (out.failure !== undefined) {
    await err.write(`indelible: stdout could not be written: ${errorMessage(out.failure)}\n`);
    status = 2;
  }
  await err.flush();
  return status;
}

async function dispatch(args: readonly string[], out: Output, err: Output): Promise<ExitStatus> {
  for (const [i, arg] of args.entries()) {
    // --key takes a public key as text, and has its own word for a private one.
    if (args[i - 1] !== '--key' && !arg.startsWith('--key=')) refuseSigningKey(arg.replace(/^-[^=]*=/, ''), 'an argument');
  }
  const [first, ...rest] = args;
  if (first === undefined) {
    await err.write(formatHelp(await loadCommands(), readVersion()));
    return 2;
  }
  if (first === '--version') {
    await out.write(`${readVersion()}\n`);
    return 0;
  }
  if (first === '--help' || first === '-h' || first === 'help') {
    const asked = rest.filter((word) => !word.startsWith('-'));
    await out.write(first === 'help' && asked.length > 0 ? formatCommandHelp((await findCommand(asked)).command) : formatHelp(await loadCommands(), readVersion()));
    return 0;
  }
  const { command, rest: commandArgs } = await findCommand(args);
  const { operands, values } = parseCommandArguments(command, commandArgs);
  if (values.get('help') === true) {
    await out.write(formatCommandHelp(command));
    return 0;
  }
  const invocation: Invocation = {
    operands,
    text: (option) => {
      const value = values.get(option);
      return typeof value === 'string' ? value : undefined;
    },
    flag: (option) => values.get(option) === true,
    json: values.get('json') === true,
    out,
    err,
  };
  return command.run(invocation);
}

/** Finds a command of one word or of two. */
async function findCommand(args: readonly string[]): Promise<{ command: Command; rest: readonly string[] }> {
  const [first = '', second] = args;
  const single = await loadCommand(first);
  if (single !== undefined) return { command: single, rest: args.slice(1) };
  const pair = await loadCommand(`${first} ${second}`);
  if (pair !== undefined) return { command: pair, rest: args.slice(2) };
  const pairs = COMMAND_NAMES.filter((name) => name.startsWith(`${first} `));
  if (pairs.length > 0) throw usageError(`${first} what? There is ${pairs.map((name) => `\`indelible ${name}\``).join(' and ')}`);
  if (first.startsWith('-')) throw usageError(`unknown option ${first}: the command comes first`);
  const near = nearestName(first, COMMAND_NAMES);
  throw usageError(`there is no command "${first}": ${near === undefined ? `there are ${COMMAND_NAMES.join(', ')}` : `did you mean ${near}?`}`);
}

async function report(error: unknown, args: readonly string[], out: Output, err: Output): Promise<void> {
  const code = errorCode(error) ?? ('ERR_CLI_UNEXPECTED' satisfies CliErrorCode);
  const sentence = visibleText(errorMessage(error).replace(/\s*\n\s*/g, ' '));
  const message = code === 'ERR_CLI_UNEXPECTED' ? `this should not have happened: ${sentence}; please report it with what INDELIBLE_DEBUG=1 shows` : sentence;
  if (args.includes('--json')) await out.write(`${JSON.stringify({ error: { code, message } })}\n`);
  await err.write(`indelible: ${message}\n`);
  if (process.env['INDELIBLE_DEBUG'] === '1' && error instanceof Error) await err.write(`${visibleLines(error.stack ?? '')}\n`);
}

function readVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
  return version;
}
