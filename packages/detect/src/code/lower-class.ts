import { isAst, nameOf, type Ast } from './ast.ts';
import type { Cls, Field, Fn } from './ir.ts';
import { lowerType } from './lower-type.ts';
import type { Place } from './lowering.ts';

/** Lowers a class: methods, fields, decorators. */
export function lowerClass(node: Ast, name: string, place: Place): Cls {
  const { module } = place.fn;
  const cls: Cls = {
    name, module, fn: place.fn,
    superClass: isAst(node.superClass) ? place.to.value(node.superClass, place) : undefined,
    implementsNames: (node.implements ?? []).map((item) => nameOf(item.expression as Ast) ?? '').filter((item) => item !== ''),
    methods: new Map(), fields: new Map(), decorators: [], at: node.start,
  };
  module.classes.push(cls);
  const inner: Place = { ...place, cls };
  cls.decorators = place.to.decorators(node.decorators, place);
  for (const member of ((node.body as Ast | undefined)?.body ?? []) as readonly Ast[]) lowerMember(member, cls, inner);
  return cls;
}

function lowerMember(member: Ast, cls: Cls, place: Place): void {
  const key = nameOf(member.key) ?? '';
  if (member.type === 'MethodDefinition' || member.type === 'TSAbstractMethodDefinition') {
    const value = member.value as Ast;
    if (!isAst(value.body)) return;
    addMethod(cls, key, place.to.fn(value, key, 'method', place, member.kind === 'get'), place.to.decorators(member.decorators, place));
  } else if (member.type === 'PropertyDefinition' || member.type === 'AccessorProperty') {
    const initial = member.value;
    if (isAst(initial) && (initial.type === 'ArrowFunctionExpression' || initial.type === 'FunctionExpression')) {
      addMethod(cls, key, place.to.fn(initial, key, 'method', place), place.to.decorators(member.decorators, place));
      return;
    }
    const field: Field = { values: isAst(initial) ? [{ value: place.to.value(initial, place), fn: place.fn }] : [], decorators: place.to.decorators(member.decorators, place) };
    if (isAst(member.typeAnnotation)) field.type = lowerType(member.typeAnnotation);
    const known = cls.fields.get(key);
    cls.fields.set(key, known === undefined ? field : { ...field, values: [...field.values, ...known.values] });
  } else if (member.type === 'StaticBlock') place.to.block(member.body as readonly Ast[], place);
}

function addMethod(cls: Cls, key: string, fn: Fn, decorators: Fn['decorators']): void {
  fn.decorators = decorators;
  cls.methods.set(key, fn);
}
