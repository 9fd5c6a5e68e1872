import { spawnSync } from 'node:child_process';

/** Why a test that needs root on Linux and a program cannot run on this machine, or undefined. */
export function whyNot(file: string, ...args: string[]): string | undefined {
  if (process.platform !== 'linux') return 'needs Linux';
  if (process.getuid?.() !== 0) return 'needs root';
  const { status, stderr, error } = spawnSync(file, args, { encoding: 'utf8' });
  if (status === 0) return undefined;
  const reason = `${file} cannot be used: ${error?.message ?? stderr.trim()}`;
  if (error === undefined && process.env['REQUIRE_SERVICES'] === '1') throw new Error(`${reason}, and REQUIRE_SERVICES=1 wants it`);
  return reason;
}

/** Runs a program to its end, whatever that is. */
export function run(file: string, ...args: readonly string[]): void {
  spawnSync(file, args);
}
