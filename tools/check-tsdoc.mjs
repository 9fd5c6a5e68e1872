// Prevents an export without its contract. The doc comment is where preconditions, trust and durability are promised, and
// the compiler drops comments silently when a declaration is rewritten: so this reads the emitted `.d.ts`, which is what
// a user's editor shows, follows every export of every entry point to its declaration, and wants a comment there.
//
//   node tools/check-tsdoc.mjs [ROOT]

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { conclude, listPackages, root } from './support/source-tree.mjs';

const problems = [];
let count = 0;
for (const name of listPackages()) {
  const folder = join(root, 'packages', name);
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  for (const target of Object.values(manifest.exports ?? {})) {
    if (typeof target === 'string') continue;
    const entry = join(folder, target.types);
    if (existsSync(entry)) checkEntry(entry, { folder, manifest });
    else problems.push(`packages/${name}: ${target.types} is not built; run npm run build`);
  }
}
conclude(problems, `${count} exported symbols, all with a doc comment`);

function checkEntry(entry, owner) {
  const text = readFileSync(entry, 'utf8');
  const where = relative(root, entry);
  if (/^export (?:\*|default)/m.test(text)) problems.push(`${where}: export names one by one`);
  for (const [, list, from] of text.matchAll(/^export (?:type )?\{([^}]*)\} from '([^']+)';/gm)) {
    const source = resolve(from, entry, owner);
    if (source === undefined) continue;
    for (const item of list.split(',').map((part) => part.trim()).filter((part) => part !== '')) {
      const name = item.replace(/^type /, '').split(' as ')[0];
      count++;
      const line = findUndocumented(source, name);
      if (line !== undefined) problems.push(`${relative(root, source)}: ${name} ${line}`);
    }
  }
  for (const [, name] of text.matchAll(/^export (?:declare )?(?:abstract )?(?:function|const|let|class|interface|type) (\w+)/gm)) {
    count++;
    const line = findUndocumented(entry, name);
    if (line !== undefined) problems.push(`${where}: ${name} ${line}`);
  }
}

/** The declaration file behind an import specifier; undefined for another package, which is checked by itself. */
function resolve(specifier, importer, { folder, manifest }) {
  if (specifier.startsWith('.')) return join(dirname(importer), specifier.replace(/\.(?:ts|js)$/, '.d.ts'));
  const mapped = manifest.imports?.[specifier];
  if (mapped === undefined) return undefined;
  return join(folder, (typeof mapped === 'string' ? mapped : mapped.node).replace(/\.js$/, '.d.ts'));
}

/** What is wrong with the documentation of `name` in `file`, or undefined. Of overloads, the first one counts. */
function findUndocumented(file, name) {
  const lines = readFileSync(file, 'utf8').split('\n');
  const declaration = new RegExp(`^(?:export )?(?:declare )?(?:abstract )?(?:function|const|let|class|interface|type) ${name}\\b`);
  const at = lines.findIndex((line) => declaration.test(line));
  if (at === -1) return 'is exported, but its declaration was not found';
  if (!(lines[at - 1] ?? '').trimEnd().endsWith('*/')) return 'has no doc comment';
  const begin = lines.slice(0, at).findLastIndex((line) => line.startsWith('/**'));
  const said = lines.slice(begin, at).join(' ').replace(/[/*\s]/g, '');
  return said.length < 10 ? 'has an empty doc comment' : undefined;
}
