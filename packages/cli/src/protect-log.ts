import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setAppendOnly } from '@indelible/log';

/**
 * Sets the append-only attribute on a new log: the files first, the directory last. Segments that come later get it from the
 * writer, if it may. Returns in one sentence what could not be done, or undefined.
 */
export function protectLog(directory: string): string | undefined {
  const names = readdirSync(directory).filter((name) => name === 'log.json' || name.endsWith('.ndjson'));
  for (const path of [...names.map((name) => join(directory, name)), directory]) {
    const why = setAppendOnly(path);
    if (why === undefined) continue;
    return (
      `the log was made and can be used, but without the append-only attribute: ${why}; it needs CAP_LINUX_IMMUTABLE and a file system that has it, ` +
      `so as root run: chattr +a ${quote(join(directory, 'log.json'))} ${quote(directory)}/*.ndjson ${quote(directory)}`
    );
  }
  return undefined;
}

/** For a shell. */
function quote(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
