import { parseArgs } from 'node:util';
import { COMMON_OPTIONS, type Command, type CommandOption } from './command.ts';
import { usageError } from './error.ts';
import { nearestName } from './nearest-name.ts';

/** Arguments of a command, taken apart and checked against what it accepts. */
export interface ParsedArguments {
  readonly operands: readonly string[];
  readonly values: ReadonlyMap<string, string | true>;
}

/**
 * Takes the arguments of a command apart.
 *
 * @throws CliError `ERR_CLI_USAGE` for unknown options (with the nearest known one), missing values and too many operands.
 */
export function parseCommandArguments(command: Command, args: readonly string[]): ParsedArguments {
  const options: Readonly<Record<string, CommandOption>> = { ...command.options, ...COMMON_OPTIONS };
  const config = Object.fromEntries(
    Object.entries(options).map(([name, { type, short }]) => [name, { type, ...(short === undefined ? {} : { short }) }]),
  );
  // Without `strict` first: the tokens tell what is wrong in our own words.
  const { tokens } = parseArgs({ args: [...args], options: config, allowPositionals: true, strict: false, tokens: true });
  for (const token of tokens) {
    if (token.kind === 'option') checkOption(command, options, token);
  }
  const { values, positionals } = parseArgs({ args: [...args], options: config, allowPositionals: true, strict: true });
  if (values['help'] !== true && positionals.length > command.operands.length) {
    const takes = command.operands.length === 0 ? 'takes no operand' : `takes ${command.operands.join(' ')}`;
    throw usageError(`${command.name} ${takes}, and "${positionals[command.operands.length]}" is one too many`, command.name);
  }
  return { operands: positionals, values: new Map(Object.entries(values) as [string, string | true][]) };
}

function checkOption(
  command: Command,
  options: Readonly<Record<string, CommandOption>>,
  token: { readonly name: string; readonly rawName: string; readonly value?: string | undefined; readonly inlineValue?: boolean | undefined },
): void {
  const option = Object.hasOwn(options, token.name) ? options[token.name] : undefined;
  if (option === undefined) {
    const near = token.rawName.startsWith('--') ? nearestName(token.name, Object.keys(options)) : undefined;
    const hint = near === undefined ? `${command.name} has ${Object.keys(options).map((name) => `--${name}`).join(', ')}` : `did you mean --${near}?`;
    throw usageError(`unknown option ${token.rawName}: ${hint}`, command.name);
  }
  if (option.type === 'boolean' && token.value !== undefined) throw usageError(`${token.rawName} takes no value`, command.name);
  if (option.type === 'string' && (token.value === undefined || (token.inlineValue !== true && token.value.startsWith('-') && token.value !== '-'))) {
    throw usageError(`${token.rawName} needs a value: ${token.rawName}${token.rawName.startsWith('--') ? '=' : ' '}${option.value ?? 'VALUE'}`, command.name);
  }
}
