import { describe, expect, it } from 'vitest';
import { runTool } from './support/run-tool.ts';

const DIGEST = { version: '1.0.0', integrity: 'sha512-x' };
const GOOD = {
  '': { name: 'w', devDependencies: { oxlint: '1.0.0' } },
  'packages/log': { dependencies: { '@indelible/tlog': '0.1.0' } },
  'packages/tlog': {},
  'node_modules/@indelible/tlog': { resolved: 'packages/tlog', link: true },
  'node_modules/oxlint': { ...DIGEST, optionalDependencies: { '@oxlint/linux': '1.0.0', '@oxlint/darwin': '1.0.0' }, peerDependencies: { absent: '*' }, peerDependenciesMeta: { absent: { optional: true } } },
  'node_modules/oxlint/node_modules/@oxlint/linux': DIGEST,
  'node_modules/@oxlint/darwin': DIGEST,
};

function verdictOn(changes: object, manifest: object = { devDependencies: { oxlint: '1.0.0' } }) {
  return runTool('check-lock', {
    'package-lock.json': JSON.stringify({ packages: { ...GOOD, ...changes } }),
    'package.json': JSON.stringify(manifest),
    'packages/log/package.json': JSON.stringify({ dependencies: { '@indelible/tlog': '0.1.0' } }),
    'packages/tlog/package.json': '{}',
  });
}

describe('check-lock', () => {
  it('passes a complete lock file', () => {
    expect(verdictOn({})).toMatchObject({ passed: true, output: expect.stringContaining('7 locked packages of w') });
  });

  it.each([
    ['a variant for another platform that is not there', { 'node_modules/@oxlint/darwin': undefined }, 'node_modules/oxlint needs @oxlint/darwin 1.0.0, which has no entry'],
    ['the address of a registry', { 'node_modules/@oxlint/darwin': { ...DIGEST, resolved: 'https://packages.example/d.tgz' } }, 'is locked to https://packages.example'],
    ['a download without a digest', { 'node_modules/@oxlint/darwin': { version: '1.0.0' } }, 'has no integrity'],
  ])('finds %s', (_, changes, problem) => {
    expect(verdictOn(changes)).toMatchObject({ passed: false, output: expect.stringContaining(problem) });
  });

  it.each([
    ['a manifest that was changed without the lock file', { devDependencies: { oxlint: '1.0.1' } }, 'the workspace has oxlint 1.0.0, package.json says 1.0.1'],
    ['a dependency that is not pinned', { devDependencies: { oxlint: '^1.0.0' } }, 'oxlint ^1.0.0 is not an exact version'],
  ])('finds %s', (_, manifest, problem) => {
    expect(verdictOn({}, manifest)).toMatchObject({ passed: false, output: expect.stringContaining(problem) });
  });
});
