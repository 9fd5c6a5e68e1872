import { Writable } from 'node:stream';
import { runCommandLine } from '../../dist/command-line.js';
import type { Result } from './indelible.ts';

/** Runs a command line without a process of its own: for what neither reads stdin nor takes long. Paths must be absolute. */
export async function inProcess(args: readonly string[]): Promise<Result> {
  const written = { stdout: '', stderr: '' };
  const stream = (name: 'stdout' | 'stderr'): Writable =>
    new Writable({
      write: (piece: Buffer, _encoding, done) => {
        written[name] += piece.toString();
        done();
      },
    });
  const status = await runCommandLine(args, { stdout: stream('stdout'), stderr: stream('stderr') });
  return { status, ...written };
}
