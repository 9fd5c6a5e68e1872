import type { Entity } from './entity.ts';
import { HttpCallers } from './http-callers.ts';
import { lastName, type Call, type Fn, type Value } from './ir.ts';
import type { Project } from './project.ts';
import type { Resolver } from './resolver.ts';
import { textsOf } from './strings.ts';

/** A call of a function; `shift` arguments come before those of the function. */
export interface Caller {
  readonly call: Call;
  readonly shift: number;
  /** Arguments where they are not those of the call: a request that arrives over HTTP. */
  readonly args?: readonly Value[];
}

const COMMON = /^(?:log|create|write|save|handle|record|track|insert|push|add|emit|info|warn|error|debug|send|execute|run|process|call|apply|next|get|set|update|remove|delete|find|list|use|start|stop|init|main|default|constructor|event|publish|notify|dispatch|audit|on|end|close|open|login|logout|signIn|signOut|refresh|validate|handler|callback|fn|cb|put|post|append)$/;
const EMITS = ['emit', 'emitAsync', 'dispatch', 'publish', 'trigger', 'fire', 'emitEvent', 'dispatchEvent', 'notify'];

/** Finds the calls of a function: direct, through injected services, and through event emitters. */
export class Callers {
  readonly #project: Project;
  readonly #resolver: Resolver;
  readonly #memo: Map<Fn, readonly Caller[]> = new Map();
  readonly #aliases: Map<Fn, string[]> = new Map();
  readonly #listeners: Map<Fn, string[]> = new Map();
  readonly #emits: Map<string, Call[]> = new Map();
  readonly #http: HttpCallers;

