import type { Call, Cls, Fn, Module, Value } from './ir.ts';
import { lastName } from './ir.ts';
import type { ModulePaths } from './module-paths.ts';

/** A file that was not worth parsing, by what it imports. */
export interface LightModule {
  readonly path: string;
  readonly imports: readonly { readonly source: string; readonly names: readonly string[] }[];
  readonly computed: boolean;
}

/** All modules of a codebase, with the indexes that make questions cheap. */
export class Project {
  readonly modules: ReadonlyMap<string, Module>;
  readonly light: ReadonlyMap<string, LightModule>;
  readonly paths: ModulePaths;
  readonly dependencies: ReadonlySet<string>;
  readonly classesByName: ReadonlyMap<string, readonly Cls[]>;
  readonly implementers: ReadonlyMap<string, readonly Cls[]>;
  readonly #calls: Map<string, Call[]> = new Map();
  readonly #functions: Map<string, Fn[]> = new Map();

  constructor(modules: ReadonlyMap<string, Module>, light: ReadonlyMap<string, LightModule>, paths: ModulePaths, dependencies: ReadonlySet<string>) {
    this.modules = modules;
    this.light = light;
    this.paths = paths;
    this.dependencies = dependencies;
    const classes = new Map<string, Cls[]>();
    const implementers = new Map<string, Cls[]>();
    for (const module of modules.values()) {
      for (const cls of module.classes) {
        push(classes, cls.name, cls);
        for (const name of cls.implementsNames) push(implementers, name, cls);
        const parent = cls.superClass === undefined ? undefined : lastName(cls.superClass);
        if (parent !== undefined) push(implementers, parent, cls);
      }
      for (const fn of module.functions) {
        push(this.#functions, fn.name, fn);
        for (const call of fn.calls) this.#index(call);
      }
    }
    this.classesByName = classes;
    this.implementers = implementers;
  }

  /** Calls whose callee is written with this name, imported names included. */
  callsNamed(name: string): readonly Call[] {
    return this.#calls.get(name) ?? [];
  }

  /** Every name that is called. */
  calledNames(): Iterable<string> {
    return this.#calls.keys();
  }

  functionsNamed(name: string): readonly Fn[] {
    return this.#functions.get(name) ?? [];
  }

  #index(call: Call): void {
    const name = lastName(call.callee);
    if (name === undefined) return;
    push(this.#calls, name, call);
    if (call.callee.k !== 'name') return;
    // An import or a local under another name: index the name that it has at home too.
    for (const original of homeNames(name, call.fn)) if (original !== name) push(this.#calls, original, call);
  }
}

function homeNames(name: string, fn: Fn): readonly string[] {
  for (let scope: Fn | undefined = fn; scope !== undefined; scope = scope.parent) {
    const values = scope.locals.get(name);
    if (values !== undefined) return values.flatMap(homeName);
  }
  return [];
}

function homeName(value: Value): string[] {
  if (value.k === 'imp') return [value.name];
  if (value.k === 'mem') return [value.prop];
  if (value.k === 'name') return [value.name];
  if (value.k === 'fn') return [value.fn.name];
  if (value.k === 'alt') return value.options.flatMap(homeName);
  if (value.k === 'call' && value.call.args[0]?.k === 'name') return [value.call.args[0].name];
  return [];
}

function push<Item>(map: Map<string, Item[]>, key: string, item: Item): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, [item]);
  else known.push(item);
}
