import { isAst, nameOf, type Ast } from './ast.ts';
import type { Call, Field, Fn, Module, Value } from './ir.ts';
import { lowerClass } from './lower-class.ts';
import { lowerModuleItem } from './lower-module.ts';
import { lowerType, noteTypeDeclaration } from './lower-type.ts';
import { lowerValue } from './lower-value.ts';
import { bind, bindPattern, environmentOf, makeFn, type Lowering, type Place } from './lowering.ts';

const NONE: Value = { k: 'none' };

const LOWERING: Lowering = {
  value: lowerValue, named: lowerNamed, statement: lowerStatement, block: lowerBlock, fn: lowerFunction, cls: lowerClass, decorators: lowerDecorators,
};

/** Makes the compact form of a file's syntax tree. */
export function lowerModule(path: string, text: string, program: Ast): Module {
  const module = {
    path, text, exports: new Map(), stars: [], imports: new Map(), assigned: new Map(), functions: [], classes: [], declared: [], shapes: new Map(), directives: new Set<string>(),
  } as unknown as Omit<Module, 'top'> as { -readonly [K in keyof Module]: Module[K] };
  module.top = makeFn(module, undefined, '<module>', program, 0, 'top');
  const place: Place = { fn: module.top, cls: undefined, devOnly: false, to: LOWERING };
  place.to.block((program.body ?? []) as readonly Ast[], place);
  return module;
}

/** Statements in order; what stands after a `return` or `throw` of the same block never runs. */
function lowerBlock(statements: readonly Ast[], place: Place): void {
  let ended = false;
  let current = place;
  for (const statement of statements) {
    if (ended && statement.type !== 'FunctionDeclaration') continue;
    place.to.statement(statement, current);
    if (statement.type === 'ReturnStatement' || statement.type === 'ThrowStatement') ended = true;
    // `if (production) return;` hides the rest from production.
    if (statement.type === 'IfStatement' && statement.alternate === null && leaves(statement.consequent as Ast) && environmentOf(statement.test, place) === 'production') {
      current = { ...current, devOnly: true };
    }
  }
}

function leaves(node: Ast): boolean {
  if (node.type === 'ReturnStatement') return true;
  return node.type === 'BlockStatement' && (node.body as readonly Ast[]).some((inner) => inner.type === 'ReturnStatement');
}

function lowerStatement(node: Ast, place: Place): void {
  switch (node.type) {
    case 'ExpressionStatement':
      if (node.directive !== undefined) place.fn.module.directives.add(node.directive);
      place.to.value(node.expression as Ast, place);
      return;
    case 'VariableDeclaration':
      for (const declarator of node.declarations ?? []) lowerDeclarator(declarator, place);
      return;
    case 'FunctionDeclaration':
    case 'TSDeclareFunction': {
      const name = nameOf(node.id) ?? 'default';
      if (node.body === null || node.body === undefined) return;
      bind(place.fn, name, { k: 'fn', fn: place.to.fn(node, name, 'declared', place) });
      return;
    }
    case 'ClassDeclaration': {
      const cls = place.to.cls(node, nameOf(node.id) ?? 'default', place);
      bind(place.fn, cls.name, { k: 'cls', cls });
      return;
    }
    case 'ReturnStatement':
      if (isAst(node.argument)) place.fn.returns.push(place.to.value(node.argument, place));
      return;
    case 'ThrowStatement':
      if (isAst(node.argument)) place.to.value(node.argument, place);
      return;
    case 'IfStatement':
      lowerIf(node, place);
      return;
    case 'BlockStatement':
    case 'StaticBlock':
      place.to.block(node.body as readonly Ast[], place);
      return;
    case 'TSModuleBlock':
      place.to.block(node.body as readonly Ast[], place);
      return;
    case 'TryStatement':
      place.to.statement(node.block as Ast, place);
      if (isAst(node.handler)) place.to.statement(node.handler.body as Ast, place);
      if (isAst(node.finalizer)) place.to.statement(node.finalizer, place);
      return;
    case 'SwitchStatement':
      place.to.value(node.discriminant as Ast, place);
      for (const item of node.cases ?? []) {
        if (isAst(item.test)) place.to.value(item.test, place);
        place.to.block(item.consequent as readonly Ast[], place);
      }
      return;
    case 'ForStatement':
    case 'WhileStatement':
    case 'DoWhileStatement':
    case 'LabeledStatement':
      for (const part of [node.init, node.test, node.update]) if (isAst(part)) lowerEither(part, place);
      place.to.statement(node.body as Ast, place);
      return;
    case 'ForOfStatement':
    case 'ForInStatement':
      lowerForOf(node, place);
      return;
    case 'TSEnumDeclaration':
      bind(place.fn, nameOf(node.id) ?? '', lowerEnum(node, place));
      return;
    case 'TSTypeAliasDeclaration':
    case 'TSInterfaceDeclaration':
      noteTypeDeclaration(node, place.fn.module);
      return;
    case 'TSModuleDeclaration':
      if (isAst(node.body)) place.to.statement(node.body, place);
      return;
    case 'ImportDeclaration':
    case 'ExportNamedDeclaration':
    case 'ExportDefaultDeclaration':
    case 'ExportAllDeclaration':
    case 'TSExportAssignment':
    case 'TSImportEqualsDeclaration':
      lowerModuleItem(node, place);
      return;
    default:
  }
}

