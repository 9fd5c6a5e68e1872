import type { Call, Cls, Fn, TypeRef, Value } from './ir.ts';

/** A function as it runs: with arguments where the call is known, and the function around it. */
export interface Frame {
  readonly fn: Fn;
  readonly args?: readonly Bound[];
  readonly up?: Frame;
  readonly self?: Entity;
}

/** An argument, with the frame in which it is to be understood. */
export interface Bound {
  readonly value: Value;
  readonly frame: Frame;
}

/** What a value may be. */
export type Entity =
  | { readonly e: 'val'; readonly v: Value; readonly f: Frame }
  | { readonly e: 'fn'; readonly fn: Fn; readonly f: Frame; readonly self?: Entity }
  | { readonly e: 'cls'; readonly cls: Cls }
  | { readonly e: 'inst'; readonly cls: Cls; readonly made?: { readonly call: Call; readonly f: Frame } }
  | { readonly e: 'mod'; readonly path: string }
  /** Something of a package from outside; `path` is dotted. */
  | { readonly e: 'ext'; readonly pkg: string; readonly path: string }
  /** What a call of something from outside gave, and what was taken from that. */
  | { readonly e: 'made'; readonly pkg: string; readonly path: string; readonly call: Call; readonly f: Frame; readonly rest: readonly string[]; readonly last?: Call }
  /** Known by its type alone. */
  | { readonly e: 'typed'; readonly pkg: string | undefined; readonly type: TypeRef; readonly rest: readonly string[]; readonly fn: Fn }
  | { readonly e: 'param'; readonly fn: Fn; readonly index: number; readonly path: readonly string[] }
  | { readonly e: 'global'; readonly name: string };

/** The frame of a function that lies around the one that runs. */
export function frameOf(scope: Fn, frame: Frame): Frame {
  for (let at: Frame | undefined = frame; at !== undefined; at = at.up) if (at.fn === scope) return at;
  return { fn: scope };
}
