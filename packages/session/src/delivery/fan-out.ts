import { createId, type EventInput } from '@indelible/event';
import type { Acknowledgement, LogPort, TrackerPort } from '../log-port.ts';
import { openDelivery, type Delivery, type RecordableEvent } from './delivery.ts';
import { defaultSource } from './source.ts';
import type { SpoolOptions } from './spool-options.ts';

/** A further place for events. */
export interface SideSink {
  /** Names it in what is reported. */
  readonly name: string;
  readonly log: LogPort;
  /** How long it may take for an append. Default 5,000 ms. */
  readonly timeoutMs?: number;
  /** Where its events wait while it is away. Without one they wait in memory and end with the process. */
  readonly spool?: SpoolOptions;
}

/** Options of `fanOut`. */
export interface FanOutOptions {
  /** Told about failures of further sinks, with the sink's name. Default: a process warning. */
  readonly onError?: (error: unknown, sink: string) => void;
  /** Written on events that do not name their own: the same in all sinks. Default: as `openLog` does. */
  readonly app?: string;
  readonly instance?: string;
}

/** What a fan-out has besides the functions of its primary log. */
export interface FanOut {
  append(event: EventInput): Promise<Acknowledgement>;
  appendAll(events: readonly EventInput[]): Promise<Acknowledgement[]>;
  /** How many events wait, by sink. */
  pending(): Readonly<Record<string, number>>;
  /** Tries now; resolves when no sink has anything waiting. @throws SessionError `ERR_SESSION_NOT_DELIVERED` */
  drain(): Promise<void>;
  /** Ends the further sinks. The primary log stays the caller's. */
  close(): Promise<void>;
}

const DEFAULT_TIMEOUT_MS = 5_000;

/**
 * Makes a log port that writes to a primary log and hands what that has recorded to further sinks.
 *
 * An append is the primary's: its acknowledgement, its failure, its speed. What it has acknowledged goes to each further sink in
 * order, through a queue, a time limit and a spool of its own, so that one that hangs holds up neither the primary nor another.
 * An event that the primary refuses reaches none of them.
 *
 * @throws SessionError as `openDelivery` does.
 */
export async function fanOut<P extends LogPort>(primary: P, others: readonly SideSink[], options: FanOutOptions = {}): Promise<FanOut & Omit<P, keyof FanOut>> {
  const { onError = warn } = options;
  const source = defaultSource(options);
  const sides = new Map<string, Delivery>();
  try {
    for (const { name, log, timeoutMs = DEFAULT_TIMEOUT_MS, spool } of others) {
      const report = (error: unknown): void => onError(error, name);
      sides.set(name, await openDelivery({ log, mode: 'strict', timeoutMs, source, onError: report, ...(spool === undefined ? {} : { spool }) }));
    }
  } catch (error) {
    await Promise.all([...sides.values()].map((side) => side.close()));
    throw error;
  }
  const settle = (event: EventInput): EventInput => ({
    ...event,
    id: event.id ?? createId(),
    timestamp: event.timestamp ?? (event.id === undefined ? Date.now() : undefined),
    app: event.app ?? source.app,
    instance: event.instance ?? source.instance,
  });
  const hand = (event: EventInput): void => {
    for (const [name, side] of sides) side.record(event as RecordableEvent, 'proceeds').catch((error: unknown) => onError(error, name));
  };
  const append = async (event: EventInput): Promise<Acknowledgement> => {
    const settled = settle(event);
    const ack = await primary.append(settled);
    hand(settled);
    return ack;
  };
  const port: FanOut = {
    append,
    async appendAll(events) {
      const { appendAll } = primary as LogPort & Partial<TrackerPort>;
      const settled = events.map(settle);
      if (appendAll === undefined) return Promise.all(settled.map(append));
      const acks = await appendAll.call(primary, settled);
      settled.forEach(hand);
      return acks;
    },
    pending: () => Object.fromEntries([...sides].map(([name, side]) => [name, side.pending])),
    drain: async () => void (await Promise.all([...sides.values()].map((side) => side.drain()))),
    close: async () => void (await Promise.all([...sides.values()].map((side) => side.close()))),
  };
  return passThrough(primary, port) as FanOut & Omit<P, keyof FanOut>;
}

/** The port, and for everything else the primary itself: its readers read what its writers wrote. */
function passThrough(primary: LogPort, port: FanOut): LogPort {
  return new Proxy(port, {
    get(target, name) {
      if (Object.hasOwn(target, name)) return target[name as keyof FanOut];
      const value: unknown = Reflect.get(primary, name, primary);
      return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(primary) : value;
    },
    has: (target, name) => Reflect.has(target, name) || Reflect.has(primary, name),
  });
}

function warn(error: unknown, sink: string): void {
  process.emitWarning(`sink ${sink}: ${error instanceof Error ? error.message : String(error)}`);
}
