import { join as joinPath } from 'node:path';
import ignore from 'ignore';
import { parseSync } from 'oxc-parser';
import { scanImports } from '../files/import-scan.ts';
import { asRecord, parseJsonText } from '../files/json-text.ts';
import type { PassedOver } from '../files/passed-over.ts';
import { isWorthParsing } from '../files/prefilter.ts';
import { isMinified, readText, saysGenerated } from '../files/read-text.ts';
import { scriptBlocks } from '../files/script-blocks.ts';
import { nestsTooDeep } from '../files/too-deep.ts';
import { walk, type FileEntry } from '../files/walk.ts';
import type { Ast } from './ast.ts';
import type { Module } from './ir.ts';
import { lowerModule } from './lower.ts';
import { folderOf, join, ModulePaths } from './module-paths.ts';
import { Project, type LightModule } from './project.ts';

/** A text that is not code: SQL, schemas, infrastructure, documents. */
export interface OtherText {
  readonly path: string;
  readonly kind: Exclude<FileEntry['kind'], 'code' | 'tsconfig'>;
  readonly text: string;
}

/** A codebase in memory. */
export interface Loaded {
  readonly project: Project;
  readonly others: readonly OtherText[];
  /** Files that something outside the code starts: manifests, configuration. */
  readonly entries: ReadonlySet<string>;
  /** Modules that a published library exports. */
  readonly libraries: ReadonlySet<string>;
  readonly passedOver: PassedOver;
  readonly sawCode: boolean;
  readonly read: number;
  readonly parsed: number;
  readonly usesServiceRole: boolean;
}

/** What is told while it goes on. */
export type OnProgress = (done: number, total: number) => void;

const MAX_CODE = 1_500_000;
const MAX_SQL = 4_000_000;
const MAX_TEXT = 300_000;

/** Reads a codebase. Each file is read once; a tree is dropped as soon as its compact form is made. */
export function load(root: string, options: { readonly exclude: readonly string[]; readonly onProgress: OnProgress; readonly onCode: (path: string, text: string) => void }): Loaded {
  const inventory = walk(root);
  const excluded = options.exclude.length === 0 ? undefined : ignore().add([...options.exclude]);
  const files = excluded === undefined ? inventory.files : inventory.files.filter(({ path }) => !excluded.ignores(path));
  const { passedOver } = inventory;
  const paths = new ModulePaths(files.filter(({ kind }) => kind === 'code').map(({ path }) => path));
  const modules = new Map<string, Module>();
  const light = new Map<string, LightModule>();
  const others: OtherText[] = [];
  const manifests: { path: string; manifest: Readonly<Record<string, unknown>> }[] = [];
  let read = 0;
  let parsed = 0;
  let usesServiceRole = false;
  for (const [i, { path, kind }] of files.entries()) {
    if (i % 16 === 0) options.onProgress(i, files.length);
    const result = readText(joinPath(root, path), kind === 'code' ? MAX_CODE : kind === 'sql' ? MAX_SQL : MAX_TEXT);
    if ('because' in result) {
      passedOver.add(result.because, path);
      continue;
    }
    read++;
    const { text } = result;
    if (kind === 'tsconfig') paths.addTsconfig(path, text);
    else if (kind === 'manifest') {
      const manifest = asRecord(parseJsonText(text));
      manifests.push({ path, manifest });
      paths.addManifest(path, manifest);
      others.push({ path, kind, text });
    } else if (kind !== 'code') others.push({ path, kind, text });
    else {
      if (isMinified(text)) {
        passedOver.add('minified', path);
        continue;
      }
      if (saysGenerated(text)) {
        passedOver.add('generated', path);
        continue;
      }
      options.onCode(path, text);
      if (!usesServiceRole && /service_?role/i.test(text)) usesServiceRole = true;
      if (!isWorthParsing(text)) {
        light.set(path, { path, ...scanImports(text) });
        continue;
      }
      const module = parse(path, text, passedOver);
      if (module === undefined) light.set(path, { path, ...scanImports(text) });
      else {
        modules.set(path, module);
        parsed++;
      }
    }
  }
  options.onProgress(files.length, files.length);
  const dependencies = new Set(manifests.flatMap(({ manifest }) => ['dependencies', 'devDependencies', 'peerDependencies'].flatMap((field) => Object.keys(asRecord(manifest[field])))));
  const project = new Project(modules, light, paths, dependencies);
  const { entries, libraries } = startedFiles(manifests, others, paths, project);
  return { project, others, entries, libraries, passedOver, sawCode: inventory.sawCode, read, parsed, usesServiceRole };
}

