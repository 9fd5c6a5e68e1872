import { frameOf, type Bound, type Entity, type Frame } from './entity.ts';
import { distinct } from './distinct.ts';
import type { Call, Cls, Fn, Module, ObjectValue, TypeRef, Value } from './ir.ts';
import type { Project } from './project.ts';

const MAX_DEPTH = 28;
/** Steps that one question may cost. Chains of builders that assign to themselves would take forever otherwise. */
const MAX_STEPS = 1_500;
const NONE: readonly Entity[] = [];
/** Calls that give back the function or object they were given. */
const TRANSPARENT = /^(?:asyncHandler|catchAsync|wrapAsync|tryCatch|expressAsyncHandler|useCallback|useMemo|memo|cache|promisify|forwardRef|debounce|throttle|once|withErrorHandling|expressAsync.*|async(?:Wrapper|Middleware|Route|Fn)?|wrap|handle(?:Async|Errors?)?|catchErrors?|readonly|reactive|markRaw|defineEventHandler|eventHandler|createMiddleware|defineNuxtRouteMiddleware)$/i;

const CONTAINER = /^(?:get|resolve|inject|getService|make|use|useClass|getInstance|container)$/;

/** Says what values are: functions, classes, objects, things from packages. All answers are bounded, none is a guess by name. */
export class Resolver {
  readonly #project: Project;
  readonly #memo: WeakMap<Value, { readonly fn: Fn; readonly found: readonly Entity[] }> = new WeakMap();
  readonly #running: Set<Value> = new Set();
  readonly #names: Map<Fn, Map<string, readonly Entity[]>> = new Map();
  readonly #lookups: Set<string> = new Set();
  readonly #ids: Map<Fn, number> = new Map();
  #depth = 0;
  #memberDepth = 0;
  #steps = 0;
  /** How often an answer was cut short; what was cut short is not remembered. */
  #cuts = 0;

  constructor(project: Project) {
    this.#project = project;
  }

  /** What a value may be, as seen from a frame. */
  resolve(value: Value, frame: Frame): readonly Entity[] {
    switch (value.k) {
      case 'none':
      case 'lit':
        return NONE;
      case 'str':
      case 'tpl':
      case 'obj':
      case 'arr':
        return [{ e: 'val', v: value, f: frame }];
      case 'fn':
        return [{ e: 'fn', fn: value.fn, f: value.fn.parent === undefined ? frame : frameOf(value.fn.parent, frame) }];
      case 'cls':
        return [{ e: 'cls', cls: value.cls }];
      default:
    }
    if (this.#depth === 0) this.#steps = 0;
    if (this.#depth > MAX_DEPTH || this.#steps++ > MAX_STEPS || this.#running.has(value)) {
      this.#cuts++;
      return NONE;
    }
    const bound = isBound(frame);
    if (!bound) {
      const known = this.#memo.get(value);
      if (known !== undefined && known.fn === frame.fn) return known.found;
    }
    this.#depth++;
    const cuts = this.#cuts;
    this.#running.add(value);
    try {
      const found = distinct(this.#find(value, frame));
      // What was found on the way round a circle is only a part of the truth.
      if (!bound && (this.#depth === 1 || this.#cuts === cuts)) this.#memo.set(value, { fn: frame.fn, found });
      return found;
    } finally {
      this.#running.delete(value);
      this.#depth--;
    }
  }

  #find(value: Value, frame: Frame): readonly Entity[] {
    switch (value.k) {
      case 'alt':
        return value.options.flatMap((option) => this.resolve(option, frame));
      case 'spread':
        return this.resolve(value.of, frame);
      case 'imp':
        return this.importOf(frame.fn.module, value.source, value.name);
      case 'name':
        return this.#lookup(value.name, frame);
      case 'this':
        return this.#self(frame);
      case 'param':
        return this.#argument(value.index, value.rest, frame);
      case 'mem': {
        const assigned = this.#assigned(value, frame);
        return [...this.resolve(value.of, frame).flatMap((entity) => this.member(entity, value.prop)), ...assigned];
      }
      case 'idx':
        return this.#indexed(value, frame);
      case 'call':
        return this.result(value.call, frame);
      default:
        return NONE;
    }
  }

  /** What a name means in a frame. */
  #lookup(name: string, frame: Frame): readonly Entity[] {
    for (let scope: Fn | undefined = frame.fn; scope !== undefined; scope = scope.parent) {
      const values = scope.locals.get(name);
      if (values === undefined) continue;
      if (isBound(frame)) return this.#valueOf(name, values, scope, frame);
      // Without arguments a name means the same wherever it stands.
      let known = this.#names.get(scope);
      if (known === undefined) this.#names.set(scope, (known = new Map()));
      const before = known.get(name);
      if (before !== undefined) return before;
      const cuts = this.#cuts;
      const found = this.#valueOf(name, values, scope, frame);
      if (this.#cuts === cuts) known.set(name, found);
      return found;
    }
    const auto = this.#project.dependencies.has('nuxt') ? this.#autoImported(name) : NONE;
    return auto.length > 0 ? auto : [{ e: 'global', name }];
  }

  #valueOf(name: string, values: readonly Value[], scope: Fn, frame: Frame): readonly Entity[] {
    const home = frameOf(scope, frame);
    const found = values.length === 1 ? this.resolve(values[0]!, home) : this.#each(values, home, name);
    const type = scope.types.get(name);
    return type === undefined || found.some(({ e }) => e !== 'param') ? found : [...found, ...this.typed(type, scope)];
  }

  /** A name that has several values: one that is made of itself, `q = q.where(…)`, adds nothing to them. */
  #each(values: readonly Value[], home: Frame, name: string): readonly Entity[] {
    const key = `${this.#id(home.fn)}:${name}`;
    if (this.#lookups.has(key)) {
      this.#cuts++;
      return NONE;
    }
    this.#lookups.add(key);
    try {
      return values.flatMap((value) => this.resolve(value, home));
    } finally {
      this.#lookups.delete(key);
    }
  }

  #id(fn: Fn): number {
    let id = this.#ids.get(fn);
    if (id === undefined) {
      id = this.#ids.size;
      this.#ids.set(fn, id);
    }
    return id;
  }