  constructor(project: Project, resolver: Resolver) {
    this.#project = project;
    this.#resolver = resolver;
    this.#http = new HttpCallers(project, resolver);
    for (const module of project.modules.values()) {
      for (const fn of module.functions) for (const [name, values] of fn.locals) for (const value of values) this.#noteAliases(value, name);
      for (const [name, values] of module.exports) for (const value of values) this.#noteAliases(value, name);
      for (const [path, values] of module.assigned) for (const { value } of values) this.#noteAliases(value, path.slice(path.lastIndexOf('.') + 1));
    }
    this.#noteListeners();
    for (const name of EMITS) {
      for (const call of project.callsNamed(name)) for (const event of this.#emitted(call)) push(this.#emits, event, call);
    }
  }

  /** Calls of a function. */
  of(fn: Fn): readonly Caller[] {
    const known = this.#memo.get(fn);
    if (known !== undefined) return known;
    this.#memo.set(fn, []);
    const found = this.#find(fn);
    this.#memo.set(fn, found);
    return found;
  }

  /** Names of the events that a function listens to. */
  listensTo(fn: Fn): readonly string[] {
    return this.#listeners.get(fn) ?? [];
  }

  /** Whether anything emits one of these events. */
  isEmitted(events: readonly string[]): boolean {
    return events.some((event) => this.#emits.has(event) || (event.includes('*') && [...this.#emits.keys()].some((name) => name.startsWith(event.slice(0, event.indexOf('*'))))));
  }

  #find(fn: Fn): readonly Caller[] {
    const callers: Caller[] = [];
    const seen = new Set<Call>();
    const names = new Set([fn.name, ...(this.#aliases.get(fn) ?? [])]);
    if (fn.name === 'constructor' && fn.cls !== undefined) names.add(fn.cls.name);
    for (const values of fn.module.exports.get('default') ?? []) if (values.k === 'name' ? names.has(values.name) : values.k === 'fn' && values.fn === fn) names.add('default');
    if (fn.module.exports.has('=')) names.add('=');
    for (const name of names) {
      for (const call of this.#project.callsNamed(name)) {
        if (seen.has(call) || call.fn === fn) continue;
        seen.add(call);
        if (this.#calls(call, fn, name)) callers.push({ call, shift: 0 });
      }
    }
    for (const call of [...this.#callsOfArgument(fn), ...this.#callsOfReturned(fn)]) {
      if (seen.has(call)) continue;
      seen.add(call);
      callers.push({ call, shift: 0 });
    }
    for (const event of this.listensTo(fn)) for (const call of this.#emits.get(event) ?? []) callers.push({ call, shift: event.startsWith('class:') ? 0 : 1 });
    for (const { call, request } of this.#http.of(fn)) callers.push({ call, shift: 0, args: [request] });
    return callers;
  }

  /** A function that is handed to one of ours is called where that calls its parameter. */
  #callsOfArgument(fn: Fn): Call[] {
    const found: Call[] = [];
    for (const handed of fn.parent?.calls ?? []) {
      const index = handed.args.findIndex((arg) => arg.k === 'fn' && arg.fn === fn);
      if (index === -1) continue;
      for (const target of this.#resolver.targets(handed, { fn: handed.fn })) {
        for (const call of callsIn(target.fn)) {
          const isParameter = this.#resolver.resolve(call.callee, { fn: call.fn }).some((entity) => entity.e === 'param' && entity.fn === target.fn && entity.index === index && entity.path.length === 0);
          if (isParameter) found.push(call);
        }
      }
    }
    return found;
  }

  /** A function that another one gives back is called by the name under which its callers keep it. */
  #callsOfReturned(fn: Fn): Call[] {
    const maker = fn.parent;
    if (maker === undefined || maker.isTop || !maker.returns.some((value) => value.k === 'fn' && value.fn === fn)) return [];
    const found: Call[] = [];
    for (const { call: made } of this.of(maker)) {
      for (const [name, values] of made.fn.locals) {
        if (!values.some((value) => value.k === 'call' && value.call === made)) continue;
        for (const call of this.#project.callsNamed(name)) if (this.#resolver.resolve(call.callee, { fn: call.fn }).some((entity) => entity.e === 'fn' && entity.fn === fn)) found.push(call);
      }
    }
    return found;
  }

  #calls(call: Call, fn: Fn, name: string): boolean {
    const entities = this.#resolver.resolve(call.callee, { fn: call.fn });
    for (const entity of entities) {
      if (entity.e === 'fn' && entity.fn === fn) return true;
      if (entity.e === 'cls' && entity.cls === fn.cls && fn.name === 'constructor') return true;
    }
    if (entities.some((entity) => entity.e === 'fn' || entity.e === 'cls' || entity.e === 'ext' || entity.e === 'made')) return false;
    if (call.callee.k !== 'mem') {
      // An optional callback: `onAudit?.({…})` with `onAudit` a parameter.
      return entities.some((entity) => entity.e === 'param') && fn.kind === 'property' && this.#isOnly(fn, name);
    }
    if (fn.kind !== 'method' && fn.kind !== 'property') return false;
    const receiver = normal(lastName(call.callee.of) ?? '');
    if (fn.cls !== undefined && receiver !== '' && isLike(receiver, normal(fn.cls.name))) return true;
    if (fn.kind === 'property' && entities.some(({ e }) => e === 'param') && this.#isOnly(fn, name)) return true;
    return !COMMON.test(name) && name.length > 5 && this.#isOnly(fn, name);
  }

  #isOnly(fn: Fn, name: string): boolean {
    const others = this.#project.functionsNamed(name).filter((other) => other.kind === 'method' || other.kind === 'property');
    return others.length === 1 && others[0] === fn;
  }

  #noteAliases(value: Value, name: string): void {
    if (value.k === 'fn') {
      if (value.fn.name !== name) push(this.#aliases, value.fn, name);
    } else if (value.k === 'call') for (const arg of value.call.args) if (arg.k === 'fn') push(this.#aliases, arg.fn, name);
  }

  #noteListeners(): void {
    for (const module of this.#project.modules.values()) {
      for (const fn of module.functions) {
        for (const decorator of fn.decorators) {
          if (!/^(?:OnEvent|On|EventPattern|Subscribe|OnQueueEvent|Process|EventSubscriber)$/.test(lastName(decorator.callee) ?? '')) continue;
          const first = decorator.args[0];
          if (first !== undefined) for (const event of this.#names(first, decorator)) push(this.#listeners, fn, event);
        }
      }
      for (const cls of module.classes) {
        for (const decorator of cls.decorators) {
          if (!/^(?:EventsHandler|CommandHandler)$/.test(lastName(decorator.callee) ?? '')) continue;
          const handle = cls.methods.get('handle') ?? cls.methods.get('execute');
          if (handle !== undefined) for (const arg of decorator.args) push(this.#listeners, handle, `class:${lastName(arg) ?? ''}`);
        }
      }
    }
    for (const name of ['on', 'once', 'addListener', 'subscribe', 'listen', 'addEventListener', 'prependListener']) {
      for (const call of this.#project.callsNamed(name)) {
        const [first, second] = call.args;
        if (first === undefined || second === undefined || call.callee.k !== 'mem') continue;
        const targets = this.#resolver.resolve(second, { fn: call.fn }).filter((entity): entity is Entity & { e: 'fn' } => entity.e === 'fn');
        if (targets.length > 0) for (const event of this.#names(first, call)) for (const target of targets) push(this.#listeners, target.fn, event);
      }
    }
  }

  #emitted(call: Call): string[] {
    const first = call.args[0];
    if (first === undefined) return [];
    const classes = this.#resolver.resolve(first, { fn: call.fn }).flatMap((entity) => (entity.e === 'inst' && entity.made !== undefined ? [`class:${entity.cls.name}`] : []));
    return [...classes, ...this.#names(first, call)];
  }

  #names(value: Value, call: Call): string[] {
    return textsOf(this.#resolver, value, { fn: call.fn }).texts.map(({ text }) => text);
  }
}

function callsIn(fn: Fn): Call[] {
  return [...fn.calls, ...fn.children.flatMap(callsIn)];
}

function normal(name: string): string {
  return name.replace(/^[_#$]+/, '').toLowerCase();
}

function isLike(receiver: string, cls: string): boolean {
  if (receiver === cls || `i${receiver}` === cls) return true;
  const strip = (name: string): string => name.replace(/(?:service|impl|provider|manager|repository|helper|client)$/g, '').replace(/logs$/, 'log');
  return strip(receiver) === strip(cls) && strip(cls).length > 3;
}

function push<Key, Item>(map: Map<Key, Item[]>, key: Key, item: Item): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, [item]);
  else if (!known.includes(item)) known.push(item);
}
