import { DetectError } from './error.ts';
import { EVENTS, type EventName } from './events/event-name.ts';
import { asRecord, parseJsonText } from './files/json-text.ts';
import type { DetectReport } from './report.ts';

/** What was accepted at a time: later results must not be worse. */
export interface Baseline {
  readonly version: 1;
  readonly check: 'session-operations-logged';
  /** Events that were not logged. */
  readonly missing: readonly EventName[];
  readonly storageClass: DetectReport['storageClass'];
  readonly reason?: string;
}

/** How a result compares with a baseline. */
export interface BaselineComparison {
  /** What is worse; empty where the result is accepted. */
  readonly worse: readonly string[];
  /** What the baseline still excuses though it has been mended. */
  readonly expired: readonly string[];
}

const RANK = { none: 0, mutable: 1, unknown: 2, 'append-only': 3 } as const;

/** Makes a baseline of a result. */
export function makeBaseline(report: DetectReport): Baseline {
  return { version: 1, check: report.check, missing: EVENTS.filter((event) => report.events[event].status !== 'logged'), storageClass: report.storageClass };
}

/** Writes a baseline as a file holds it. */
export function formatBaseline(baseline: Baseline): string {
  return `${JSON.stringify(baseline, null, 2)}\n`;
}

/**
 * Reads a baseline.
 *
 * @throws DetectError `ERR_DETECT_CONFIG_INVALID` where the text is none.
 */
export function parseBaseline(text: string, file: string): Baseline {
  const record = asRecord(parseJsonText(text));
  const { missing, storageClass, version, check, reason } = record as Readonly<Record<keyof Baseline, unknown>>;
  const known = (value: unknown): value is EventName => (EVENTS as readonly unknown[]).includes(value);
  if (version !== 1 || check !== 'session-operations-logged' || !Array.isArray(missing) || !missing.every(known) || typeof storageClass !== 'string' || !Object.hasOwn(RANK, storageClass)) {
    throw new DetectError('ERR_DETECT_CONFIG_INVALID', `${file} is no baseline of version 1: make one with --update-baseline`);
  }
  return { version: 1, check: 'session-operations-logged', missing, storageClass: storageClass as Baseline['storageClass'], ...(typeof reason === 'string' ? { reason } : {}) };
}

/** Compares a result with what was accepted. */
export function compareBaseline(report: DetectReport, baseline: Baseline): BaselineComparison {
  const current = makeBaseline(report);
  const worse = current.missing.filter((event) => !baseline.missing.includes(event)).map((event) => `${event} is no longer logged`);
  if (RANK[current.storageClass] < RANK[baseline.storageClass]) worse.push(`the storage was ${baseline.storageClass} and is ${current.storageClass}`);
  const expired = baseline.missing.filter((event) => !current.missing.includes(event)).map((event) => `${event} is logged now`);
  if (RANK[current.storageClass] > RANK[baseline.storageClass]) expired.push(`the storage is ${current.storageClass} now`);
  return { worse, expired };
}
