import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** What a child process left behind. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const root = fileURLToPath(new URL('../../../..', import.meta.url));

/** Runs a module in a process that ends at the first unhandled rejection. */
export function runStrict(source: string): Promise<Ended> {
  const args = ['--unhandled-rejections=strict', '--input-type=module', '--eval', source];
  return new Promise((resolve) => {
    const child = execFile(process.execPath, args, { cwd: root, timeout: 20_000 }, (_error, stdout, stderr) => {
      resolve({ code: child.exitCode, stdout, stderr });
    });
  });
}
