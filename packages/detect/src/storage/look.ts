import type { Bound, Frame } from '../code/entity.ts';
import type { Value } from '../code/ir.ts';
import type { Resolver } from '../code/resolver.ts';
import { textsOf } from '../code/strings.ts';

/** A property of whatever objects a value may be. */
export function look(resolver: Resolver, value: Value | undefined, frame: Frame, key: string): readonly Bound[] {
  if (value === undefined) return [];
  return resolver.resolve(value, frame).flatMap((entity): Bound[] => {
    if (entity.e !== 'val' || entity.v.k !== 'obj') return [];
    const own = entity.v.props.findLast((prop) => prop.key === key);
    if (own !== undefined) return [{ value: own.value, frame: entity.f }];
    return entity.v.props.filter((prop) => prop.key === undefined).flatMap((prop) => look(resolver, prop.value, entity.f, key));
  });
}

/** The text of a property, if it has one. */
export function lookText(resolver: Resolver, value: Value | undefined, frame: Frame, key: string): string | undefined {
  for (const found of look(resolver, value, frame, key)) {
    const text = textsOf(resolver, found.value, found.frame).texts[0]?.text;
    if (text !== undefined) return text;
  }
  return undefined;
}

/** The number or boolean of a property, if it is written. */
export function lookLiteral(resolver: Resolver, value: Value | undefined, frame: Frame, key: string): number | boolean | undefined {
  for (const found of look(resolver, value, frame, key)) {
    const literal = literalOf(resolver, found);
    if (literal !== undefined) return literal;
  }
  return undefined;
}

function literalOf(resolver: Resolver, bound: Bound): number | boolean | undefined {
  const { value } = bound;
  if (value.k === 'lit' && value.v !== null) return value.v;
  if (value.k === 'name') for (const local of bound.frame.fn.module.top.locals.get(value.name) ?? []) if (local.k === 'lit' && local.v !== null) return local.v;
  if (value.k === 'alt') for (const option of value.options) if (option.k === 'lit' && option.v !== null) return option.v;
  void resolver;
  return undefined;
}

/** Items of an array, spread ones included. */
export function items(resolver: Resolver, bound: Bound): readonly Bound[] {
  return resolver.resolve(bound.value, bound.frame).flatMap((entity): Bound[] => {
    if (entity.e !== 'val' || entity.v.k !== 'arr') return [];
    return entity.v.items.flatMap((item): readonly Bound[] => {
      if (item.k === 'alt') return item.options.map((option) => ({ value: option, frame: entity.f }));
      return item.k === 'spread' ? spreadItems(resolver, item.of, entity.f) : [{ value: item, frame: entity.f }];
    });
  });
}

function spreadItems(resolver: Resolver, value: Value, frame: Frame): readonly Bound[] {
  if (value.k === 'alt') return value.options.flatMap((option) => spreadItems(resolver, option, frame));
  return items(resolver, { value, frame });
}
