// Brings pino for comparison without making it a dependency: from node_modules if it is there, else by npm into a cache folder.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const VERSION = '10.4.0';

export async function loadPino() {
  const folder = join(tmpdir(), `indelible-bench-pino-${VERSION}`);
  if (!existsSync(join(folder, 'node_modules/pino/package.json'))) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{"private":true}\n');
    execFileSync('npm', ['install', '--no-save', '--silent', `pino@${VERSION}`], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
  }
  return createRequire(join(folder, 'package.json'))('pino');
}
