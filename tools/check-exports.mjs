// Prevents a package that works in this repository and nowhere else: an `exports` or `bin` path that no build writes, a
// condition order in which TypeScript never sees the types, an engine or licence that differs between packages, stale
// output of a deleted source file, and an archive that lacks its licence or carries tests.
//
//   node tools/check-exports.mjs [ROOT]
//
// What goes into an archive is asked of `npm pack --dry-run`; nothing is written.

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { conclude, listPackages, readText, root } from './support/source-tree.mjs';

const WANTED = ['name', 'version', 'description', 'license', 'type', 'engines', 'files'];
/** Packages that are not on the path of an event into the record or out of it. */
const MAY_DEPEND = new Set(['detect']);
const workspace = JSON.parse(readText('package.json'));
const problems = [];
let fileCount = 0;

const packages = listPackages();
const archives = new Map(listArchives().map((archive) => [archive.name, archive.files.map((file) => file.path)]));
for (const name of packages) {
  const manifest = JSON.parse(readText(`packages/${name}/package.json`));
  checkManifest(name, manifest);
  checkArchive(name, archives.get(manifest.name) ?? []);
}
conclude(problems, `${packages.length} packages, ${fileCount} files in their archives`);

/** The files that npm would publish, of every package at once. */
function listArchives() {
  const args = ['pack', '--dry-run', '--json', '--ignore-scripts', '--loglevel=error', ...packages.flatMap((name) => ['--workspace', `packages/${name}`])];
  const shell = process.platform === 'win32';
  return JSON.parse(execFileSync('npm', args, { cwd: root, encoding: 'utf8', shell, stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 2 ** 26 }));
}

function checkManifest(name, manifest) {
  const where = `packages/${name}/package.json`;
  for (const field of WANTED) {
    if (manifest[field] === undefined) problems.push(`${where}: has no ${field}`);
  }
  for (const field of ['version', 'license', 'type']) {
    if (manifest[field] !== workspace[field]) problems.push(`${where}: ${field} is ${manifest[field]}, in the workspace it is ${workspace[field]}`);
  }
  if (manifest.engines?.node !== workspace.engines?.node) problems.push(`${where}: engines differ from the workspace's`);
  if (manifest.private === true) problems.push(`${where}: is private`);
  if (manifest.scripts?.postinstall ?? manifest.scripts?.install) problems.push(`${where}: runs a script at installation`);
  for (const [dependency, range] of Object.entries(manifest.dependencies ?? {})) {
    if (dependency.startsWith('@indelible/') && range !== workspace.version) problems.push(`${where}: ${dependency} is ${range}, not ${workspace.version}`);
    else if (!dependency.startsWith('@indelible/') && !MAY_DEPEND.has(name)) problems.push(`${where}: ${dependency} is a third-party dependency at run time`);
  }
  if (manifest.exports === undefined && manifest.bin === undefined) problems.push(`${where}: has neither exports nor bin`);
  for (const [subpath, target] of Object.entries({ ...manifest.exports, ...manifest.imports })) {
    const conditions = typeof target === 'string' ? { default: target } : target;
    const order = Object.keys(conditions);
    if (order.includes('types') && order[0] !== 'types') problems.push(`${where}: "types" must be the first condition of ${subpath}`);
    if (order.at(-1) !== 'default') problems.push(`${where}: "default" must be the last condition of ${subpath}`);
    for (const file of Object.values(conditions)) checkTarget(name, where, subpath, file);
  }
  for (const [command, file] of Object.entries(manifest.bin ?? {})) {
    checkTarget(name, where, command, file);
    const path = join(root, 'packages', name, file);
    if (existsSync(path) && !readFileSync(path, 'utf8').startsWith('#!/usr/bin/env node\n')) problems.push(`${where}: ${file} does not begin with #!/usr/bin/env node`);
  }
}

function checkTarget(name, where, subpath, file) {
  if (!file.startsWith('./')) problems.push(`${where}: ${subpath} leads to ${file}, which does not begin with ./`);
  else if (!existsSync(join(root, 'packages', name, file))) problems.push(`${where}: ${subpath} leads to ${file}, which is not built; run npm run build`);
  else if (!(archives.get(JSON.parse(readText(where)).name) ?? []).includes(file.slice(2))) problems.push(`${where}: ${subpath} leads to ${file}, which is not in the archive`);
}

function checkArchive(name, files) {
  fileCount += files.length;
  for (const wanted of ['README.md', 'LICENSE']) {
    if (!files.includes(wanted)) problems.push(`packages/${name}: its archive has no ${wanted}`);
  }
  if (files.includes('LICENSE') && readText(`packages/${name}/LICENSE`) !== readText('LICENSE')) problems.push(`packages/${name}/LICENSE: is not the LICENSE at the root`);
  for (const file of files) {
    if (/(?:^|\/)test\/|\.tsbuildinfo$|\.test\./.test(file)) problems.push(`packages/${name}: ${file} does not belong into its archive`);
    const source = /^dist\/(.*?)\.(?:js|d\.ts)(?:\.map)?$/.exec(file)?.[1];
    if (source !== undefined && !existsSync(join(root, 'packages', name, 'src', `${source}.ts`))) {
      problems.push(`packages/${name}: ${file} was built from a file that is gone; run npm run clean && npm run build`);
    }
  }
}
