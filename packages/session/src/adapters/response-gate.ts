import type { ServerResponse } from 'node:http';
import { freezeHead, type FrozenHead } from './frozen-head.ts';

/**
 * Asked when a response is about to go out, and again at its end where that comes later.
 *
 * `undefined`: there is nothing to wait for. A promise: the response goes on when it resolves, unless that is with a function: then
 * what was held back is dropped, and the function answers instead. A gate that throws, or rejects, cuts the connection.
 */
export type Gate = (isEnd: boolean) => Promise<void | (() => void)> | undefined;

/** Asked before each later part of an answer, and when held calls are about to go on: whether something changed since. */
export type LaterGate = () => ReturnType<Gate>;

type Method = 'writeHead' | 'flushHeaders' | 'write' | 'writeEarlyHints' | 'end';
type AnyFunction = (this: unknown, ...args: unknown[]) => unknown;

const GATE = Symbol('indelible response gate');
type Gated = Record<Method, AnyFunction> & { [GATE]?: ResponseGate };

/**
 * Puts a gate before everything by which a response of Node's HTTP server goes out: not a byte leaves before the gate has let it.
 *
 * What others wrapped around the response before is inside of the gate, what they wrap later is outside. Calls that are held back
 * keep their order; `write` then says that the buffer is full, and `drain` follows. To everybody else a response that is held is one
 * that has been sent: its head cannot be changed any more, and after an `end` it is over.
 *
 * The guards are the response's own: Express gives a response another prototype whenever another application takes over.
 */
export function gateResponse(res: ServerResponse, gate: Gate, later?: LaterGate): void {
  const target = res as unknown as Gated;
  target[GATE] = new ResponseGate(target, gate, later);
  target.end = gatedEnd;
  target.writeHead = gatedWriteHead;
  target.write = gatedWrite;
  target.flushHeaders = gatedFlushHeaders;
  target.writeEarlyHints = gatedEarlyHints;
}

/** Whether a response has a gate. */
export function isGated(res: ServerResponse): boolean {
  return (res as unknown as Gated)[GATE] !== undefined;
}

/** Whether this is the response of an HTTP server: for an upgrade, express-session is often given an empty object in its place. */
export function canBeGated(res: unknown): boolean {
  const { write, flushHeaders, on } = res as Partial<Record<string, unknown>>;
  return typeof write === 'function' && typeof flushHeaders === 'function' && typeof on === 'function';
}

// One function for all responses: to make them for each costs more than to look up its gate.
function gatedEnd(this: unknown, ...args: unknown[]): unknown {
  const gate = (this as Gated)[GATE]!;
  return gate.call('end', gate.end, args, this);
}

function gatedWriteHead(this: unknown, ...args: unknown[]): unknown {
  const gate = (this as Gated)[GATE]!;
  return gate.call('writeHead', gate.writeHead, args, this);
}

function gatedWrite(this: unknown, ...args: unknown[]): unknown {
  const gate = (this as Gated)[GATE]!;
  return gate.call('write', gate.write, args, false);
}

function gatedFlushHeaders(this: unknown, ...args: unknown[]): unknown {
  const gate = (this as Gated)[GATE]!;
  return gate.call('flushHeaders', gate.flushHeaders, args, undefined);
}

function gatedEarlyHints(this: unknown, ...args: unknown[]): unknown {
  const gate = (this as Gated)[GATE]!;
  return gate.call('writeEarlyHints', gate.writeEarlyHints, args, undefined);
}

interface HeldCall {
  readonly method: Method;
  readonly inner: AnyFunction;
  readonly args: unknown[];
  readonly whileHeld: unknown;
}

class ResponseGate {
  /** What is inside of the gate. */
  readonly end: AnyFunction;
  readonly writeHead: AnyFunction;
  readonly write: AnyFunction;
  readonly flushHeaders: AnyFunction;
  readonly writeEarlyHints: AnyFunction;
  readonly #res: ServerResponse;
  readonly #gate: Gate;
  readonly #later: LaterGate | undefined;
  #hasBegun = false;
  #hasEnded = false;
  #held: HeldCall[] | undefined;
  #frozen: FrozenHead | undefined;

  constructor(target: Gated, gate: Gate, later: LaterGate | undefined) {
    this.#res = target as unknown as ServerResponse;
    this.end = target.end;
    this.writeHead = target.writeHead;
    this.write = target.write;
    this.flushHeaders = target.flushHeaders;
    this.writeEarlyHints = target.writeEarlyHints;
    this.#gate = gate;
    this.#later = later;
  }

  /** Makes a call, or holds it back and says `whileHeld`. */
  call(method: Method, inner: AnyFunction, args: unknown[], whileHeld: unknown): unknown {
    if (this.#mayPass(method)) return inner.apply(this.#res, args);
    if (method === 'writeHead' && this.#frozen !== undefined) return this.#frozen.writeHead();
    this.#held?.push({ method, inner, args, whileHeld });
    if (method !== 'writeEarlyHints') this.#frozen ??= freezeHead(this.#res);
    if (method === 'end') this.#frozen?.end();
    return whileHeld;
  }

  #mayPass(method: Method): boolean {
    if (this.#held !== undefined) return false;
    // Node calls writeHead itself, from within a write or an end that has passed.
    if (this.#hasEnded) return true;
    const opening = this.#ask(method);
    if (opening === undefined) return true;
    this.#held = [];
    this.#waitFor(opening);
    return false;
  }

  #ask(method: Method): ReturnType<Gate> {
    const isEnd = method === 'end';
    if (this.#hasBegun && !isEnd) return this.#later?.();
    // Hints are not the answer: that comes with a head of its own.
    this.#hasBegun ||= method !== 'writeEarlyHints';
    this.#hasEnded = isEnd;
    try {
      return this.#gate(isEnd);
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  #waitFor(opening: Promise<void | (() => void)>): void {
    opening
      .then((answer) => this.#release(answer))
      // A gate that failed; or a bad header, for instance: the route that gave it is gone, and cannot be told.
      .catch((error: unknown) => this.#res.destroy(error as Error));
  }

  #release(answer: void | (() => void)): void {
    const res = this.#res;
    if (answer === undefined) {
      const again = this.#later?.();
      if (again !== undefined) {
        this.#waitFor(again);
        return;
      }
    }
    const calls = this.#held ?? [];
    this.#held = undefined;
    this.#frozen?.thaw();
    this.#frozen = undefined;
    if (answer !== undefined) {
      this.#hasBegun = this.#hasEnded = true;
      answer();
      return;
    }
    for (const { method, inner, args, whileHeld } of calls) this.call(method, inner, args, whileHeld);
    const wasFull = calls.some(({ whileHeld }) => whileHeld === false);
    if (wasFull && this.#held === undefined && !res.writableEnded && !res.writableNeedDrain) res.emit('drain');
  }
}
