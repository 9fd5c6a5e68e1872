import { COMMON_OPTIONS, type Command, type CommandOption } from './command.ts';

const COLUMN = 24;
const WIDTH = 100;

/** The help of the binary. */
export function formatHelp(commands: readonly Command[], version: string): string {
  const rows = commands.map((command) => [usageOf(command), command.summary] as const);
  const column = Math.max(...rows.map(([usage]) => usage.length)) + 4;
  return [
    `indelible ${version}: an immutable session audit trail`,
    '',
    'Usage: indelible <command> [options]',
    '',
    ...rows.map(([usage, summary]) => `  ${usage.padEnd(column - 2)}${summary}`),
    '',
    'STORE is the directory of a log; without it INDELIBLE_LOG is used. Every command has --json and --help.',
    '',
    'Options:',
    row('-h, --help', 'print this help'),
    row('--version', 'print the version'),
    '',
    'Example:',
    '  indelible init audit && indelible append audit --file events.ndjson && indelible verify audit',
    '',
    'Exit status: 0 yes or sound, 1 no or not sound, 2 could not tell (bad usage, unreadable).',
    '',
  ].join('\n');
}

/** The help of one command. */
export function formatCommandHelp(command: Command): string {
  const options = { ...command.options, ...COMMON_OPTIONS };
  return [
    `Usage: indelible ${usageOf(command)} [options]`,
    '',
    ...wrap(command.description, WIDTH),
    '',
    'Options:',
    ...Object.entries(options).flatMap(([name, option]) => optionRows(name, option)),
    '',
    command.examples.length === 1 ? 'Example:' : 'Examples:',
    ...command.examples.map((example) => `  ${example}`),
    '',
    'Exit status:',
    ...Object.entries(command.exits).map(([status, meaning]) => `  ${status}  ${meaning}`),
    '',
  ].join('\n');
}

/** A command with its operands. */
function usageOf(command: Command): string {
  return [command.name, ...command.operands].join(' ');
}

function optionRows(name: string, option: CommandOption): string[] {
  const short = option.short === undefined ? '' : `-${option.short}, `;
  const value = option.value === undefined ? '' : ` ${option.value}`;
  const [first = '', ...rest] = wrap(option.summary, WIDTH - COLUMN);
  return [row(`${short}--${name}${value}`, first), ...rest.map((line) => ' '.repeat(COLUMN) + line)];
}

function row(left: string, right: string): string {
  const start = `  ${left}`;
  return start.length + 2 > COLUMN ? `${start}\n${' '.repeat(COLUMN)}${right}` : start.padEnd(COLUMN) + right;
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const paragraph of text.split('\n')) {
    let line = '';
    for (const word of paragraph.split(' ')) {
      if (line !== '' && line.length + 1 + word.length > width) {
        lines.push(line);
        line = word;
      } else line = line === '' ? word : `${line} ${word}`;
    }
    lines.push(line);
  }
  return lines;
}
