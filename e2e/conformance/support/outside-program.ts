import { spawnSync } from 'node:child_process';

/** What a program of somebody else said. */
export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** How to run a program. */
export interface RunOptions {
  readonly stdin?: string | Uint8Array;
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly timeoutMs?: number;
}

/** Why a judge is not there. */
export interface Missing {
  readonly missing: string;
}

/** Runs a program to its end, a minute at most. Nothing passes through a shell. */
export function runProgram(program: string, args: readonly string[], options: RunOptions = {}): Outcome {
  const { stdin = '', timeoutMs = 60_000, ...rest } = options;
  const { status, stdout, stderr, error } = spawnSync(program, args, { ...rest, input: stdin, timeout: timeoutMs, encoding: 'utf8', maxBuffer: 2 ** 26 });
  return { status, stdout: stdout ?? '', stderr: error === undefined ? stderr : String(error) };
}

/**
 * Says that a judge is missing, and why, so that no test is skipped in silence. With REQUIRE_SERVICES=1 that is an error: no gate
 * is passed because nobody stood at it.
 */
export function reportMissing<T extends object>(judge: T | Missing): T | Missing {
  if ('missing' in judge) {
    if (process.env['REQUIRE_SERVICES'] === '1') throw new Error(`REQUIRE_SERVICES=1, but ${judge.missing}`);
    process.stderr.write(`skipped: ${judge.missing}\n`);
  }
  return judge;
}
