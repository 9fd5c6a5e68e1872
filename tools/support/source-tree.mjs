// The files that a check looks at: everything under the root that is neither installed nor generated. It walks instead of
// asking git, so that a check also works on a new file, in an unpacked archive and in the folders its own tests make.

import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const GENERATED = new Set(['.git', 'node_modules', 'dist', 'coverage', '.vitest', '__pycache__']);

/** The root to check: the first argument (tests pass a folder of their own), else this repository. */
export const root = process.argv[2] ?? fileURLToPath(new URL('../..', import.meta.url));

/** Paths of all source files under `folder`, relative to the root, with `/`. */
export function listFiles(folder = '') {
  const found = [];
  for (const item of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = folder === '' ? item.name : `${folder}/${item.name}`;
    if (item.isDirectory() && !GENERATED.has(item.name)) found.push(...listFiles(path));
    else if (item.isFile() && !item.name.endsWith('.tsbuildinfo')) found.push(path);
  }
  return found;
}

/** Names of the folders under packages/ that have a manifest. */
export function listPackages() {
  return readdirSync(join(root, 'packages')).filter((name) => existsSync(join(root, 'packages', name, 'package.json')));
}

/** Reads a file of the tree as text. */
export function readText(path) {
  return readFileSync(join(root, path), 'utf8');
}

/** Prints every problem on a line of its own, or what was checked, and sets the exit status. */
export function conclude(problems, checked) {
  for (const problem of problems) console.error(problem);
  if (problems.length === 0) console.log(checked);
  else process.exitCode = 1;
}
