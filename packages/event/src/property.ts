/** Own keys with these names change what naive code reads from an object; nobody needs them in an audit record. */
export function isForbiddenKey(key: string): boolean {
  return key === '__proto__' || key === 'constructor' || key === 'prototype';
}

type LookupGetter = (this: object, key: string | number) => unknown;

// Asks without allocating a descriptor: with getOwnPropertyDescriptor an ordinary event costs a fifth more. The
// method is part of the language since ES2020 (Annex B) and taken once, before anybody could replace it.
const lookupGetter = (Object.prototype as unknown as { __lookupGetter__: LookupGetter }).__lookupGetter__;

/**
 * Whether a property is computed by a getter, which would run foreign code when read.
 *
 * Also sees inherited getters; callers ask about own keys only.
 */
export function hasGetter(object: object, key: string | number): boolean {
  return lookupGetter.call(object, key) !== undefined;
}
