import { lstatSync, readFileSync, readdirSync, type Dirent } from 'node:fs';
import { join } from 'node:path';
import ignore, { type Ignore } from 'ignore';
import { PassedOver } from './passed-over.ts';
import { FOREIGN_FOLDERS, excludedBecause, fileKind, type FileKind } from './file-kind.ts';

/** A file to look at. `path` is relative to the root, with slashes. */
export interface FileEntry {
  readonly path: string;
  readonly kind: FileKind;
}

/** What stands under a path. */
export interface Inventory {
  readonly files: readonly FileEntry[];
  readonly passedOver: PassedOver;
  /** Whether any file of code was seen at all, tests and the like included. */
  readonly sawCode: boolean;
}

const MAX_DEPTH = 64;

interface Rules {
  readonly base: string;
  readonly matcher: Ignore;
}

/**
 * Lists the files under a folder in a fixed order. Symbolic links are not followed, so loops are no concern; `.gitignore` files
 * under the root hold, those above it do not, so that the result does not depend on where a checkout lies.
 */
export function walk(root: string): Inventory {
  const files: FileEntry[] = [];
  const passedOver = new PassedOver();
  let sawCode = false;

  const visit = (folder: string, depth: number, outer: readonly Rules[]): void => {
    if (depth > MAX_DEPTH) {
      passedOver.add('nested deeper than 64 folders', folder);
      return;
    }
    let entries: Dirent[];
    try {
      entries = readdirSync(join(root, folder), { withFileTypes: true });
    } catch {
      passedOver.add('unreadable folder', folder === '' ? '.' : folder);
      return;
    }
    entries.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
    const rules = readRules(root, folder, entries, outer);
    for (const entry of entries) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isSymbolicLink()) passedOver.add('symbolic link', path);
      else if (entry.isDirectory()) {
        if (FOREIGN_FOLDERS.has(entry.name)) {
          if (entry.name !== '.git') passedOver.add(entry.name === 'node_modules' ? 'node_modules' : 'built, vendored or cached', path);
        } else if (isIgnored(rules, `${path}/`)) passedOver.add('ignored by .gitignore', path);
        else visit(path, depth + 1, rules);
      } else if (entry.isFile()) {
        const kind = fileKind(path);
        if (kind === undefined) continue;
        if (kind === 'code') sawCode = true;
        if (isIgnored(rules, path)) passedOver.add('ignored by .gitignore', path);
        else {
          const because = excludedBecause(path, kind);
          if (because === undefined) files.push({ path, kind });
          else passedOver.add(because, path);
        }
      }
    }
  };
  visit('', 0, []);
  return { files, passedOver, sawCode };
}

function readRules(root: string, folder: string, entries: readonly Dirent[], outer: readonly Rules[]): readonly Rules[] {
  if (!entries.some((entry) => entry.name === '.gitignore' && entry.isFile())) return outer;
  try {
    const file = join(root, folder, '.gitignore');
    if (lstatSync(file).size > 1_000_000) return outer;
    return [...outer, { base: folder === '' ? '' : `${folder}/`, matcher: ignore().add(readFileSync(file, 'utf8')) }];
  } catch {
    return outer;
  }
}

function isIgnored(rules: readonly Rules[], path: string): boolean {
  let ignored = false;
  for (const { base, matcher } of rules) {
    const result = matcher.test(path.slice(base.length));
    if (result.ignored) ignored = true;
    else if (result.unignored) ignored = false;
  }
  return ignored;
}
