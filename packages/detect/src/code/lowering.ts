import { isAst, nameOf, type Ast } from './ast.ts';
import type { Call, Cls, Fn, Module, TypeRef, Value } from './ir.ts';
import { lowerType } from './lower-type.ts';

const NONE: Value = { k: 'none' };

/** The parts of the lowering, which call each other. */
export interface Lowering {
  readonly value: (node: Ast, place: Place) => Value;
  readonly named: (node: Ast, name: string | undefined, place: Place) => Value;
  readonly statement: (node: Ast, place: Place) => void;
  readonly block: (nodes: readonly Ast[], place: Place) => void;
  readonly fn: (node: Ast, name: string, kind: Fn['kind'], place: Place, isAccessor?: boolean) => Fn;
  readonly cls: (node: Ast, name: string, place: Place) => Cls;
  readonly decorators: (nodes: readonly Ast[] | undefined, place: Place) => readonly Call[];
}

/** Where the lowering stands: in which function, class and branch. */
export interface Place {
  readonly fn: Fn;
  readonly cls: Cls | undefined;
  readonly devOnly: boolean;
  readonly to: Lowering;
}

/** A function without anything in it yet; it is known to its module and its parent from now on. */
export function makeFn(module: Module, parent: Fn | undefined, name: string, node: Ast, paramCount: number, kind: Fn['kind'], isAccessor = false): Fn {
  const fn: Fn = {
    name, module, parent, at: node.start, end: node.end, paramCount, locals: new Map(), types: new Map(), calls: [], returns: [],
    refs: new Set(), members: new Set(), reads: [], children: [], isTop: kind === 'top', decorators: [], kind, isAccessor,
  };
  module.functions.push(fn);
  parent?.children.push(fn);
  return fn;
}

/** Whether a test holds in production only, in development only, or does not ask. */
export function environmentOf(node: Ast | null | undefined, place: Place): 'production' | 'development' | undefined {
  if (!isAst(node)) return undefined;
  if (node.type === 'ParenthesizedExpression') return environmentOf(node.expression as Ast, place);
  if (node.type === 'BinaryExpression' && isAst(node.left) && isAst(node.right)) {
    const [side, literal] = node.right.type === 'Literal' ? [node.left, node.right.value] : [node.right, node.left.value];
    if (typeof literal !== 'string') return undefined;
    const text = place.fn.module.text.slice(side.start, side.end);
    if (!/NODE_ENV|APP_ENV|VERCEL_ENV|\benvironment\b|\.env$|nodeEnv/i.test(text)) return undefined;
    const production = /^prod/i.test(literal);
    const development = /^(?:dev|test|local)/i.test(literal);
    if (!production && !development) return undefined;
    const equal = node.operator === '===' || node.operator === '==';
    return production === equal ? 'production' : production ? 'development' : equal ? 'development' : undefined;
  }
  if (node.type === 'UnaryExpression' && node.operator === '!') {
    const inner = environmentOf(node.argument, place);
    return inner === 'production' ? 'development' : inner === 'development' ? 'production' : undefined;
  }
  if (node.type === 'LogicalExpression' && node.operator === '&&') return environmentOf(node.left, place) ?? environmentOf(node.right, place);
  const name = node.type === 'MemberExpression' ? nameOf(node.property) : nameOf(node);
  if (name === undefined) return undefined;
  if (/^(?:is_?)?prod(?:uction)?$/i.test(name)) return 'production';
  if (/^(?:is_?)?dev(?:elopment)?(?:_?mode)?$/i.test(name) || /^__DEV__$/.test(name)) return 'development';
  return undefined;
}

/** Binds the names of a pattern to the parts of a value. */
export function bindPattern(pattern: Ast, value: Value, place: Place): void {
  switch (pattern.type) {
    case 'Identifier':
      bind(place.fn, nameOf(pattern)!, value);
      return;
    case 'AssignmentPattern': {
      const fallback = place.to.value(pattern.right as Ast, place);
      bindPattern(pattern.left as Ast, fallback.k === 'str' ? { k: 'alt', options: [value, fallback] } : value, place);
      return;
    }
    case 'ObjectPattern':
      for (const prop of pattern.properties ?? []) {
        if (prop.type === 'RestElement') bindPattern(prop.argument as Ast, value, place);
        else {
          const key = prop.computed === true ? undefined : nameOf(prop.key);
          bindPattern(prop.value as Ast, key === undefined ? NONE : { k: 'mem', of: value, prop: key, at: prop.start }, place);
          if (key !== undefined) place.fn.members.add(key);
        }
      }
      return;
    case 'ArrayPattern':
      for (const [i, item] of (pattern.elements ?? []).entries()) {
        if (isAst(item)) bindPattern(item, { k: 'idx', of: value, index: { k: 'lit', v: i }, at: item.start }, place);
      }
      return;
    case 'RestElement':
      bindPattern(pattern.argument as Ast, NONE, place);
      return;
    default:
  }
}

/** Remembers one more value of a name. */
export function bind(fn: Fn, name: string, value: Value): void {
  const known = fn.locals.get(name);
  if (known === undefined) fn.locals.set(name, [value]);
  else if (known.length < 12) known.push(value);
}

/** Names of types as they stand in type arguments. */
export function lowerTypeArguments(node: Ast | null | undefined): readonly TypeRef[] {
  return isAst(node) ? (node.params ?? []).map(lowerType) : [];
}

/** Adds an export; `module.exports` may be assigned more than once. */
export function addExport(module: Module, name: string, value: Value): void {
  const known = module.exports.get(name);
  if (known === undefined) module.exports.set(name, [value]);
  else known.push(value);
}
