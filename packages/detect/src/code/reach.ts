import type { Fn } from './ir.ts';
import { lastName } from './ir.ts';
import type { Project } from './project.ts';

/** Functions that could lead to some functions, judged by names alone. */
export interface Reach {
  /** Names of methods and functions on the way. */
  readonly names: ReadonlySet<string>;
  /** Whether one of them is a function in an object. */
  readonly throughObjects: boolean;
}

/**
 * Goes backwards from functions over everything that mentions their names. What is not on the way needs no exact answer: it cannot make
 * them run. That saves most of the questions, as few functions of a codebase have to do with sessions.
 */
export function reachOf(project: Project, targets: Iterable<Fn>): Reach {
  const mentions = new Map<string, Fn[]>();
  const note = (name: string, fn: Fn): void => {
    const known = mentions.get(name);
    if (known === undefined) mentions.set(name, [fn]);
    else if (known.at(-1) !== fn) known.push(fn);
  };
  for (const module of project.modules.values()) {
    for (const fn of module.functions) {
      for (const name of fn.refs) note(name, fn);
      for (const name of fn.members) note(name, fn);
      for (const value of fn.reads) if (value.k === 'mem') note(value.prop, fn);
      for (const call of fn.calls) {
        const name = lastName(call.callee);
        if (name !== undefined) note(name, fn);
      }
    }
  }
  const names = new Set<string>();
  const seen = new Set<Fn>();
  const queue = [...targets];
  let throughObjects = false;
  for (let fn = queue.pop(); fn !== undefined; fn = queue.pop()) {
    for (let at: Fn | undefined = fn; at !== undefined; at = at.parent) {
      if (seen.has(at)) break;
      seen.add(at);
      if (at.kind === 'property') throughObjects = true;
      for (const name of [at.name, at.cls?.name, ...aliases(at)]) {
        if (name === undefined || name === '<inline>' || name === '<module>' || names.has(name)) continue;
        names.add(name);
        for (const mention of mentions.get(name) ?? []) if (!seen.has(mention)) queue.push(mention);
      }
    }
  }
  return { names, throughObjects };
}

/** Names under which a function is kept: variables, exports. */
function aliases(fn: Fn): string[] {
  const found: string[] = [];
  for (const [name, values] of fn.parent?.locals ?? []) {
    if (values.some((value) => (value.k === 'fn' && value.fn === fn) || (value.k === 'call' && value.call.args.some((arg) => arg.k === 'fn' && arg.fn === fn)))) found.push(name);
  }
  for (const [name, values] of fn.module.exports) if (values.some((value) => (value.k === 'fn' && value.fn === fn) || (value.k === 'name' && (value.name === fn.name || found.includes(value.name))))) found.push(name);
  return found;
}
