import { asRecord, parseJsonText } from '../files/json-text.ts';

const EXTENSIONS = ['.ts', '.tsx', '.mts', '.cts', '.js', '.jsx', '.mjs', '.cjs', '.vue', '.svelte', '.d.ts'];
const INDEXES = EXTENSIONS.map((extension) => `/index${extension}`);

interface Alias {
  readonly prefix: string;
  readonly suffix: string;
  readonly targets: readonly string[];
  /** Folder for which it holds. */
  readonly folder: string;
}

/** Finds the file that an import means: relative paths, aliases of tsconfig, packages of the workspace. */
export class ModulePaths {
  readonly #files: ReadonlySet<string>;
  readonly #aliases: Alias[] = [];
  readonly #packages: Map<string, { folder: string; manifest: Readonly<Record<string, unknown>> }> = new Map();
  readonly #cache: Map<string, string | undefined> = new Map();

  constructor(files: Iterable<string>) {
    this.#files = new Set(files);
  }

  addTsconfig(path: string, text: string): void {
    const folder = folderOf(path);
    const options = asRecord(asRecord(parseJsonText(text))['compilerOptions']);
    const base = typeof options['baseUrl'] === 'string' ? join(folder, options['baseUrl']) : folder;
    for (const [pattern, targets] of Object.entries(asRecord(options['paths']))) {
      if (!Array.isArray(targets)) continue;
      const star = pattern.indexOf('*');
      this.#aliases.push({
        prefix: star === -1 ? pattern : pattern.slice(0, star), suffix: star === -1 ? '\u0000' : pattern.slice(star + 1),
        targets: targets.filter((target): target is string => typeof target === 'string').map((target) => join(base, target)), folder,
      });
    }
    if (typeof options['baseUrl'] === 'string') this.#aliases.push({ prefix: '', suffix: '', targets: [join(base, '*')], folder });
    this.#aliases.sort((a, b) => b.folder.length - a.folder.length || b.prefix.length - a.prefix.length || (a.prefix < b.prefix ? -1 : 1));
  }

  addManifest(path: string, manifest: Readonly<Record<string, unknown>>): void {
    for (const [name, target] of Object.entries(asRecord(manifest['_moduleAliases']))) {
      if (typeof target !== 'string') continue;
      const folder = folderOf(path);
      this.#aliases.push({ prefix: `${name}/`, suffix: '', targets: [join(folder, `${target}/*`)], folder }, { prefix: name, suffix: '\u0000', targets: [join(folder, target)], folder });
    }
    if (typeof manifest['name'] === 'string') this.#packages.set(manifest['name'], { folder: folderOf(path), manifest });
  }

  /** Path of the file, or undefined for a package from outside. */
  resolve(from: string, source: string): string | undefined {
    // Our own packages are known by what they promise, also where their source lies in the same workspace.
    if (source.startsWith('@indelible/')) return undefined;
    const folder = folderOf(from);
    const key = `${folder}\u0000${source}`;
    if (this.#cache.has(key)) return this.#cache.get(key);
    const found = this.#find(folder, source);
    this.#cache.set(key, found);
    return found;
  }

  #find(folder: string, source: string): string | undefined {
    if (source.startsWith('.')) return this.#probe(join(folder, source));
    for (const alias of this.#aliases) {
      if (!(alias.folder === '' || folder === alias.folder || folder.startsWith(`${alias.folder}/`))) continue;
      const found = this.#throughAlias(alias, source);
      if (found !== undefined) return found;
    }
    return this.#workspace(source) ?? this.#imports(folder, source) ?? this.#convention(folder, source);
  }

  #throughAlias(alias: Alias, source: string): string | undefined {
    if (alias.suffix === '\u0000') return source === alias.prefix ? first(alias.targets, (target) => this.#probe(target)) : undefined;
    if (!source.startsWith(alias.prefix) || !source.endsWith(alias.suffix)) return undefined;
    const rest = source.slice(alias.prefix.length, source.length - alias.suffix.length);
    return first(alias.targets, (target) => this.#probe(target.replace('*', () => rest)));
  }

  #workspace(source: string): string | undefined {
    const parts = source.split('/');
    for (const count of [2, 1]) {
      const name = parts.slice(0, count).join('/');
      const found = this.#packages.get(name);
      if (found === undefined || parts.length < count) continue;
      const rest = parts.slice(count).join('/');
      const { folder, manifest } = found;
      if (rest === '') {
        const main = [manifest['source'], manifest['types'], manifest['module'], manifest['main'], exportTarget(manifest, '.')].filter((item): item is string => typeof item === 'string');
        return first([...main, ...main.map(toSource), 'src/index', 'index', 'src/main', 'lib/index'], (item) => this.#probe(join(folder, item)));
      }
      const target = exportTarget(manifest, `./${rest}`);
      return first([...(target === undefined ? [] : [target, toSource(target)]), rest, `src/${rest}`, `lib/${rest}`], (item) => this.#probe(join(folder, item)));
    }
    return undefined;
  }

  #imports(folder: string, source: string): string | undefined {
    if (!source.startsWith('#')) return undefined;
    for (const { folder: home, manifest } of this.#packages.values()) {
      if (home !== '' && !folder.startsWith(home)) continue;
      for (const [pattern, target] of Object.entries(asRecord(manifest['imports']))) {
        const to = typeof target === 'string' ? target : Object.values(asRecord(target)).find((item): item is string => typeof item === 'string');
        if (to === undefined) continue;
        const star = pattern.indexOf('*');
        if (star === -1 ? source !== pattern : !source.startsWith(pattern.slice(0, star))) continue;
        const rest = star === -1 ? '' : source.slice(star, source.length - (pattern.length - star - 1));
        const found = first([to, toSource(to)], (item) => this.#probe(join(home, item.replace('*', () => rest))));
        if (found !== undefined) return found;
      }
    }
    return undefined;
  }

  /** `@/x`, `~/x` and `$lib/x` as frameworks set them up, seen from the nearest folder that has the file. */
  #convention(folder: string, source: string): string | undefined {
    const rest = /^(?:@\/|~\/|~~\/|#\/?|\$lib\/|src\/|app\/)(.*)$/.exec(source);
    if (rest?.[1] === undefined) return undefined;
    const inner = source.startsWith('$lib/') ? [`src/lib/${rest[1]}`] : source.startsWith('src/') || source.startsWith('app/') ? [source] : [`src/${rest[1]}`, rest[1], `app/${rest[1]}`];
    for (let home = folder; ; home = folderOf(home)) {
      const found = first(inner, (item) => this.#probe(join(home, item)));
      if (found !== undefined || home === '') return found;
    }
  }

  #probe(path: string): string | undefined {
    if (path.startsWith('..')) return undefined;
    if (this.#files.has(path)) return path;
    const bare = /\.[cm]?jsx?$/.test(path) ? path.replace(/\.([cm]?)jsx?$/, '') : undefined;
    if (bare !== undefined) {
      const swapped = first(['.ts', '.tsx', '.mts', '.cts', '.jsx'], (extension) => (this.#files.has(bare + extension) ? bare + extension : undefined));
      if (swapped !== undefined) return swapped;
    }
    return first([...EXTENSIONS, ...INDEXES], (extension) => (this.#files.has(path + extension) ? path + extension : undefined));
  }
}

function exportTarget(manifest: Readonly<Record<string, unknown>>, subpath: string): string | undefined {
  const all = manifest['exports'];
  if (typeof all === 'string') return subpath === '.' ? all : undefined;
  const target = asRecord(all)[subpath];
  if (typeof target === 'string') return target;
  const conditions = asRecord(target);
  return [conditions['source'], conditions['import'], conditions['default'], conditions['require'], conditions['types']].find((item): item is string => typeof item === 'string');
}

function toSource(path: string): string {
  return path.replace(/^(\.\/)?(?:dist|lib|build|out)\//, '$1src/').replace(/\.(?:d\.ts|[cm]?js)$/, '');
}

function first<Item, Found>(items: readonly Item[], find: (item: Item) => Found | undefined): Found | undefined {
  for (const item of items) {
    const found = find(item);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Folder of a path; of a top-level file, the empty string. */
export function folderOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash === -1 ? '' : path.slice(0, slash);
}

/** Joins with `.` and `..` taken out; what leaves the root begins with `..`. */
export function join(base: string, path: string): string {
  const parts: string[] = [];
  for (const part of `${path.startsWith('/') ? '' : base}/${path}`.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') parts.pop();
    else parts.push(part);
  }
  return parts.join('/');
}
