import { factId, formatTime, type EventInput } from '@indelible/event';
import { codeOf } from './send-batch.ts';

/** A time in which events could not be recorded at once. */
export interface Outage {
  readonly fromMs: number;
  /** The code of the first failure. */
  readonly cause: string;
  /** Told apart from any other outage: makes the id of its gap, so that it is recorded once. */
  readonly key: string;
  /** Events delivered later. */
  delivered: number;
  /** Events that are lost: there was no room for them, or they were damaged on disk. */
  lost: number;
  /** Events that the log has refused for good. */
  refused: number;
}

/** What ended an attempt, in a word that can stand in the record: no message, which might hold anything. */
export function causeOf(error: unknown): string {
  return codeOf(error) ?? (error instanceof Error ? error.name : 'unknown');
}

/** The entry that says what was delayed: `capture_gap`. Writing it again, with whatever count, does not make a second one. */
export function captureGap(outage: Outage, toMs: number, source: { readonly app: string; readonly instance: string }): EventInput & { id: string } {
  const { fromMs, cause, key, delivered, lost, refused } = outage;
  return {
    id: factId(fromMs, 'capture_gap', key),
    timestamp: toMs,
    event: 'capture_gap',
    app: source.app,
    instance: source.instance,
    details: {
      from: formatTime(fromMs),
      to: formatTime(toMs),
      count: delivered,
      cause,
      ...(lost === 0 ? {} : { lost }),
      ...(refused === 0 ? {} : { refused }),
    },
  };
}
