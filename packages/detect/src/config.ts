import { DetectError } from './error.ts';
import { asRecord, parseJsonText } from './files/json-text.ts';
import type { StorageClass } from './report.ts';

/** A statement about a sink that code cannot show, with its reason. */
export interface SinkAssertion {
  /** Name of the storage as the report gives it, or a part of it; `*` is all. */
  readonly sink: string;
  readonly class: StorageClass;
  readonly reason: string;
}

/** What a project tells the detector. */
export interface DetectConfig {
  readonly sinks?: readonly SinkAssertion[];
  /** Paths that do not count, as in `.gitignore`. */
  readonly exclude?: readonly string[];
  /** Whether audit or compliance requirements hold, with the reason. */
  readonly compliance?: { readonly subject: boolean; readonly reason: string };
}

const CLASSES: ReadonlySet<string> = new Set(['append-only', 'mutable', 'unknown']);

/**
 * Reads a configuration.
 *
 * @throws DetectError `ERR_DETECT_CONFIG_INVALID` naming the field: an assertion without a reason is refused.
 */
export function parseDetectConfig(text: string, file: string): DetectConfig {
  const parsed = parseJsonText(text);
  if (parsed === undefined || typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw invalid(file, 'it is not a JSON object');
  const record = asRecord(parsed);
  for (const key of Object.keys(record)) if (!['sinks', 'exclude', 'compliance', '$schema'].includes(key)) throw invalid(file, `unknown field "${key}": there are sinks, exclude and compliance`);
  const sinks = record['sinks'];
  if (sinks !== undefined && !Array.isArray(sinks)) throw invalid(file, 'sinks must be a list');
  const exclude = record['exclude'];
  if (exclude !== undefined && !(Array.isArray(exclude) && exclude.every((item) => typeof item === 'string'))) throw invalid(file, 'exclude must be a list of patterns');
  return {
    ...(sinks === undefined ? {} : { sinks: (sinks as readonly unknown[]).map((item, i) => parseSink(item, i, file)) }),
    ...(exclude === undefined ? {} : { exclude: exclude as readonly string[] }),
    ...(record['compliance'] === undefined ? {} : { compliance: parseCompliance(record['compliance'], file) }),
  };
}

function parseSink(value: unknown, i: number, file: string): SinkAssertion {
  const record = asRecord(value);
  const { sink, class: given, reason } = record as { readonly sink?: unknown; readonly class?: unknown; readonly reason?: unknown };
  if (typeof sink !== 'string' || sink === '') throw invalid(file, `sinks[${i}].sink must name a storage`);
  if (typeof given !== 'string' || !CLASSES.has(given)) throw invalid(file, `sinks[${i}].class must be append-only, mutable or unknown`);
  return { sink, class: given as StorageClass, reason: reasonOf(reason, `sinks[${i}]`, file) };
}

function parseCompliance(value: unknown, file: string): { subject: boolean; reason: string } {
  const { subject, reason } = asRecord(value) as { readonly subject?: unknown; readonly reason?: unknown };
  if (typeof subject !== 'boolean') throw invalid(file, 'compliance.subject must be true or false');
  return { subject, reason: reasonOf(reason, 'compliance', file) };
}

function reasonOf(reason: unknown, field: string, file: string): string {
  if (typeof reason !== 'string' || reason.trim().length < 10) throw invalid(file, `${field}.reason must say in a sentence why: who reads the result cannot ask`);
  return reason.trim();
}

function invalid(file: string, what: string): DetectError {
  return new DetectError('ERR_DETECT_CONFIG_INVALID', `the configuration ${file} cannot be used: ${what}`);
}