function lowerEither(node: Ast, place: Place): void {
  if (node.type === 'VariableDeclaration') place.to.statement(node, place);
  else place.to.value(node, place);
}

function lowerForOf(node: Ast, place: Place): void {
  const over = place.to.value(node.right as Ast, place);
  const left = node.left as Ast;
  const pattern = left.type === 'VariableDeclaration' ? (left.declarations?.[0]?.id as Ast) : left;
  const item: Value = node.type === 'ForOfStatement' && over.k === 'arr' ? { k: 'alt', options: over.items } : { k: 'idx', of: over, index: NONE, at: node.start };
  if (isAst(pattern)) bindPattern(pattern, item, place);
  place.to.statement(node.body as Ast, place);
}

function lowerIf(node: Ast, place: Place): void {
  const test = node.test as Ast;
  const constant = constantTest(test);
  const environment = environmentOf(test, place);
  place.to.value(test, place);
  if (constant !== false) place.to.statement(node.consequent as Ast, environment === 'development' ? { ...place, devOnly: true } : place);
  if (isAst(node.alternate) && constant !== true) place.to.statement(node.alternate, environment === 'production' ? { ...place, devOnly: true } : place);
}

function constantTest(test: Ast): boolean | undefined {
  if (test.type === 'Literal' && (typeof test.value === 'boolean' || typeof test.value === 'number')) return Boolean(test.value);
  return undefined;
}

function lowerEnum(node: Ast, place: Place): Value {
  const members = (node.members ?? ((node.body as Ast | undefined)?.members) ?? []) as readonly Ast[];
  const props = members.map((member) => {
    const key = nameOf(member.id) ?? '';
    const initial = (member as { readonly initializer?: Ast | null }).initializer;
    const value: Value = isAst(initial) && initial.type === 'Literal' && typeof initial.value !== 'string'
      ? { k: 'str', v: key, at: member.start }
      : isAst(initial) ? place.to.value(initial, place) : { k: 'str', v: key, at: member.start };
    place.fn.module.declared.push({ text: value.k === 'str' ? value.v : key, at: member.start, what: `enum ${nameOf(node.id) ?? ''}` });
    return { key, value, at: member.start };
  });
  return { k: 'obj', props, at: node.start };
}

function lowerDeclarator(node: Ast, place: Place): void {
  const id = node.id as Ast;
  const name = nameOf(id);
  const value = isAst(node.init) ? place.to.named(node.init, name, place) : NONE;
  if (isAst(id.typeAnnotation) && name !== undefined) place.fn.types.set(name, lowerType(id.typeAnnotation));
  bindPattern(id, value, place);
  if (place.fn.isTop && name !== undefined) noteDeclaredList(value, name, place);
}

