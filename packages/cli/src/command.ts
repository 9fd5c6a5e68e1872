import type { ExitStatus } from './error.ts';
import type { Output } from './output.ts';

/** An option of a command. */
export interface CommandOption {
  readonly type: 'string' | 'boolean';
  readonly short?: string;
  /** How the value is called in the help. */
  readonly value?: string;
  readonly summary: string;
}

/** A command of the binary: what it takes, what it says about itself, what it does. */
export interface Command {
  /** One word or two. */
  readonly name: string;
  readonly summary: string;
  /** Operands as the usage line shows them, `[STORE]` for instance. At most as many are accepted. */
  readonly operands: readonly string[];
  readonly description: string;
  readonly options: Readonly<Record<string, CommandOption>>;
  readonly examples: readonly string[];
  /** What each status means for this command. */
  readonly exits: Readonly<Partial<Record<ExitStatus, string>>>;
  /** Does it; the result is the exit status. */
  readonly run: (invocation: Invocation) => Promise<ExitStatus>;
}

/** One call of a command, with its arguments taken apart. */
export interface Invocation {
  readonly operands: readonly string[];
  /** The value of an option, or undefined where it was not given. */
  readonly text: (option: string) => string | undefined;
  readonly flag: (option: string) => boolean;
  /** `--json`: machine output on stdout. */
  readonly json: boolean;
  readonly out: Output;
  readonly err: Output;
}

/** Options that every command has. */
export const COMMON_OPTIONS: Readonly<Record<string, CommandOption>> = {
  json: { type: 'boolean', summary: 'print JSON for programs' },
  help: { type: 'boolean', short: 'h', summary: 'print this help' },
};
