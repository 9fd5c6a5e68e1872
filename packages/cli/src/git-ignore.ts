import { appendFileSync, existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';

/** What was added to which file. */
export interface IgnoredPaths {
  readonly file: string;
  readonly added: readonly string[];
}

/** A path to keep out of the repository. */
export interface PrivatePath {
  readonly path: string;
  readonly isDirectory: boolean;
  /** Also everything that has this path and a dot before its name: pin, retired keys. */
  readonly withSuffixes?: boolean;
}

/**
 * Adds paths to the .gitignore of the git work tree around `beside`: the one at its root if there is one, else one in the
 * directory `beside`. Adds nothing twice. Outside a work tree it does nothing and returns undefined. Paths must be resolved.
 */
export function addToGitIgnore(beside: string, paths: readonly PrivatePath[]): IgnoredPaths | undefined {
  const root = findWorkTree(beside);
  if (root === undefined) return undefined;
  const inside = paths.filter(({ path }) => isBelow(path, root));
  const atRoot = existsSync(join(root, '.gitignore')) || inside.some(({ path }) => !isBelow(path, beside));
  const base = atRoot ? root : beside;
  const file = join(base, '.gitignore');
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const present = new Set(text.split(/\r?\n/));
  const added = inside.flatMap((one) => formatPatterns(base, one)).filter((pattern) => !present.has(pattern));
  if (added.length > 0) appendFileSync(file, `${text === '' || text.endsWith('\n') ? '' : '\n'}${added.map((pattern) => `${pattern}\n`).join('')}`);
  return { file, added };
}

/** The nearest directory upwards that has a `.git` (a file in linked work trees and submodules). */
function findWorkTree(directory: string): string | undefined {
  for (let at = directory; ; at = dirname(at)) {
    if (statSync(join(at, '.git'), { throwIfNoEntry: false }) !== undefined) return at;
    if (dirname(at) === at) return undefined;
  }
}

function isBelow(path: string, directory: string): boolean {
  const way = relative(directory, path);
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && !/^[A-Za-z]:/.test(way);
}

/** A pattern of gitignore(5): anchored, with the characters quoted that would make it match something else. */
function formatPatterns(base: string, { path, isDirectory, withSuffixes }: PrivatePath): string[] {
  const quoted = relative(base, path).split(sep).join('/').replace(/[\\*?[\]]/g, '\\$&').replace(/ $/, '\\ ');
  const pattern = `/${quoted}${isDirectory ? '/' : ''}`;
  return withSuffixes === true ? [pattern, `/${quoted}.*`] : [pattern];
}