  /** Nuxt imports what lies in `composables` and `utils` by itself. */
  #autoImported(name: string): readonly Entity[] {
    return this.#project.functionsNamed(name).filter((fn) => fn.parent?.isTop === true && /(?:^|\/)(?:composables|utils)\//.test(fn.module.path) && fn.module.exports.has(name))
      .map((fn) => ({ e: 'fn', fn, f: { fn: fn.module.top } }));
  }

  #self(frame: Frame): readonly Entity[] {
    for (let at: Frame | undefined = frame; at !== undefined; at = at.up) if (at.self !== undefined) return [at.self];
    for (let fn: Fn | undefined = frame.fn; fn !== undefined; fn = fn.parent) {
      if (fn.owner !== undefined) return [{ e: 'val', v: fn.owner, f: fn.parent === undefined ? frame : frameOf(fn.parent, frame) }];
      if (fn.cls !== undefined && (fn.kind === 'method' || fn.parent?.cls !== fn.cls)) return [{ e: 'inst', cls: fn.cls }];
    }
    return NONE;
  }

  #argument(index: number, rest: boolean, frame: Frame): readonly Entity[] {
    if (frame.args === undefined) return [{ e: 'param', fn: frame.fn, index, path: rest ? ['*'] : [] }];
    if (rest) {
      const others = frame.args.slice(index);
      return others.length === 0 ? NONE : [{ e: 'val', v: { k: 'arr', items: others.map((item) => item.value), at: 0 }, f: others[0]!.frame }];
    }
    const argument = frame.args[index];
    return argument === undefined ? NONE : this.resolve(argument.value, argument.frame);
  }

  #assigned(value: Value & { k: 'mem' }, frame: Frame): readonly Entity[] {
    const root = rootName(value);
    if (root === undefined || frame.fn.module.assigned.size === 0) return NONE;
    const path = dotted(value);
    const found = path === undefined ? undefined : frame.fn.module.assigned.get(path);
    return found === undefined ? NONE : found.flatMap((item) => this.resolve(item.value, frameOf(item.fn, frame)));
  }

  #indexed(value: Value & { k: 'idx' }, frame: Frame): readonly Entity[] {
    const names = value.index.k === 'lit' ? [String(value.index.v)] : this.resolve(value.index, frame).flatMap((entity) => (entity.e === 'val' && entity.v.k === 'str' ? [entity.v.v] : []));
    return this.resolve(value.of, frame).flatMap((entity) => {
      if (entity.e === 'val' && entity.v.k === 'arr') {
        const at = Number(names[0]);
        const item = entity.v.items[at];
        return item !== undefined ? this.resolve(item, entity.f) : entity.v.items.flatMap((each) => this.resolve(each, entity.f));
      }
      if (names.length > 0) return names.flatMap((name) => this.member(entity, name));
      // A table that is read with a computed key: any of its values.
      if (entity.e === 'val' && entity.v.k === 'obj') return entity.v.props.flatMap((prop) => this.resolve(prop.value, entity.f));
      if (entity.e === 'param') return [{ ...entity, path: [...entity.path, '[]'] }];
      return NONE;
    });
  }

  /** A member of something. */
  member(entity: Entity, prop: string): readonly Entity[] {
    // An object may be spread into itself.
    if (this.#memberDepth > 16) {
      this.#cuts++;
      return NONE;
    }
    this.#memberDepth++;
    try {
      return this.#memberOf(entity, prop);
    } finally {
      this.#memberDepth--;
    }
  }

  #memberOf(entity: Entity, prop: string): readonly Entity[] {
    switch (entity.e) {
      case 'val':
        return entity.v.k === 'obj' ? this.#property(entity.v, prop, entity.f, entity) : NONE;
      case 'cls':
        if (prop === 'name') return [{ e: 'val', v: { k: 'str', v: entity.cls.name, at: entity.cls.at }, f: { fn: entity.cls.fn } }];
        return this.#classMember(entity.cls, prop, entity, 0);
      case 'inst':
        return this.#classMember(entity.cls, prop, entity, 0);
      case 'mod':
        return this.exported(entity.path, prop);
      case 'ext':
        return [{ ...entity, path: entity.path === '' ? prop : `${entity.path}.${prop}` }];
      case 'made':
        return [{ ...entity, rest: [...entity.rest, prop] }];
      case 'typed':
        return this.#typedMember(entity, prop);
      case 'param':
        return entity.path.length > 6 ? NONE : [{ ...entity, path: [...entity.path, prop] }];
      case 'global':
        return [{ e: 'global', name: `${entity.name}.${prop}` }];
      default:
        return NONE;
    }
  }

  #typedMember(entity: Entity & { e: 'typed' }, prop: string): readonly Entity[] {
    if (entity.rest.length === 0 && entity.pkg === '') {
      const type = entity.fn.module.shapes.get(entity.type.name)?.get(prop);
      if (type !== undefined) return this.typed(type, entity.fn);
    }
    return [{ ...entity, rest: [...entity.rest, prop] }];
  }

  #property(object: ObjectValue, prop: string, frame: Frame, self: Entity): readonly Entity[] {
    const found: Entity[] = [];
    for (let i = object.props.length - 1; i >= 0; i--) {
      const item = object.props[i]!;
      if (item.key === undefined) found.push(...this.resolve(item.value, frame).flatMap((entity) => this.member(entity, prop)));
      else if (item.key === prop || (item.computed !== undefined && this.#isKey(item.computed, prop, frame))) {
        for (const entity of this.resolve(item.value, frame)) {
          if (entity.e === 'fn' && entity.fn.isAccessor) found.push(...this.#returns(entity.fn, { fn: entity.fn, up: entity.f, self }));
          else found.push(entity.e === 'fn' && entity.fn.owner === object ? { ...entity, self } : entity);
        }
        break;
      }
    }
    return found;
  }

  #isKey(computed: Value, prop: string, frame: Frame): boolean {
    return this.resolve(computed, frame).some((entity) => entity.e === 'val' && entity.v.k === 'str' && entity.v.v === prop);
  }

  #classMember(cls: Cls, prop: string, self: Entity, depth: number): readonly Entity[] {
    const method = cls.methods.get(prop);
    if (method !== undefined) {
      const f: Frame = { fn: cls.fn };
      return method.isAccessor ? this.#returns(method, { fn: method, up: f, self }) : [{ e: 'fn', fn: method, f, self }];
    }
    const field = cls.fields.get(prop);
    const values = field?.values.flatMap(({ value, fn }) => this.resolve(value, this.#constructed(fn, self))) ?? [];
    const types = field?.type === undefined || values.some(({ e }) => e !== 'param') ? [] : this.typed(field.type, cls.fn);
    if (values.length > 0 || types.length > 0) return [...values, ...types];
    // `new Service(prisma)` may have been made elsewhere; what the constructor is given is then unknown here.
    if (cls.superClass === undefined || depth > 6) return NONE;
    return this.resolve(cls.superClass, { fn: cls.fn }).flatMap((parent): readonly Entity[] => {
      if (parent.e === 'cls') return this.#classMember(parent.cls, prop, self, depth + 1);
      if (parent.e === 'ext') return [{ e: 'typed', pkg: parent.pkg, type: { name: parent.path, args: [] }, rest: [prop], fn: cls.fn }];
      return NONE;
    });
  }

  #constructed(fn: Fn, self: Entity): Frame {
    if (self.e !== 'inst' || self.made === undefined || fn.name !== 'constructor') return { fn };
    return { fn, args: self.made.call.args.map((value) => ({ value, frame: self.made!.f })), self };
  }

  #returns(fn: Fn, frame: Frame): readonly Entity[] {
    return fn.returns.flatMap((value) => this.resolve(value, frame));
  }

  /** What a call gives. */
  result(call: Call, frame: Frame): readonly Entity[] {
    const found: Entity[] = [];
    for (const entity of this.resolve(call.callee, frame)) {
      switch (entity.e) {
        case 'fn':
          found.push(...this.#returns(entity.fn, this.callFrame(entity, call, frame)));
          break;
        case 'cls':
          found.push({ e: 'inst', cls: entity.cls, made: { call, f: frame } });
          break;
        case 'ext':
          if (TRANSPARENT.test(entity.path.split('.').at(-1) ?? '') || TRANSPARENT.test(entity.pkg)) found.push(...this.#given(call, frame));
          found.push({ e: 'made', pkg: entity.pkg, path: entity.path, call, f: frame, rest: [] });
          break;
        case 'made':
          if (entity.rest.length < 12) found.push({ ...entity, rest: [...entity.rest, '()'], last: call });
          break;
        case 'typed':
          if (entity.rest.length < 12) found.push({ ...entity, rest: [...entity.rest, '()'] });
          break;
        case 'param':
          if (entity.path.length < 6) found.push({ ...entity, path: [...entity.path, '()'] });
          break;
        case 'global':
          // What is logged is what was put into text.
          if (entity.name === 'JSON.stringify' && call.args[0] !== undefined) found.push(...this.resolve(call.args[0], frame));
          else if (entity.name === 'Object.freeze' || entity.name === 'Object.assign' || TRANSPARENT.test(entity.name)) found.push(...call.args.flatMap((arg) => this.resolve(arg, frame)));
          else if (entity.name.endsWith('.bind') || entity.name === 'Object.create') found.push(...NONE);
          else found.push({ e: 'global', name: `${entity.name}()` });
          break;
        default:
      }
    }
    // Containers give what they are asked for by class: app.get(AuditService), inject(AuditService).
    const [asked] = call.args;
    if (asked?.k === 'name' && /^[A-Z]/.test(asked.name) && CONTAINER.test(call.callee.k === 'mem' ? call.callee.prop : call.callee.k === 'name' ? call.callee.name : '')) {
      for (const entity of this.resolve(asked, frame)) if (entity.e === 'cls') return [{ e: 'inst', cls: entity.cls }];
    }
    // f.bind(x) is f.
    if (call.callee.k === 'mem' && call.callee.prop === 'bind') found.push(...this.resolve(call.callee.of, frame));
    return found;
  }

  #given(call: Call, frame: Frame): readonly Entity[] {
    return call.args.flatMap((arg) => this.resolve(arg, frame)).filter((entity) => entity.e === 'fn' || entity.e === 'cls');
  }

  /** The frame of a function that is called. */
  callFrame(entity: Entity & { e: 'fn' }, call: Call, frame: Frame): Frame {
    const args: Bound[] = call.args.map((value) => ({ value, frame }));
    return { fn: entity.fn, args, up: entity.f, ...(entity.self === undefined ? {} : { self: entity.self }) };
  }

  /** Functions that a call may call. */
  targets(call: Call, frame: Frame): readonly (Entity & { e: 'fn' })[] {
    const found: (Entity & { e: 'fn' })[] = [];
    for (const entity of this.resolve(call.callee, frame)) {
      if (entity.e === 'fn') found.push(entity);
      else if (entity.e === 'cls') {
        const constructor = entity.cls.methods.get('constructor');
        if (constructor !== undefined) found.push({ e: 'fn', fn: constructor, f: { fn: entity.cls.fn } });
      }
    }
    return found;
  }

  /** What a type says: an instance of a class of ours, of those that implement it, or of something from outside. */
  typed(type: TypeRef, fn: Fn): readonly Entity[] {
    if (type.name === '' || type.name === 'any' || type.name === 'unknown') return NONE;
    if ((type.name === 'Promise' || type.name === 'Readonly' || type.name === 'Partial') && type.args[0] !== undefined) return this.typed(type.args[0], fn);
    const classes: Cls[] = [];
    let pkg: string | undefined;
    const { top } = fn.module;
    for (const value of top.locals.get(type.name) ?? []) {
      if (value.k === 'cls') classes.push(value.cls);
      else if (value.k === 'imp') {
        const path = this.#project.paths.resolve(fn.module.path, value.source);
        if (path === undefined) pkg = value.source;
        for (const entity of this.importOf(fn.module, value.source, value.name)) if (entity.e === 'cls') classes.push(entity.cls);
      }
    }
    const own = classes.length > 0 || pkg !== undefined ? [] : (this.#project.classesByName.get(type.name) ?? []);
    const heirs = pkg === undefined ? (this.#project.implementers.get(type.name) ?? []) : [];
    const all = [...new Set([...classes, ...(own.length === 1 ? own : []), ...heirs])].slice(0, 6);
    if (all.length > 0) return all.map((cls) => ({ e: 'inst', cls }));
    return [{ e: 'typed', pkg: pkg ?? (fn.module.shapes.has(type.name) ? '' : undefined), type, rest: [], fn }];
  }

  /** What an import gives. */
  importOf(module: Module, source: string, name: string): readonly Entity[] {
    const path = this.#project.paths.resolve(module.path, source);
    if (path === undefined) return [{ e: 'ext', pkg: source.replace(/^node:/, ''), path: name === 'default' || name === '*' || name === '=' ? '' : name }];
    if (name === '*') return [{ e: 'mod', path }];
    if (name === '=') {
      const target = this.#project.modules.get(path);
      const assigned = target?.exports.get('=')?.flatMap((value) => this.resolve(value, { fn: target.top })) ?? [];
      return assigned.length > 0 ? assigned : [{ e: 'mod', path }];
    }
    return this.exported(path, name);
  }

  /** What a module exports under a name. */
  exported(path: string, name: string, seen: ReadonlySet<string> = new Set()): readonly Entity[] {
    const module = this.#project.modules.get(path);
    if (seen.has(path)) return NONE;
    if (module === undefined) return this.#passedOn(path, name, seen);
    const frame: Frame = { fn: module.top };
    const own = module.exports.get(name);
    if (own !== undefined) return own.flatMap((value) => this.resolve(value, frame));
    const whole = module.exports.get('=');
    if (whole !== undefined) {
      const entities = whole.flatMap((value) => this.resolve(value, frame));
      return name === 'default' ? entities : entities.flatMap((entity) => this.member(entity, name));
    }
    if (name === 'default') return module.exports.size === 0 ? NONE : [{ e: 'mod', path }];
    const further = new Set([...seen, path]);
    for (const star of module.stars) {
      const target = this.#project.paths.resolve(path, star);
      const found = target === undefined ? [] : this.exported(target, name, further);
      if (found.length > 0) return found;
    }
    return NONE;
  }

  /** A file that was not parsed may pass on what it imports: `export * from './schema'`. */
  #passedOn(path: string, name: string, seen: ReadonlySet<string>): readonly Entity[] {
    const further = new Set([...seen, path]);
    for (const { source, names } of this.#project.light.get(path)?.imports ?? []) {
      if (!names.includes('*') && !names.includes(name)) continue;
      const target = this.#project.paths.resolve(path, source);
      const found = target === undefined ? [] : this.exported(target, name, further);
      if (found.length > 0) return found;
    }
    return NONE;
  }
}

function isBound(frame: Frame): boolean {
  for (let at: Frame | undefined = frame; at !== undefined; at = at.up) if (at.args !== undefined || at.self !== undefined) return true;
  return false;
}

function rootName(value: Value): string | undefined {
  return value.k === 'name' ? value.name : value.k === 'mem' ? rootName(value.of) : undefined;
}

function dotted(value: Value): string | undefined {
  if (value.k === 'name') return value.name;
  if (value.k !== 'mem') return undefined;
  const of = dotted(value.of);
  return of === undefined ? undefined : `${of}.${value.prop}`;
}
