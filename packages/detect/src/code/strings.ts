import type { Entity, Frame } from './entity.ts';
import type { Module, Value } from './ir.ts';
import type { Resolver } from './resolver.ts';

/** Stands in a string for a piece that is not known. */
export const UNKNOWN_PIECE = '\u0001';

/** A text that a value may have, and where it is written. */
export interface Text {
  readonly text: string;
  readonly at: number;
  readonly module: Module;
}

/** The texts of a value, and the parameters on which others depend. */
export interface Texts {
  readonly texts: readonly Text[];
  readonly params: readonly (Entity & { e: 'param' })[];
}

const MAX_TEXTS = 24;
const KEEPS_TEXT = new Set(['toUpperCase', 'toLowerCase', 'trim', 'toString', 'replace', 'replaceAll', 'valueOf', 'normalize']);

/** What texts a value may have. */
export function textsOf(resolver: Resolver, value: Value, frame: Frame, depth = 0): Texts {
  if (depth > 5) return { texts: [], params: [] };
  if (value.k === 'call') {
    const { callee, args } = value.call;
    if (callee.k === 'mem' && KEEPS_TEXT.has(callee.prop)) return textsOf(resolver, callee.of, frame, depth + 1);
    if (callee.k === 'name' && callee.name === 'String' && args[0] !== undefined) return textsOf(resolver, args[0], frame, depth + 1);
  }
  const texts: Text[] = [];
  const params: (Entity & { e: 'param' })[] = [];
  for (const entity of resolver.resolve(value, frame)) {
    if (entity.e === 'param') params.push(entity);
    else if (entity.e === 'val' && entity.v.k === 'str') texts.push({ text: entity.v.v, at: entity.v.at, module: entity.f.fn.module });
    else if (entity.e === 'val' && entity.v.k === 'tpl') {
      const joined = joinParts(resolver, entity.v.parts, entity.f, depth + 1);
      params.push(...joined.params);
      for (const text of joined.texts) texts.push({ text, at: entity.v.at, module: entity.f.fn.module });
    }
  }
  if (texts.length === 0) texts.push(...enumMember(value, frame));
  return { texts: texts.slice(0, MAX_TEXTS), params: unique(params) };
}

/** A member of an enum that comes from elsewhere, a generated client say, is named like its value. */
function enumMember(value: Value, frame: Frame, depth = 0): Text[] {
  if (value.k === 'alt' && depth < 4) return value.options.flatMap((option) => enumMember(option, frame, depth + 1));
  if (value.k === 'name' && depth < 3) return (frame.fn.locals.get(value.name) ?? []).flatMap((local) => (local.k === 'mem' || local.k === 'alt' ? enumMember(local, frame, depth + 1) : []));
  if (value.k !== 'mem' || !/^[A-Z]/.test(value.prop)) return [];
  const holder = value.of.k === 'name' ? value.of.name : value.of.k === 'mem' ? value.of.prop : '';
  if (!/^\$?[A-Z]/.test(holder)) return [];
  return [{ text: value.prop, at: value.at, module: frame.fn.module }];
}

function unique(params: readonly (Entity & { e: 'param' })[]): readonly (Entity & { e: 'param' })[] {
  if (params.length < 2) return params;
  const seen = new Map<string, Entity & { e: 'param' }>();
  for (const param of params) seen.set(`${param.fn.module.path}:${param.fn.at}:${param.index}:${param.path.join('.')}`, param);
  return [...seen.values()].slice(0, 24);
}

function joinParts(resolver: Resolver, parts: readonly Value[], frame: Frame, depth: number): { texts: string[]; params: (Entity & { e: 'param' })[] } {
  let texts = [''];
  const params: (Entity & { e: 'param' })[] = [];
  for (const part of parts.slice(0, 40)) {
    const inner = part.k === 'str' ? { texts: [{ text: part.v }], params: [] } : textsOf(resolver, part, frame, depth);
    if (params.length < 48) params.push(...inner.params);
    const options = inner.texts.length === 0 || inner.texts.length > 6 ? [UNKNOWN_PIECE] : inner.texts.map(({ text }) => text);
    texts = texts.flatMap((text) => options.map((option) => text + option)).slice(0, MAX_TEXTS);
  }
  return { texts, params };
}
