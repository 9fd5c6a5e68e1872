import type { Callers } from './callers.ts';
import { lastName, type Call, type Cls, type Fn, type Value } from './ir.ts';
import type { Project } from './project.ts';
import { reachOf, type Reach } from './reach.ts';
import type { Resolver } from './resolver.ts';

const ENTRY_NAME = /(?:^|\/)(?:index|main|server|app|worker|cli|handler|lambda|function|bootstrap|start|run|www|entry[\w.-]*|client|instrumentation|middleware|proxy|hooks\.(?:server|client)|service-worker|sw|background|content|popup|preload|_worker|vite\.config|next\.config|auth|electron|init|setup|register)\.[cm]?[jt]sx?$/i;
/** Files whose exports a framework calls. */
const CONVENTION = [
  /(?:^|\/)app\/(?:.*\/)?(?:page|layout|route|template|loading|error|global-error|not-found|default|sitemap|robots|manifest|opengraph-image)\.[jt]sx?$/,
  /(?:^|\/)pages\/.+\.(?:[cm]?[jt]sx?|vue|astro)$/, /(?:^|\/)(?:middleware|proxy|instrumentation|instrumentation-client)\.[jt]s$/, /(?:^|\/)app\/(?:root|routes|entry\.\w+)(?:\/.*|\.[\w.]*)?\.[jt]sx?$/,
  /(?:^|\/)routes\/(?:.*\/)?\+(?:page|layout|server|error)[\w.]*\.(?:[jt]s|svelte)$/, /(?:^|\/)hooks(?:\.server|\.client)?\.[jt]s$/, /(?:^|\/)server\/(?:api|routes|middleware|plugins|tasks)\/.+\.[cm]?[jt]s$/,
  /(?:^|\/)(?:plugins|middleware|layouts|components)\/.+\.(?:vue|[jt]s)$/, /(?:^|\/)api\/.+\.[cm]?[jt]s$/, /(?:^|\/)(?:functions|lambdas?|netlify\/functions|supabase\/functions|handlers)\/.+\.[cm]?[jt]s$/,
  /(?:^|\/)(?:app\/)?(?:controllers|policies|extensions|subscribers|listeners|commands|jobs|workflows)\/.+\.[cm]?[jt]s$/, /\.vue$|\.svelte$/, /(?:^|\/)app\/routes\.[jt]s$/, /(?:^|\/)(?:start|config)\/[\w.-]+\.[cm]?[jt]s$/,
];
const COMPONENTS = /(?:^|\/)components\//;
const FRAMEWORK_METHOD = /^(?:constructor|handle|use|canActivate|intercept|catch|validate|transform|onModuleInit|onModuleDestroy|onApplicationBootstrap|onApplicationShutdown|afterInit|handleConnection|handleDisconnect|render|componentDidMount|componentWillUnmount|componentDidCatch|connectedCallback|configure|process|execute|fetch|alarm|webSocketMessage|serializeUser|deserializeUser|handleRequest|ngOnInit|ngOnDestroy|resolve|up|boot|register|authenticate|afterInsert|beforeInsert|toString|toJSON|ready|mounted|setup|work|perform|invoke)$/;

/**
 * Says which functions can run. Goes forward from the files that something starts, over references: a function that is called, handed on
 * or exported to a framework is alive. What it cannot resolve it takes for alive; so "dead" is said only where nothing refers to it.
 */
export class Liveness {
  readonly #project: Project;
  readonly #resolver: Resolver;
  readonly #callers: Callers;
  readonly #functions: Set<Fn> = new Set();
  readonly #classes: Set<Cls> = new Set();
  readonly #modules: Set<string> = new Set();
  readonly #members: Set<string> = new Set();
  readonly #waiting: Map<string, Fn[]> = new Map();
  readonly #queue: (Fn | string)[] = [];
  readonly #exported: Set<string> = new Set();
  readonly #methodNames: Set<string> = new Set();
  readonly #handed: Set<string> = new Set();
  readonly #reach: Reach;

