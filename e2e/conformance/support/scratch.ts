import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** Makes a directory for the tests of a file, which goes away with them. */
export function scratchDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'indelible-conformance-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
