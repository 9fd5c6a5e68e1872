import { isAst, nameOf, type Ast } from './ast.ts';
import type { Call, Fn, ObjectValue, Prop, Value } from './ir.ts';
import { addExport, bind, bindPattern, environmentOf, lowerTypeArguments, type Place } from './lowering.ts';

const NONE: Value = { k: 'none' };

/** Lowers an expression; calls in it are noted with the function that contains them. */
export function lowerValue(node: Ast, place: Place): Value {
  switch (node.type) {
    case 'Literal':
      if (typeof node.value === 'string') return { k: 'str', v: node.value, at: node.start };
      return typeof node.value === 'number' || typeof node.value === 'boolean' || node.value === null ? { k: 'lit', v: node.value } : NONE;
    case 'TemplateLiteral':
      return template(node, place);
    case 'Identifier':
      return identifier(node, place);
    case 'ThisExpression':
      return { k: 'this' };
    case 'MemberExpression':
      return member(node, place, false);
    case 'ChainExpression':
    case 'ParenthesizedExpression':
    case 'TSAsExpression':
    case 'TSSatisfiesExpression':
    case 'TSNonNullExpression':
    case 'TSTypeAssertion':
    case 'TSInstantiationExpression':
      return place.to.value(node.expression as Ast, place);
    case 'AwaitExpression':
    case 'YieldExpression':
    case 'SpreadElement':
      return isAst(node.argument) ? wrap(node, place.to.value(node.argument, place)) : NONE;
    case 'CallExpression':
    case 'NewExpression':
      return call(node, place);
    case 'ImportExpression': {
      const source = isAst(node.source) ? nameOf(node.source) : undefined;
      if (source === undefined) {
        if (isAst(node.source)) place.to.value(node.source, place);
        place.fn.module.imports.set('*', '*');
        return NONE;
      }
      place.fn.module.imports.set(source, source);
      return { k: 'imp', source, name: '*' };
    }
    case 'TaggedTemplateExpression': {
      const tag = place.to.value(node.tag as Ast, place);
      return note({ callee: tag, args: [template(node.quasi as Ast, place)], isNew: false, tagged: true, at: node.start, end: node.end, fn: place.fn, devOnly: place.devOnly, types: [] });
    }
    case 'ObjectExpression':
      return object(node, place);
    case 'ArrayExpression':
      return { k: 'arr', items: (node.elements ?? []).map((item) => (isAst(item) ? place.to.value(item, place) : NONE)), at: node.start };
    case 'ConditionalExpression':
      return conditional(node, place);
    case 'LogicalExpression':
      return logical(node, place);
    case 'BinaryExpression': {
      const left = place.to.value(node.left as Ast, place);
      const right = place.to.value(node.right as Ast, place);
      return node.operator === '+' ? { k: 'tpl', parts: [left, right], at: node.start } : NONE;
    }
    case 'AssignmentExpression':
      return assignment(node, place);
    case 'ArrowFunctionExpression':
    case 'FunctionExpression':
      return { k: 'fn', fn: place.to.fn(node, nameOf(node.id) ?? '<inline>', 'inline', place) };
    case 'ClassExpression':
      return { k: 'cls', cls: place.to.cls(node, nameOf(node.id) ?? 'default', place) };
    case 'SequenceExpression': {
      const values = (node.expressions ?? []).map((item) => place.to.value(item, place));
      return values.at(-1) ?? NONE;
    }
    case 'UnaryExpression':
    case 'UpdateExpression':
      if (isAst(node.argument)) place.to.value(node.argument, place);
      return NONE;
    case 'JSXElement':
    case 'JSXFragment':
      jsx(node, place);
      return NONE;
    default:
      return NONE;
  }
}

function wrap(node: Ast, value: Value): Value {
  return node.type === 'SpreadElement' ? { k: 'spread', of: value } : value;
}

function identifier(node: Ast, place: Place): Value {
  const name = nameOf(node)!;
  place.fn.refs.add(name);
  return { k: 'name', name, at: node.start };
}

