import type { Caller, Callers } from '../code/callers.ts';
import type { Bound, Frame } from '../code/entity.ts';
import type { Call, Fn, Module, Value } from '../code/ir.ts';
import type { Resolver } from '../code/resolver.ts';
import type { Sink } from '../sinks/sink.ts';
import type { EventName } from './event-name.ts';
import { readRecord, surroundingsOf } from './record.ts';

/** One place where an event is logged: the call in which it gets its name, and the sink it ends in. */
export interface Occurrence {
  readonly event: EventName | 'other';
  readonly text: string;
  /** Where the name is written, or the call that carries it. */
  readonly module: Module;
  readonly at: number;
  readonly fn: Fn;
  readonly sink: Sink;
  /** From the place to the sink: wrappers in between. */
  readonly through: readonly Call[];
  readonly named: boolean;
}

const MAX_HOPS = 5;
const MAX_VISITS = 6_000;
const NOTHING: Value = { k: 'none' };

/** Follows every sink backwards through its wrappers, until no parameter is left that could name an event. */
export function traceSinks(resolver: Resolver, callers: Callers, sinks: readonly Sink[]): Occurrence[] {
  const found: Occurrence[] = [];
  for (const sink of sinks) {
    let visits = 0;
    const visit = (bindings: ReadonlyMap<Fn, Caller>, chain: readonly Call[]): void => {
      if (visits++ > MAX_VISITS) return;
      const frame = makeFrame(sink.call.fn, bindings);
      const outermost = chain.at(-1) ?? sink.call;
      const record = sink.record(frame);
      if (record.fields.length === 0 && record.open.length === 0) return;
      const reading = readRecord(resolver, record, surroundingsOf(outermost.fn));
      for (const event of reading.events) found.push(place(event, sink, chain, outermost));
      if (chain.length >= MAX_HOPS) return;
      const wrappers = new Set(reading.undecided.map((param) => param.fn));
      for (const wrapper of wrappers) {
        if (bindings.has(wrapper)) continue;
        for (const caller of callers.of(wrapper)) {
          if (caller.call.devOnly) continue;
          visit(new Map([...bindings, [wrapper, caller]]), [...chain, caller.call]);
        }
      }
    };
    visit(new Map(), []);
  }
  return found;
}

function place(event: { readonly event: EventName | 'other'; readonly text: string; readonly at: number; readonly module: Module; readonly named: boolean }, sink: Sink, chain: readonly Call[], outermost: Call): Occurrence {
  // The call in the function where the name stands, if the name stands in one; a constant from elsewhere is shown where it is used.
  const site = [...chain, sink.call].find((call) => call.fn.module === event.module && call.at <= event.at && event.at <= call.end)
    ?? [sink.call, ...chain].find((call) => call.fn.module === event.module && call.fn.at <= event.at && event.at <= call.fn.end && !call.fn.isTop) ?? outermost;
  const inside = site.fn.module === event.module && event.at >= site.at && event.at <= site.end;
  // What must run for the event to be logged is the outermost call.
  return { event: event.event, text: event.text, module: site.fn.module, at: inside ? event.at : site.at, fn: outermost.fn, sink, through: chain, named: event.named };
}

/** The frame of a function whose callers, and theirs, are fixed. */
function makeFrame(fn: Fn, bindings: ReadonlyMap<Fn, Caller>, depth = 0): Frame {
  const caller = bindings.get(fn);
  const up = fn.parent === undefined || depth > 12 ? undefined : makeFrame(fn.parent, bindings, depth + 1);
  if (caller === undefined) return { fn, ...(up === undefined ? {} : { up }) };
  const frame = makeFrame(caller.call.fn, without(bindings, fn), depth + 1);
  const args: Bound[] = (caller.args ?? caller.call.args.slice(caller.shift)).map((value) => ({ value, frame }));
  while (args.length < fn.paramCount) args.push({ value: NOTHING, frame });
  return { fn, args, ...(up === undefined ? {} : { up }) };
}

function without(bindings: ReadonlyMap<Fn, Caller>, fn: Fn): ReadonlyMap<Fn, Caller> {
  const rest = new Map(bindings);
  rest.delete(fn);
  return rest;
}
