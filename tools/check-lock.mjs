// Prevents a lock file with which `npm ci` fails elsewhere. A registry that lacks a package's variant for another platform, or
// `npm install` beside an old node_modules, leaves that variant out of the lock file without a word; `npm ci` then refuses it.
// Also: an address of the registry that happened to be used, and a download without a digest.
//
//   node tools/check-lock.mjs [ROOT]

import { conclude, readText } from './support/source-tree.mjs';

const { packages } = JSON.parse(readText('package-lock.json'));
const problems = [];

for (const [place, entry] of Object.entries(packages)) {
  const name = place === '' ? 'the workspace' : place;
  if (/^https?:/.test(entry.resolved ?? '')) problems.push(`package-lock.json: ${name} is locked to ${entry.resolved}; see omit-lockfile-registry-resolved in .npmrc`);
  if (place.includes('node_modules/') && entry.link !== true && entry.integrity === undefined) problems.push(`package-lock.json: ${name} has no integrity`);
  const optionalPeers = Object.keys(entry.peerDependenciesMeta ?? {}).filter((peer) => entry.peerDependenciesMeta[peer].optional);
  const wanted = { ...entry.dependencies, ...entry.devDependencies, ...entry.optionalDependencies, ...entry.peerDependencies };
  for (const [dependency, range] of Object.entries(wanted)) {
    if (!optionalPeers.includes(dependency) && find(place, dependency) === undefined) {
      problems.push(`package-lock.json: ${name} needs ${dependency} ${range}, which has no entry; npm ci will refuse it`);
    }
  }
}

const workspace = packages[''];
for (const [place, manifest] of [['', readText('package.json')], ...Object.keys(packages).filter(isWorkspace).map((path) => [path, readText(`${path}/package.json`)])]) {
  const { dependencies = {}, devDependencies = {} } = JSON.parse(manifest);
  const locked = { ...packages[place].dependencies, ...packages[place].devDependencies };
  for (const [name, range] of Object.entries({ ...dependencies, ...devDependencies })) {
    if (locked[name] !== range) problems.push(`package-lock.json: ${place || 'the workspace'} has ${name} ${locked[name]}, package.json says ${range}; run npm install`);
    if (!/^\d+\.\d+\.\d+$/.test(range)) problems.push(`${place || '.'}/package.json: ${name} ${range} is not an exact version`);
  }
}
conclude(problems, `${Object.keys(packages).length} locked packages of ${workspace.name ?? 'the workspace'}, all exact and complete`);

function isWorkspace(place) {
  return place !== '' && !place.includes('node_modules/');
}

/** Looks as Node does: below the package, then below every package around it, then below the root. */
function find(place, dependency) {
  for (let folder = place; folder !== ''; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))) {
    const found = packages[`${folder}/node_modules/${dependency}`];
    if (found !== undefined) return found;
  }
  return packages[`node_modules/${dependency}`];
}
