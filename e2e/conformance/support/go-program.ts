import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { reportMissing, runProgram, type Missing, type Outcome, type RunOptions } from './outside-program.ts';

/** The program of `e2e/conformance/go`, built. */
export interface GoProgram {
  /** Version of Go and of the module whose verdict it gives. */
  readonly version: string;
  run(args: readonly string[], options?: Pick<RunOptions, 'stdin'>): Outcome;
}

const SOURCE = fileURLToPath(new URL('../go', import.meta.url));
const BUILD_MS = 180_000;

/** Builds the program into a directory: a second when Go's cache is warm, half a minute when it is cold. */
export function buildGoProgram(directory: string): GoProgram | Missing {
  // The toolchain at hand, no other: a test that fetches a compiler is a surprise. `go.sum` pins the module.
  const env = { ...process.env, GOTOOLCHAIN: 'local', GOFLAGS: '-mod=readonly -buildvcs=false', GOWORK: 'off', CGO_ENABLED: '0' };
  const version = runProgram('go', ['version'], { env });
  if (version.status !== 0) return reportMissing({ missing: `there is no Go toolchain (go version: ${version.stderr.trim()})` });
  const download = runProgram('go', ['mod', 'download'], { cwd: SOURCE, env, timeoutMs: BUILD_MS });
  if (download.status !== 0) return reportMissing({ missing: `golang.org/x/mod cannot be had: ${download.stderr.trim()}` });
  const binary = join(directory, 'conformance');
  const build = runProgram('go', ['build', '-trimpath', '-o', binary, '.'], { cwd: SOURCE, env, timeoutMs: BUILD_MS });
  if (build.status !== 0) throw new Error(`the Go program does not compile:\n${build.stderr}`);
  const module = runProgram('go', ['list', '-m', 'golang.org/x/mod'], { cwd: SOURCE, env });
  return {
    version: `${module.stdout.trim()}, ${version.stdout.trim()}`,
    run: (args, options) => {
      const outcome = runProgram(binary, args, options);
      // 0 and 1 are verdicts. Anything else is none: a crash must not be taken for a rejection.
      if (outcome.status === 0 || outcome.status === 1) return outcome;
      throw new Error(`the Go program ended with ${String(outcome.status)}:\n${outcome.stderr}`);
    },
  };
}
