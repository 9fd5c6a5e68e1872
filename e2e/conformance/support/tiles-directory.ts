import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** New contents of files by path; undefined where the file goes away. */
export type Changes = ReadonlyMap<string, Uint8Array | undefined>;

/** Every file below a directory by its path with `/`. */
export function readTree(directory: string): Map<string, Uint8Array> {
  const names = readdirSync(directory, { recursive: true, withFileTypes: true });
  return new Map(
    names
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path): [string, Uint8Array] => [path.slice(directory.length + 1).replaceAll('\\', '/'), new Uint8Array(readFileSync(path))]),
  );
}

/** Does `work` while the files of a directory are changed, and puts them back: copying 70,000 entries for each try takes longer. */
export async function whileChanged<T>(directory: string, changes: Changes, work: () => Promise<T>): Promise<T> {
  const before = new Map([...changes.keys()].map((path) => [path, readIfThere(join(directory, path))]));
  write(directory, changes);
  try {
    return await work();
  } finally {
    write(directory, before);
  }
}

function readIfThere(path: string): Uint8Array | undefined {
  return existsSync(path) ? new Uint8Array(readFileSync(path)) : undefined;
}

function write(directory: string, files: Changes): void {
  for (const [name, bytes] of files) {
    const path = join(directory, name);
    if (bytes === undefined) rmSync(path, { force: true });
    else {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, bytes);
    }
  }
}