  /** `targets` are the functions that will be asked about: only what could lead to them is followed exactly. */
  constructor(project: Project, resolver: Resolver, callers: Callers, targets: ReadonlySet<Fn>, entries: ReadonlySet<string>, libraries: ReadonlySet<string>) {
    this.#reach = reachOf(project, targets);
    this.#project = project;
    this.#resolver = resolver;
    this.#callers = callers;
    for (const module of project.modules.values()) for (const fn of module.functions) if (fn.kind === 'method' || fn.kind === 'property') this.#methodNames.add(fn.name);
    for (const path of this.#roots(entries)) this.#module(path);
    for (const path of libraries) for (const name of project.modules.get(path)?.exports.keys() ?? []) this.#export(path, name);
    this.#drain();
  }

  /** Whether a function can run. */
  isLive(fn: Fn): boolean {
    return this.#functions.has(fn);
  }

  #roots(entries: ReadonlySet<string>): string[] {
    const imported = new Set<string>();
    const all = [...new Set([...this.#project.modules.keys(), ...this.#project.light.keys()])].sort();
    let computed = false;
    for (const path of all) {
      for (const source of this.#imports(path)) {
        if (source === '*') computed = true;
        const target = this.#project.paths.resolve(path, source);
        if (target !== undefined && target !== path) imported.add(target);
      }
      if (this.#project.light.get(path)?.computed === true) computed = true;
    }
    return all.filter((path) => {
      if (entries.has(path) || ENTRY_NAME.test(path) || CONVENTION.some((pattern) => pattern.test(path) && !(COMPONENTS.test(path) && imported.has(path)))) return true;
      if (imported.has(path)) return false;
      // Nothing imports it: it is started by hand, loaded by a computed name, or forgotten. Only what merely exports is forgotten.
      const module = this.#project.modules.get(path);
      if (module === undefined) return true;
      if (module.exports.size === 0) return true;
      return computed && /(?:^|\/)(?:routes?|controllers?|modules|plugins|handlers|events|listeners|models|middlewares?|services)\//.test(path);
    });
  }

  #imports(path: string): readonly string[] {
    const module = this.#project.modules.get(path);
    if (module !== undefined) return [...module.imports.keys(), ...module.stars];
    return this.#project.light.get(path)?.imports.map(({ source }) => source) ?? [];
  }

  #drain(): void {
    for (let next = this.#queue.pop(); next !== undefined; next = this.#queue.pop()) {
      if (typeof next === 'string') this.#enterModule(next);
      else this.#enter(next);
    }
  }

  #module(path: string): void {
    if (this.#modules.has(path)) return;
    this.#modules.add(path);
    this.#queue.push(path);
  }

  #enterModule(path: string): void {
    const module = this.#project.modules.get(path);
    for (const source of this.#imports(path)) {
      const target = this.#project.paths.resolve(path, source);
      if (target !== undefined) this.#module(target);
    }
    if (module === undefined) {
      for (const { source, names } of this.#project.light.get(path)?.imports ?? []) {
        const target = this.#project.paths.resolve(path, source);
        if (target !== undefined) for (const name of names) this.#export(target, name);
      }
      return;
    }
    this.#function(module.top);
    if (CONVENTION.some((pattern) => pattern.test(path)) || /(?:^|\/)(?:worker|index|handler|server|app|auth)\.[cm]?[jt]sx?$/.test(path) && module.exports.has('default')) {
      for (const name of CONVENTION.some((pattern) => pattern.test(path)) ? module.exports.keys() : ['default']) {
        this.#export(path, name);
        for (const value of module.exports.get(name) ?? []) this.#handOver(value, module.top);
      }
    }
  }

  #export(path: string, name: string): void {
    const key = `${path}\u0000${name}`;
    if (this.#exported.has(key)) return;
    this.#exported.add(key);
    this.#module(path);
    const module = this.#project.modules.get(path);
    if (module === undefined) {
      // A file that only passes on what it imports.
      for (const { source, names } of this.#project.light.get(path)?.imports ?? []) {
        const target = this.#project.paths.resolve(path, source);
        if (target !== undefined && (names.includes(name) || names.includes('*') || name === '*')) this.#export(target, name);
      }
      return;
    }
    if (name === '*' || name === '=') for (const each of module.exports.keys()) if (each !== name) this.#export(path, each);
    for (const value of module.exports.get(name) ?? (name === 'default' ? (module.exports.get('=') ?? []) : [])) this.#value(value, module.top);
    if (module.exports.has('=') && name !== '=' && name !== 'default') {
      for (const value of module.exports.get('=') ?? []) if (value.k === 'obj') for (const prop of value.props) if (prop.key === name) this.#value(prop.value, module.top);
    }
    if (!module.exports.has(name)) for (const star of module.stars) {
      const target = this.#project.paths.resolve(path, star);
      if (target !== undefined) this.#export(target, name);
    }
  }

  /** Something of this value is in use. */
  #value(value: Value, scope: Fn, depth = 0): void {
    if (depth > 8) return;
    switch (value.k) {
      case 'fn': this.#function(value.fn); return;
      case 'cls': this.#class(value.cls); return;
      case 'name': this.#reference(value.name, scope, depth + 1); return;
      case 'imp': {
        const target = this.#project.paths.resolve(scope.module.path, value.source);
        if (target !== undefined) this.#export(target, value.name);
        return;
      }
      case 'mem': this.#read(value, scope); return;
      case 'obj':
        // Exported or handed on as a whole: a function in it still wants its name to be read somewhere.
        for (const prop of value.props) if (prop.value.k !== 'fn') this.#value(prop.value, scope, depth + 1);
        return;
      case 'alt': for (const option of value.options) this.#value(option, scope, depth + 1); return;
      case 'arr': for (const item of value.items) this.#value(item, scope, depth + 1); return;
      case 'call': for (const arg of value.call.args) this.#value(arg, scope, depth + 1); return;
      default:
    }
  }

