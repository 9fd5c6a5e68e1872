import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const root = new URL('../', import.meta.url);
const manifest = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as {
  imports: Record<string, { node: string; default: string }>;
  dependencies?: unknown;
};
const modules = readdirSync(new URL('dist/', root)).filter((name) => name.endsWith('.js'));

/** Every specifier that a built module imports, exports from, or imports at run time. */
function importsOf(name: string): string[] {
  const code = readFileSync(new URL(`dist/${name}`, root), 'utf8');
  return [...code.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*['"]([^'"]+)['"]/g)].map((match) => match[1]!);
}

describe('import graph', () => {
  it('has nothing but the *-node modules import from Node, and nothing import a package', () => {
    expect(modules.length).toBeGreaterThan(15);
    for (const name of modules) {
      const foreign = importsOf(name).filter((specifier) => !specifier.startsWith('./') && !(specifier in manifest.imports));
      expect(foreign, name).toEqual(name.endsWith('-node.js') ? ['node:crypto'] : []);
    }
    expect(manifest.dependencies).toBeUndefined();
  });

  it('reaches the *-node modules through package imports only', () => {
    for (const name of modules) expect(importsOf(name).filter((specifier) => specifier.endsWith('-node.js')), name).toEqual([]);
    for (const target of Object.values(manifest.imports)) {
      expect(target.node).toMatch(/^\.\/dist\/[a-z0-9]+-node\.js$/);
      expect(target.default).toBe(target.node.replace('-node', '-portable'));
      expect(Object.keys(target).at(-1)).toBe('default');
    }
  });

  it('names no Buffer, process or Node type in a public declaration', () => {
    for (const name of readdirSync(new URL('dist/', root)).filter((file) => file.endsWith('.d.ts'))) {
      const declarations = readFileSync(new URL(`dist/${name}`, root), 'utf8').replaceAll(/\/\*[\s\S]*?\*\//g, '');
      expect(declarations, name).not.toMatch(/\b(?:Buffer|KeyObject|NodeJS|process)\b|node:/);
    }
  });
});

describe('without Node', () => {
  it('opens the note of the specification and builds a known root, with every node: import forbidden', () => {
    // Node always sets the condition "node"; these hooks resolve package imports as any other runtime would.
    const hooks = `
      const targets = ${JSON.stringify(Object.fromEntries(Object.entries(manifest.imports).map(([name, target]) => [name, new URL(target.default, root).href])))};
      export async function resolve(specifier, context, next) {
        if (specifier in targets) return { url: targets[specifier], shortCircuit: true };
        if (context.parentURL?.startsWith(${JSON.stringify(new URL('dist/', root).href)}) && !specifier.startsWith('./')) throw new Error('import of ' + specifier);
        return next(specifier, context);
      }`;
    const { vkey, note } = JSON.parse(readFileSync(new URL('../../testdata/tlog/note.json', root), 'utf8')) as { vkey: string; note: string };
    const main = `
      import { register } from 'node:module';
      register(${JSON.stringify(`data:text/javascript,${encodeURIComponent(hooks)}`)});
      const tlog = await import(${JSON.stringify(new URL('dist/index.js', root).href)});
      delete globalThis.Buffer;
      delete globalThis.process;
      const opened = await tlog.openNote(${JSON.stringify(note)}, [tlog.parseVerifierKey(${JSON.stringify(vkey)})]);
      const signer = await tlog.createNoteSigner('a', new Uint8Array(32));
      await tlog.openNote(await tlog.signNote('x\\n', [signer]), [signer.key]);
      const root = tlog.nodeHash(tlog.leafHash(new Uint8Array(0)), tlog.leafHash(new Uint8Array(1)));
      console.log(JSON.stringify({ text: opened.text, root: tlog.formatBase64(root), sync: typeof tlog.ed25519VerifySync }));`;
    const output = execFileSync(process.execPath, ['--no-warnings', '--input-type=module', '--eval', main], { encoding: 'utf8' });
    expect(JSON.parse(output)).toEqual({
      text: 'This is an example message.\n',
      root: Buffer.from('fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125', 'hex').toString('base64'),
      sync: 'undefined',
    });
  });
});