function template(node: Ast, place: Place): Value {
  const quasis = node.quasis ?? [];
  const expressions = node.expressions ?? [];
  const parts: Value[] = [];
  for (const [i, quasi] of quasis.entries()) {
    const { cooked, raw } = (quasi.value ?? {}) as { readonly cooked?: string | null; readonly raw?: string };
    const text = cooked ?? raw ?? '';
    if (text !== '') parts.push({ k: 'str', v: text, at: quasi.start });
    const expression = expressions[i];
    if (expression !== undefined) parts.push(place.to.value(expression, place));
  }
  if (parts.length === 1 && parts[0]!.k === 'str') return { ...parts[0]!, at: node.start };
  return { k: 'tpl', parts, at: node.start };
}

function member(node: Ast, place: Place, isCallee: boolean): Value {
  const of = place.to.value(node.object as Ast, place);
  const key = node.computed === true ? undefined : (nameOf(node.property) ?? (node.property as { readonly name?: string } | undefined)?.name);
  if (key !== undefined) {
    return read({ k: 'mem', of, prop: key, at: node.start }, place, isCallee);
  }
  const index = place.to.value(node.property as Ast, place);
  if (index.k === 'str') {
    return read({ k: 'mem', of, prop: index.v, at: node.start }, place, isCallee);
  }
  return { k: 'idx', of, index, at: node.start };
}

function read(value: Value, place: Place, isCallee: boolean): Value {
  if (!isCallee) place.fn.reads.push(value);
  return value;
}

/** What is called; a member that is called is no member that is read. */
function calleeOf(node: Ast, place: Place): Value {
  const inner = node.type === 'ChainExpression' || node.type === 'ParenthesizedExpression' || node.type === 'TSNonNullExpression' ? (node.expression as Ast) : node;
  return inner.type === 'MemberExpression' ? member(inner, place, true) : place.to.value(inner, place);
}

function call(node: Ast, place: Place): Value {
  const callee = calleeOf(node.callee as Ast, place);
  const args = (node.arguments ?? []).map((item) => place.to.value(item, place));
  if (callee.k === 'name' && callee.name === 'require' && args[0]?.k === 'str') {
    place.fn.module.imports.set(args[0].v, args[0].v);
    return { k: 'imp', source: args[0].v, name: '=' };
  }
  if (callee.k === 'name' && callee.name === 'require') place.fn.module.imports.set('*', '*');
  const made: Call = {
    callee, args, isNew: node.type === 'NewExpression', tagged: false, at: node.start, end: node.end, fn: place.fn, devOnly: place.devOnly,
    types: lowerTypeArguments(node.typeArguments),
  };
  // z.enum([...]), pgEnum('x', [...]): declared names.
  const last = callee.k === 'mem' ? callee.prop : callee.k === 'name' ? callee.name : '';
  if (/enum$/i.test(last)) {
    for (const arg of args) if (arg.k === 'arr') for (const item of arg.items) if (item.k === 'str') place.fn.module.declared.push({ text: item.v, at: item.at, what: last });
  }
  // Object.freeze({...}) is the object.
  if (callee.k === 'mem' && callee.prop === 'freeze' && args[0] !== undefined) {
    if (args[0].k === 'obj' && place.fn.isTop) {
      for (const prop of args[0].props) if (prop.value.k === 'str') place.fn.module.declared.push({ text: prop.value.v, at: prop.value.at, what: 'constant' });
    }
    return args[0];
  }
  return note(made);
}

function note(made: Call): Value {
  made.fn.calls.push(made);
  return { k: 'call', call: made };
}

function object(node: Ast, place: Place): Value {
  const props: Prop[] = [];
  const functions: Fn[] = [];
  for (const item of node.properties ?? []) {
    if (item.type === 'SpreadElement') {
      props.push({ key: undefined, value: place.to.value(item.argument as Ast, place), at: item.start });
      continue;
    }
    const key = item.computed === true ? undefined : nameOf(item.key);
    const inner = item.value as Ast;
    if (key !== undefined && (inner.type === 'ArrowFunctionExpression' || inner.type === 'FunctionExpression')) {
      const fn = place.to.fn(inner, key, 'property', place, item.kind === 'get');
      functions.push(fn);
      props.push({ key, value: { k: 'fn', fn }, at: item.start });
    } else {
      const computed = item.computed === true ? place.to.value(item.key as Ast, place) : undefined;
      props.push({ key: key ?? '', ...(computed === undefined ? {} : { computed }), value: place.to.named(inner, undefined, place), at: item.start });
    }
  }
  const made: ObjectValue = { k: 'obj', props, at: node.start };
  for (const fn of functions) fn.owner = made;
  return made;
}

