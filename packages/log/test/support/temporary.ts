import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** A directory for the tests of one file, gone when they are done. */
export function temporaryDirectory(name = 'log'): string {
  const directory = mkdtempSync(join(tmpdir(), `indelible-${name}-`));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
