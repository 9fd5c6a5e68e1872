import type { ServerResponse } from 'node:http';

/**
 * Asked when a response is about to go out, and again at its end where that comes later.
 *
 * `undefined`: there is nothing to wait for. A promise: the response goes on when it resolves, unless that is with a function: then
 * what was held back is dropped, and the function answers instead.
 */
export type Gate = (isEnd: boolean) => Promise<void | (() => void)> | undefined;

type Method = 'writeHead' | 'flushHeaders' | 'write' | 'end';
type AnyFunction = (this: unknown, ...args: unknown[]) => unknown;

const GATE = Symbol('indelible response gate');
const GUARDED = Symbol('indelible response gate of a prototype');
type Gated = Record<Method, AnyFunction> & { [GATE]?: ResponseGate; [GUARDED]?: true };

/**
 * Puts a gate before everything by which a response of Node's HTTP server goes out: not a byte leaves before the gate has let it.
 *
 * What others wrapped around the response before is inside of the gate, what they wrap later is outside. Calls that are held back
 * keep their order; `write` then says that the buffer is full, and `drain` follows. `write` and `flushHeaders` are guarded on the
 * response's prototype, which Express makes for each application: two more properties on each response cost more than all the rest.
 */
export function gateResponse(res: ServerResponse, gate: Gate): void {
  const target = res as unknown as Gated;
  target[GATE] = new ResponseGate(target, gate);
  target.end = gatedEnd;
  target.writeHead = gatedWriteHead;
  const prototype = Object.getPrototypeOf(res) as Gated;
  if (prototype[GUARDED] !== true) guardPrototype(prototype);
  // Something in front of us put its own there, a compression for instance.
  if (target.write !== prototype.write) guard(target, 'write');
  if (target.flushHeaders !== prototype.flushHeaders) guard(target, 'flushHeaders');
}

// One function for all responses: to make them for each costs more than to look up its gate.
function gatedEnd(this: unknown, ...args: unknown[]): unknown {
  const gate = (this as Gated)[GATE]!;
  return gate.call(gate.end, args, true, this);
}

function gatedWriteHead(this: unknown, ...args: unknown[]): unknown {
  const gate = (this as Gated)[GATE]!;
  return gate.call(gate.writeHead, args, false, this);
}

/** Whether a response has a gate. */
export function isGated(res: ServerResponse): boolean {
  return (res as unknown as Gated)[GATE] !== undefined;
}

function guardPrototype(prototype: Gated): void {
  prototype[GUARDED] = true;
  guard(prototype, 'write');
  guard(prototype, 'flushHeaders');
}

function guard(target: Gated, method: 'write' | 'flushHeaders'): void {
  const inner = target[method];
  target[method] = function guarded(...args) {
    const gate = (this as Gated)[GATE];
    return gate === undefined ? inner.apply(this, args) : gate.call(inner, args, false, method === 'write' ? false : undefined);
  };
}

class ResponseGate {
  /** What is inside of the gate. */
  readonly end: AnyFunction;
  readonly writeHead: AnyFunction;
  readonly #res: ServerResponse;
  readonly #gate: Gate;
  #hasBegun = false;
  #hasEnded = false;
  #held: { readonly inner: AnyFunction; readonly args: unknown[]; readonly isEnd: boolean; readonly whileHeld: unknown }[] | undefined;

  constructor(target: Gated, gate: Gate) {
    this.#res = target as unknown as ServerResponse;
    this.end = target.end;
    this.writeHead = target.writeHead;
    this.#gate = gate;
  }

  /** Makes a call, or holds it back and says `whileHeld`. */
  call(inner: AnyFunction, args: unknown[], isEnd: boolean, whileHeld: unknown): unknown {
    if (this.#mayPass(isEnd)) return inner.apply(this.#res, args);
    this.#held?.push({ inner, args, isEnd, whileHeld });
    return whileHeld;
  }

  #mayPass(isEnd: boolean): boolean {
    if (this.#held !== undefined) return false;
    // Node calls writeHead itself, from within a write or an end that has passed.
    if (this.#hasEnded || (this.#hasBegun && !isEnd)) return true;
    this.#hasBegun = true;
    this.#hasEnded = isEnd;
    const opening = this.#gate(isEnd);
    if (opening === undefined) return true;
    this.#held = [];
    opening.then(
      (answer) => this.#release(answer),
      (error: unknown) => this.#res.destroy(error as Error),
    );
    return false;
  }

  #release(answer: void | (() => void)): void {
    const calls = this.#held ?? [];
    this.#held = undefined;
    const res = this.#res;
    try {
      if (answer !== undefined) {
        this.#hasBegun = this.#hasEnded = true;
        answer();
        return;
      }
      for (const { inner, args, isEnd, whileHeld } of calls) this.call(inner, args, isEnd, whileHeld);
      if (calls.some(({ whileHeld }) => whileHeld === false) && !res.writableEnded && !res.writableNeedDrain) res.emit('drain');
    } catch (error) {
      // A bad header, for instance: the route that gave it is gone, and cannot be told.
      res.destroy(error as Error);
    }
  }
}
