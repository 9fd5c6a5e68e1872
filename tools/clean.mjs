// Removes what the compiler wrote. It never deletes the output of a source file that is gone, so a test that imports it
// goes on passing, and the package would ship it.
//
//   node tools/clean.mjs [ROOT]

import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './support/source-tree.mjs';

for (const group of ['packages', 'examples']) {
  if (!existsSync(join(root, group))) continue;
  for (const name of readdirSync(join(root, group))) {
    for (const output of ['dist', 'tsconfig.tsbuildinfo']) rmSync(join(root, group, name, output), { recursive: true, force: true });
  }
}