  /** An object that a framework gets, `export const actions = { default: … }`: it calls what is in it. */
  #handOver(value: Value, scope: Fn): void {
    const objects = value.k === 'name' ? (scope.locals.get(value.name) ?? []) : [value];
    for (const object of objects) {
      if (object.k !== 'obj') continue;
      for (const prop of object.props) if (prop.value.k === 'fn') this.#function(prop.value.fn);
    }
  }

  #reference(name: string, scope: Fn, depth = 0): void {
    for (let at: Fn | undefined = scope; at !== undefined; at = at.parent) {
      const values = at.locals.get(name);
      if (values === undefined) continue;
      for (const value of values) if (value.k === 'fn' || value.k === 'cls' || value.k === 'imp' || value.k === 'name' || value.k === 'alt' || value.k === 'mem') this.#value(value, at, depth + 1);
      return;
    }
    if (this.#project.dependencies.has('nuxt')) for (const fn of this.#project.functionsNamed(name)) if (fn.parent?.isTop === true && /(?:^|\/)(?:composables|utils)\//.test(fn.module.path)) {
      this.#module(fn.module.path);
      this.#function(fn);
    }
  }

  #function(fn: Fn): void {
    if (this.#functions.has(fn)) return;
    this.#functions.add(fn);
    this.#queue.push(fn);
  }

  #class(cls: Cls): void {
    if (this.#classes.has(cls)) return;
    this.#classes.add(cls);
    this.#module(cls.module.path);
    for (const [name, method] of cls.methods) {
      if (this.#members.has(name) || FRAMEWORK_METHOD.test(name) || method.isAccessor || this.#isStarted(method)) this.#function(method);
      else this.#wait(name, method);
    }
    for (const field of cls.fields.values()) {
      for (const { value, fn } of field.values) this.#value(value, fn);
      if (field.type !== undefined) for (const name of [field.type.name, ...field.type.args.map((arg) => arg.name)]) this.#type(name, cls.fn);
    }
    if (cls.superClass !== undefined) this.#value(cls.superClass, cls.fn);
  }

  /** A decorated method is called by whoever reads the decorator; one that listens, if somebody speaks. */
  #isStarted(method: Fn): boolean {
    const events = this.#callers.listensTo(method);
    if (events.length > 0) return this.#callers.isEmitted(events);
    return method.decorators.some((decorator) => !/^(?:Api\w*|HttpCode|Public|Inject\w*|Optional|Override|Deprecated|Log\w*|Trace\w*|Transactional|Cache\w*|Retry|Throttle)$/.test(lastName(decorator.callee) ?? ''));
  }

  #type(name: string, scope: Fn): void {
    if (name === '') return;
    this.#reference(name, scope);
    for (const cls of this.#project.implementers.get(name) ?? []) if (this.#modules.has(cls.module.path)) this.#class(cls);
  }

  #wait(name: string, fn: Fn): void {
    const known = this.#waiting.get(name);
    if (known === undefined) this.#waiting.set(name, [fn]);
    else known.push(fn);
  }

  #enter(fn: Fn): void {
    for (const child of fn.children) {
      if (child.kind === 'inline') {
        const events = this.#callers.listensTo(child);
        if (events.length === 0 || this.#callers.isEmitted(events) || !this.#isOwnEmitter(child)) this.#function(child);
      } else if (child.kind === 'property') {
        if (this.#members.has(child.name) || this.#isHandedOn(child)) this.#function(child);
        else this.#wait(child.name, child);
      }
    }
    for (const name of fn.refs) this.#reference(name, fn);
    for (const name of fn.members) this.#member(name);
    for (const value of fn.reads) this.#read(value, fn);
    for (const call of fn.calls) this.#call(call);
    for (const type of fn.types.values()) this.#type(type.name, fn);
    for (const decorator of fn.decorators) for (const arg of decorator.args) this.#value(arg, fn);
    if (fn.isTop) for (const cls of fn.module.classes) if (cls.decorators.some((decorator) => /^(?:Controller|Resolver|WebSocketGateway|Module|Catch|EventSubscriber|Injectable|EventsHandler|Processor|Component|Service|JsonController|Command|Cron)$/.test(lastName(decorator.callee) ?? '')) && !this.#needsListing(cls)) this.#class(cls);
  }

  /** Nest runs what a module lists; where there are modules, a decorator alone is not enough. */
  #needsListing(cls: Cls): boolean {
    return this.#project.dependencies.has('@nestjs/core') && !cls.decorators.some((decorator) => lastName(decorator.callee) === 'Module');
  }

  /** An object that is an argument of a call, or of what a function returns, is handed to somebody who may call what is in it. */
  #isHandedOn(fn: Fn): boolean {
    const owner = fn.owner;
    if (owner === undefined || fn.parent === undefined) return true;
    return fn.parent.calls.some((call) => call.args.some((arg) => holds(arg, owner, 0)));
  }

  #isOwnEmitter(fn: Fn): boolean {
    const call = fn.parent?.calls.find((item) => item.args.some((arg) => arg.k === 'fn' && arg.fn === fn));
    if (call?.callee.k !== 'mem') return false;
    const entities = this.#resolver.resolve(call.callee.of, { fn: call.fn });
    return entities.some((entity) => (entity.e === 'made' && /^(?:events|eventemitter2|eventemitter3|mitt|tiny-emitter|nanoevents)$/.test(entity.pkg)) || (entity.e === 'inst' && /EventEmitter|Emitter/.test(entity.cls.superClass === undefined ? '' : (lastName(entity.cls.superClass) ?? ''))));
  }

  /** An object that is an argument is handed to somebody who may call whatever is in it. */
  #argument(value: Value, fn: Fn, depth: number): void {
    if (depth > 4) return;
    if (value.k === 'obj') for (const prop of value.props) this.#argument(prop.value, fn, depth + 1);
    else if (value.k === 'spread') this.#argument(value.of, fn, depth + 1);
    else if (value.k === 'arr') for (const item of value.items) this.#argument(item, fn, depth + 1);
    else if (value.k === 'name' && !this.#handed.has(`${fn.module.path}:${value.name}`)) {
      const own = fn.locals.get(value.name);
      if (own === undefined || own.some((local) => local.k === 'obj' || local.k === 'alt')) {
        if (own === undefined) this.#handed.add(`${fn.module.path}:${value.name}`);
        for (const entity of this.#resolver.resolve(value, { fn })) if (entity.e === 'val' && entity.v.k === 'obj') this.#allOf(entity.v, 0);
      }
    }
  }

  #allOf(object: Value & { k: 'obj' }, depth: number): void {
    if (depth > 5) return;
    for (const { value } of object.props) {
      if (value.k === 'fn') this.#function(value.fn);
      else if (value.k === 'obj') this.#allOf(value, depth + 1);
      else if (value.k === 'arr') for (const item of value.items) if (item.k === 'obj') this.#allOf(item, depth + 1);
    }
  }

  #call(call: Call): void {
    if (this.#reach.throughObjects) for (const arg of call.args) this.#argument(arg, call.fn, 0);
    if (call.callee.k !== 'mem' || !this.#methodNames.has(call.callee.prop) || !this.#reach.names.has(call.callee.prop)) {
      if (call.callee.k === 'mem') this.#member(call.callee.prop);
      return;
    }
    this.#read(call.callee, call.fn);
  }

  #read(value: Value, fn: Fn): void {
    if (value.k !== 'mem') return;
    if (!this.#methodNames.has(value.prop) || !this.#reach.names.has(value.prop)) {
      if (this.#methodNames.has(value.prop)) this.#member(value.prop);
      const root = value.of;
      if (root.k === 'imp' || (root.k === 'name' && isImported(root.name, fn))) this.#namespace(root, value.prop, fn);
      return;
    }
    const entities = this.#resolver.resolve(value, { fn });
    const functions = entities.filter((entity) => entity.e === 'fn');
    if (functions.length > 0) {
      for (const entity of functions) if (entity.e === 'fn') {
        this.#function(entity.fn);
        if (entity.fn.cls !== undefined) this.#heirs(entity.fn.cls, value.prop);
      }
      return;
    }
    const known = entities.some((entity) => entity.e === 'ext' || entity.e === 'made');
    if (!known) this.#member(value.prop);
    this.#namespace(value.of, value.prop, fn);
  }

  #heirs(cls: Cls, name: string): void {
    for (const heir of this.#project.implementers.get(cls.name) ?? []) {
      const method = heir.methods.get(name);
      if (method !== undefined) this.#function(method);
    }
  }

  #namespace(of: Value, name: string, fn: Fn): void {
    for (const entity of this.#resolver.resolve(of, { fn })) if (entity.e === 'mod') this.#export(entity.path, name);
  }

  #member(name: string): void {
    if (this.#members.has(name)) return;
    this.#members.add(name);
    for (const fn of this.#waiting.get(name) ?? []) this.#function(fn);
    this.#waiting.delete(name);
  }
}

function isImported(name: string, fn: Fn): boolean {
  for (let at: Fn | undefined = fn; at !== undefined; at = at.parent) {
    const values = at.locals.get(name);
    if (values !== undefined) return values.some((value) => value.k === 'imp');
  }
  return false;
}

function holds(value: Value, owner: Value, depth: number): boolean {
  if (value === owner) return true;
  if (depth > 6) return false;
  if (value.k === 'obj') return value.props.some((prop) => holds(prop.value, owner, depth + 1));
  if (value.k === 'arr') return value.items.some((item) => holds(item, owner, depth + 1));
  if (value.k === 'alt') return value.options.some((option) => holds(option, owner, depth + 1));
  if (value.k === 'spread') return holds(value.of, owner, depth + 1);
  return false;
}

