import type { Entity } from './entity.ts';

const MAX_RESULTS = 16;

/** Entities without repetition, and not more than a question can use. */
export function distinct(found: readonly Entity[]): readonly Entity[] {
  if (found.length < 3) return found;
  const unique = found.filter((entity, i) => !found.slice(Math.max(0, i - 32), i).some((other) => isSame(entity, other)));
  return unique.length > MAX_RESULTS ? unique.slice(0, MAX_RESULTS) : unique;
}

function isSame(a: Entity, b: Entity): boolean {
  if (a.e !== b.e) return false;
  switch (a.e) {
    case 'val': return a.v === (b as typeof a).v && a.f === (b as typeof a).f;
    case 'fn': return a.fn === (b as typeof a).fn && a.f === (b as typeof a).f;
    case 'cls': return a.cls === (b as typeof a).cls;
    case 'inst': return a.cls === (b as typeof a).cls && a.made?.call === (b as typeof a).made?.call;
    case 'mod': return a.path === (b as typeof a).path;
    case 'ext': return a.pkg === (b as typeof a).pkg && a.path === (b as typeof a).path;
    case 'made': return a.call === (b as typeof a).call && a.f === (b as typeof a).f && a.last === (b as typeof a).last && a.rest.join('.') === (b as typeof a).rest.join('.');
    case 'typed': return a.type.name === (b as typeof a).type.name && a.fn === (b as typeof a).fn && a.rest.join('.') === (b as typeof a).rest.join('.');
    case 'param': return a.fn === (b as typeof a).fn && a.index === (b as typeof a).index && a.path.join('.') === (b as typeof a).path.join('.');
    default: return a.name === (b as typeof a).name;
  }
}
