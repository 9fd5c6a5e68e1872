// What is kept of a program: values, calls and functions. The syntax tree of a file is thrown away once this has been made of it,
// because twenty thousand trees do not fit into a gigabyte.

/** An expression, as far as it can carry an event name, a logger, a table or a function. */
export type Value =
  | { readonly k: 'str'; readonly v: string; readonly at: number }
  | { readonly k: 'tpl'; readonly parts: readonly Value[]; readonly at: number }
  | { readonly k: 'lit'; readonly v: number | boolean | null }
  | { readonly k: 'name'; readonly name: string; readonly at: number }
  | { readonly k: 'this' }
  | { readonly k: 'mem'; readonly of: Value; readonly prop: string; readonly at: number }
  | { readonly k: 'idx'; readonly of: Value; readonly index: Value; readonly at: number }
  | { readonly k: 'call'; readonly call: Call }
  | ObjectValue
  | { readonly k: 'arr'; readonly items: readonly Value[]; readonly at: number }
  | { readonly k: 'spread'; readonly of: Value }
  | { readonly k: 'alt'; readonly options: readonly Value[] }
  | { readonly k: 'fn'; readonly fn: Fn }
  | { readonly k: 'cls'; readonly cls: Cls }
  | { readonly k: 'param'; readonly index: number; readonly rest: boolean }
  | { readonly k: 'imp'; readonly source: string; readonly name: string }
  | { readonly k: 'none' };

/** An object literal, or an enum. */
export interface ObjectValue {
  readonly k: 'obj';
  readonly props: readonly Prop[];
  readonly at: number;
}

/** A property; without a key it is a spread. */
export interface Prop {
  readonly key: string | undefined;
  readonly computed?: Value;
  readonly value: Value;
  readonly at: number;
}

/** A call or `new`, or a tagged template (its quasis are then the first argument, as a template). */
export interface Call {
  readonly callee: Value;
  readonly args: readonly Value[];
  readonly isNew: boolean;
  readonly tagged: boolean;
  readonly at: number;
  readonly end: number;
  readonly fn: Fn;
  /** Stands in a branch that production does not take. */
  readonly devOnly: boolean;
  readonly types: readonly TypeRef[];
}

/** A type annotation, by name. */
export interface TypeRef {
  readonly name: string;
  readonly args: readonly TypeRef[];
  readonly literals?: readonly string[];
}

/** A function, a method, or the top level of a module. */
export interface Fn {
  readonly name: string;
  readonly module: Module;
  readonly parent: Fn | undefined;
  readonly at: number;
  readonly end: number;
  readonly paramCount: number;
  readonly locals: Map<string, Value[]>;
  readonly types: Map<string, TypeRef>;
  readonly calls: Call[];
  readonly returns: Value[];
  /** Identifiers that stand in it, nested functions not included. */
  readonly refs: Set<string>;
  /** Members that are taken out of something by destructuring. */
  readonly members: Set<string>;
  /** Members that are read without being called. */
  readonly reads: Value[];
  readonly children: Fn[];
  readonly isTop: boolean;
  cls?: Cls;
  owner?: ObjectValue;
  decorators: readonly Call[];
  /** How it hangs on what surrounds it: a declaration must be referenced, an expression lives with its parent. */
  readonly kind: 'declared' | 'method' | 'property' | 'inline' | 'top';
  readonly isAccessor: boolean;
}

/** A class. */
export interface Cls {
  readonly name: string;
  readonly module: Module;
  readonly fn: Fn;
  readonly superClass: Value | undefined;
  readonly implementsNames: readonly string[];
  readonly methods: Map<string, Fn>;
  readonly fields: Map<string, Field>;
  decorators: readonly Call[];
  readonly at: number;
}

/** A field of a class, with what was assigned to it. */
export interface Field {
  readonly values: { readonly value: Value; readonly fn: Fn }[];
  type?: TypeRef;
  decorators: readonly Call[];
}

/** An event name that is listed somewhere: in an enum, a union, a constant list. */
export interface Declared {
  readonly text: string;
  readonly at: number;
  readonly what: string;
}

/** A file of code. */
export interface Module {
  readonly path: string;
  readonly text: string;
  readonly top: Fn;
  readonly exports: Map<string, Value[]>;
  readonly stars: string[];
  readonly imports: Map<string, string>;
  readonly assigned: Map<string, { readonly value: Value; readonly fn: Fn }[]>;
  readonly functions: Fn[];
  readonly classes: Cls[];
  readonly declared: Declared[];
  /** Types that are objects or interfaces: field name to type. */
  readonly shapes: Map<string, Map<string, TypeRef>>;
  readonly directives: Set<string>;
  /** Starts of the lines, in UTF-16 units of the whole file. */
  lines?: readonly number[];
}

/** The name under which a value would be called or stored. */
export function lastName(value: Value): string | undefined {
  if (value.k === 'name') return value.name;
  if (value.k === 'mem') return value.prop;
  if (value.k === 'idx' && value.index.k === 'str') return value.index.v;
  if (value.k === 'call') return lastName(value.call.callee);
  return undefined;
}

/** The value as it is written, for matching and for people: `this.audit.log`. */
export function writtenPath(value: Value): string {
  switch (value.k) {
    case 'name': return value.name;
    case 'this': return 'this';
    case 'mem': return `${writtenPath(value.of)}.${value.prop}`;
    case 'idx': return `${writtenPath(value.of)}[]`;
    case 'call': return `${writtenPath(value.call.callee)}()`;
    case 'fn': return value.fn.name;
    case 'imp': return value.name;
    default: return '';
  }
}
