import { SessionError } from '../error.ts';
import type { BatchPort } from './send-batch.ts';
import type { DeliveryOptions } from './delivery.ts';
import { defaultSource, type Source } from './source.ts';
import type { SpoolOptions } from './spool-options.ts';

/** Checked options: nothing is missing. */
export interface CheckedOptions {
  readonly log: BatchPort;
  readonly strict: boolean;
  readonly spool: (SpoolOptions & { readonly key: Uint8Array }) | undefined;
  readonly timeoutMs: number;
  readonly source: Source;
  readonly report: (error: unknown) => void;
  readonly nowMs: () => number;
}

const MAX_TIMEOUT_MS = 2_147_483_647; // the longest that a timer waits

/** @throws SessionError `ERR_SESSION_OPTION_INVALID` */
export function checkDeliveryOptions(options: DeliveryOptions): CheckedOptions {
  const { log, mode, spool, timeoutMs, source = {}, onError = warn, nowMs = Date.now } = options;
  if (typeof (log as LogLike | undefined)?.append !== 'function') throw invalid('log has no function append: give an open log');
  if (mode !== 'strict' && mode !== 'spool') throw invalid(`mode must be strict or spool, not ${String(mode)}`);
  if (mode === 'spool' && spool === undefined) throw invalid('mode spool needs spool: { directory, key }');
  if (!(Number.isSafeInteger(timeoutMs) && timeoutMs > 0 && timeoutMs <= MAX_TIMEOUT_MS)) {
    throw invalid(`timeoutMs is ${timeoutMs}: give whole milliseconds from 1 up`);
  }
  return {
    log,
    strict: mode === 'strict',
    spool: spool === undefined ? undefined : checkSpool(spool),
    timeoutMs,
    source: defaultSource(source),
    report: onError,
    nowMs,
  };
}

type LogLike = { readonly append?: unknown };

function checkSpool(spool: SpoolOptions): SpoolOptions & { readonly key: Uint8Array } {
  const { directory, key, maxBytes, ephemeral } = spool;
  if (typeof directory !== 'string' || directory === '') throw invalid('spool.directory must name a directory');
  if (!(key instanceof Uint8Array) || key.length < 32) throw invalid('spool.key must have at least 32 bytes: without it anybody could forge lines');
  if (maxBytes !== undefined && !(Number.isSafeInteger(maxBytes) && maxBytes > 0)) throw invalid(`spool.maxBytes is ${maxBytes}: give a number of bytes`);
  if (ephemeral !== undefined && ephemeral !== 'accept-loss') throw invalid("spool.ephemeral must be 'accept-loss' or be left out");
  return { ...spool, key };
}

function invalid(problem: string): SessionError {
  return new SessionError('ERR_SESSION_OPTION_INVALID', `openDelivery: ${problem}`);
}

function warn(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : String(error));
}