/** A constant list of names at the top of a module: declared, whatever else happens to it. */
function noteDeclaredList(value: Value, name: string, place: Place): void {
  const { declared } = place.fn.module;
  if (value.k === 'arr') for (const item of value.items) if (item.k === 'str') declared.push({ text: item.v, at: item.at, what: `list ${name}` });
  if (value.k === 'obj') for (const prop of value.props) if (prop.value.k === 'str') declared.push({ text: prop.value.v, at: prop.value.at, what: `constant ${name}` });
}

/** An expression that gets a name: a function or class keeps it. */
function lowerNamed(node: Ast, name: string | undefined, place: Place): Value {
  if (name !== undefined && (node.type === 'ArrowFunctionExpression' || node.type === 'FunctionExpression')) {
    return { k: 'fn', fn: place.to.fn(node, name, 'declared', place) };
  }
  if (name !== undefined && node.type === 'ClassExpression') return { k: 'cls', cls: place.to.cls(node, name, place) };
  return place.to.value(node, place);
}

/** Lowers a function with its parameters and body. */
function lowerFunction(node: Ast, name: string, kind: Fn['kind'], place: Place, isAccessor = false): Fn {
  const params = node.params ?? [];
  const fn = makeFn(place.fn.module, place.fn, name, node, params.length, kind, isAccessor);
  if (place.cls !== undefined) fn.cls = place.cls;
  // A callback that is called in place of its parent keeps the branch it stands in.
  const inner: Place = { fn, cls: place.cls, devOnly: place.devOnly, to: place.to };
  for (const [index, param] of params.entries()) bindParam(param, index, inner);
  if (isAst(node.body)) {
    if (node.body.type === 'BlockStatement' || node.body.type === 'FunctionBody') place.to.block(functionBody(node.body), inner);
    else fn.returns.push(place.to.value(node.body, inner));
  }
  return fn;
}

function functionBody(body: Ast): readonly Ast[] {
  return (body.body ?? (body as { readonly statements?: readonly Ast[] }).statements ?? []) as readonly Ast[];
}

function bindParam(param: Ast, index: number, place: Place): void {
  if (param.type === 'TSParameterProperty') {
    const inner = param.parameter as Ast;
    bindParam(inner, index, place);
    const target = inner.type === 'AssignmentPattern' ? (inner.left as Ast) : inner;
    const name = nameOf(target);
    if (name === undefined || place.cls === undefined) return;
    const field: Field = { values: [{ value: { k: 'name', name, at: param.start }, fn: place.fn }], decorators: place.to.decorators(param.decorators, place) };
    const type = place.fn.types.get(name);
    if (type !== undefined) field.type = type;
    if (!place.cls.fields.has(name)) place.cls.fields.set(name, field);
    return;
  }
  if (param.type === 'RestElement') bindPattern(param.argument as Ast, { k: 'param', index, rest: true }, place);
  else if (param.type === 'AssignmentPattern') {
    const fallback = place.to.value(param.right as Ast, place);
    bindTyped(param.left as Ast, { k: 'param', index, rest: false }, place);
    if (nameOf(param.left) !== undefined && (fallback.k === 'str' || fallback.k === 'call' || fallback.k === 'name')) place.fn.locals.get(nameOf(param.left)!)?.push(fallback);
  } else bindTyped(param, { k: 'param', index, rest: false }, place);
}

function bindTyped(pattern: Ast, value: Value, place: Place): void {
  const name = nameOf(pattern);
  if (isAst(pattern.typeAnnotation)) {
    const type = lowerType(pattern.typeAnnotation);
    place.fn.types.set(name ?? `#${place.fn.types.size}`, type);
  }
  bindPattern(pattern, value, place);
}

/** Decorators as calls; `@Entity` without parentheses is a call without arguments. */
function lowerDecorators(decorators: readonly Ast[] | undefined, place: Place): readonly Call[] {
  return (decorators ?? []).map((decorator) => {
    const value = place.to.value(decorator.expression as Ast, place);
    if (value.k === 'call') return value.call;
    return { callee: value, args: [], isNew: false, tagged: false, at: decorator.start, end: decorator.end, fn: place.fn, devOnly: false, types: [] };
  });
}