/** Of a choice between production and the rest, production's arm. */
function conditional(node: Ast, place: Place): Value {
  const environment = environmentOf(node.test, place);
  place.to.value(node.test as Ast, place);
  const yes = place.to.value(node.consequent as Ast, environment === 'development' ? { ...place, devOnly: true } : place);
  const no = place.to.value(node.alternate as Ast, environment === 'production' ? { ...place, devOnly: true } : place);
  if (environment === 'production') return yes;
  if (environment === 'development') return no;
  return { k: 'alt', options: [yes, no] };
}

function logical(node: Ast, place: Place): Value {
  const environment = node.operator === '&&' ? environmentOf(node.left, place) : undefined;
  const left = place.to.value(node.left as Ast, place);
  const right = place.to.value(node.right as Ast, environment === 'development' ? { ...place, devOnly: true } : place);
  if (node.operator === '&&') return environment === 'development' ? NONE : right;
  return { k: 'alt', options: [left, right] };
}

function assignment(node: Ast, place: Place): Value {
  const left = node.left as Ast;
  const right = node.right as Ast;
  const name = left.type === 'Identifier' ? nameOf(left) : left.type === 'MemberExpression' && left.computed !== true ? nameOf(left.property) : undefined;
  const value = place.to.named(right, name, place);
  if (left.type === 'Identifier') {
    const owner = scopeOf(name!, place.fn);
    if (owner === place.fn || value.k !== 'name') bind(owner, name!, value);
  } else if (left.type === 'MemberExpression') assignMember(left, value, place);
  else if (left.type === 'ObjectPattern' || left.type === 'ArrayPattern') bindPattern(left, value, place);
  return value;
}

function scopeOf(name: string, fn: Fn): Fn {
  for (let scope: Fn | undefined = fn; scope !== undefined; scope = scope.parent) if (scope.locals.has(name)) return scope;
  return fn;
}

function assignMember(left: Ast, value: Value, place: Place): void {
  const target = place.to.value(left, place);
  if (target.k !== 'mem') return;
  const { module } = place.fn;
  const path = pathOf(target);
  if (path === undefined) return;
  if (path === 'module.exports') addExport(module, '=', value);
  else if (path.startsWith('module.exports.')) addExport(module, path.slice('module.exports.'.length), value);
  else if (path.startsWith('exports.')) addExport(module, path.slice('exports.'.length), value);
  else if (path.startsWith('this.') && place.cls !== undefined && !path.slice(5).includes('.')) {
    const key = path.slice(5);
    const field = place.cls.fields.get(key);
    if (field === undefined) place.cls.fields.set(key, { values: [{ value, fn: place.fn }], decorators: [] });
    else if (field.values.length < 8) field.values.push({ value, fn: place.fn });
  } else {
    const known = module.assigned.get(path);
    if (known === undefined) module.assigned.set(path, [{ value, fn: place.fn }]);
    else if (known.length < 8) known.push({ value, fn: place.fn });
  }
}

function pathOf(value: Value): string | undefined {
  if (value.k === 'name') return value.name;
  if (value.k === 'this') return 'this';
  if (value.k !== 'mem') return undefined;
  const of = pathOf(value.of);
  return of === undefined ? undefined : `${of}.${value.prop}`;
}

function jsx(node: Ast, place: Place): void {
  const opening = node.openingElement;
  if (opening !== undefined) {
    const name = opening.name as Ast | undefined;
    if (isAst(name)) {
      const root = name.type === 'JSXMemberExpression' ? (name.object as Ast) : name;
      const id = nameOf(root);
      if (id !== undefined) place.fn.refs.add(id);
    }
    for (const attribute of opening.attributes ?? []) {
      if (attribute.type === 'JSXSpreadAttribute' && isAst(attribute.argument)) place.to.value(attribute.argument, place);
      if (isAst(attribute.value)) jsxChild(attribute.value, place);
    }
  }
  for (const child of node.children ?? []) jsxChild(child, place);
}

function jsxChild(node: Ast, place: Place): void {
  if (node.type === 'JSXElement' || node.type === 'JSXFragment') jsx(node, place);
  else if ((node.type === 'JSXExpressionContainer' || node.type === 'JSXSpreadChild') && isAst(node.expression)) place.to.value(node.expression, place);
}