function parse(path: string, text: string, passedOver: PassedOver): Module | undefined {
  const isComponent = /\.(?:vue|svelte)$/i.test(path);
  const blocks = isComponent ? scriptBlocks(text) : undefined;
  const code = blocks?.code ?? text;
  if (nestsTooDeep(code)) {
    passedOver.add('nested too deeply to be parsed', path);
    return undefined;
  }
  try {
    const lang = blocks?.lang ?? (/\.[cm]?ts$/i.test(path) ? 'ts' : /\.tsx$/i.test(path) ? 'tsx' : 'jsx');
    let result = parseSync(path, code, { lang, preserveParens: false });
    let program = result.program as unknown as Ast;
    if ((program.body as readonly unknown[]).length === 0 && result.errors.length > 0) {
      // Flow, or types in a .js file.
      result = parseSync(path, code, { lang: lang === 'jsx' ? 'tsx' : lang === 'ts' ? 'tsx' : 'ts', astType: 'ts' });
      program = result.program as unknown as Ast;
      if ((program.body as readonly unknown[]).length === 0 && code.trim() !== '') {
        passedOver.add('syntax errors', path);
        return undefined;
      }
    }
    const module = lowerModule(path, text, program);
    for (const name of blocks?.names ?? []) module.top.refs.add(name);
    return module;
  } catch {
    passedOver.add('nested too deeply to be parsed', path);
    return undefined;
  }
}

/** Files that manifests and deployment descriptions start. */
function startedFiles(manifests: readonly { path: string; manifest: Readonly<Record<string, unknown>> }[], others: readonly OtherText[], paths: ModulePaths, project: Project): { entries: Set<string>; libraries: Set<string> } {
  const entries = new Set<string>();
  const libraries = new Set<string>();
  for (const { path, manifest } of manifests) {
    const scripts = Object.values(asRecord(manifest['scripts'])).filter((item): item is string => typeof item === 'string').join(' ');
    const words = [...(scripts.match(/[\w@./-]+\.[cm]?[jt]sx?\b/g) ?? []), ...[manifest['main'], manifest['bin'], manifest['module']].flatMap((item) => (typeof item === 'string' ? [item] : Object.values(asRecord(item)).filter((each): each is string => typeof each === 'string')))];
    for (const word of words) {
      const found = paths.resolve(path, `./${word.replace(/^\.\//, '')}`) ?? paths.resolve(path, `./${word.replace(/^\.?\/?(?:dist|build|lib|out)\//, 'src/').replace(/\.[cm]?js$/, '')}`);
      if (found !== undefined) entries.add(found);
    }
    // A published library: others call what it exports.
    const isLibrary = manifest['private'] !== true && (manifest['exports'] !== undefined || manifest['types'] !== undefined) && manifests.length === 1;
    if (!isLibrary) continue;
    const name = typeof manifest['name'] === 'string' ? manifest['name'] : undefined;
    const main = name === undefined ? undefined : paths.resolve(join(folderOf(path), 'x.ts'), name);
    if (main !== undefined) libraries.add(main);
  }
  for (const { text, kind } of others) {
    if (kind !== 'template' && kind !== 'hcl') continue;
    for (const [, file = ''] of text.matchAll(/\bhandler["']?\s*[:=]\s*["']?([\w./-]+)\.\w+/gi)) {
      for (const candidate of project.modules.keys()) if (candidate.replace(/\.[cm]?[jt]sx?$/, '').endsWith(file.replace(/^\.?\/?(?:dist|build)\//, ''))) entries.add(candidate);
    }
  }
  return { entries, libraries };
}
