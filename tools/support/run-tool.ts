import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const tools = fileURLToPath(new URL('..', import.meta.url));

/** What a check said about a tree of files made for it. */
export interface Verdict {
  readonly passed: boolean;
  readonly output: string;
  /** Paths of the files that are there afterwards. */
  readonly left: readonly string[];
}

/** Writes `files` (path → text) below a new folder, runs `tools/<tool>.mjs` on it, and removes the folder. */
export function runTool(tool: string, files: Readonly<Record<string, string>>): Verdict {
  return inTree(files, (root) => run([join(tools, `${tool}.mjs`), root], root));
}

/** Lints `files` with the configuration of this repository, without type information. */
export function runLint(files: Readonly<Record<string, string>>): Verdict {
  const bin = join(tools, '../node_modules/oxlint/bin/oxlint');
  return inTree(files, (root) => {
    // Copied, because the paths in it are relative to the folder that it lies in.
    copyFileSync(join(tools, '../.oxlintrc.json'), join(root, '.oxlintrc.json'));
    return run([bin, '--format', 'unix'], root);
  });
}

function inTree(files: Readonly<Record<string, string>>, use: (root: string) => Verdict): Verdict {
  const root = mkdtempSync(join(tmpdir(), 'indelible-tool-'));
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    return use(root);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

function run(args: readonly string[], cwd: string): Verdict {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd, encoding: 'utf8' });
  const left = readdirSync(cwd, { recursive: true, withFileTypes: true }).filter((item) => item.isFile());
  return { passed: status === 0, output: stdout + stderr, left: left.map((item) => relative(cwd, join(item.parentPath, item.name)).replaceAll('\\', '/')).sort() };
}
