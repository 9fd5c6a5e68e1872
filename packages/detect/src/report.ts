import type { EventName } from './events/event-name.ts';

/** A place in the codebase. Paths are relative to what was examined, with slashes. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly snippet: string;
}

/** A place and what it shows. */
export interface Evidence extends Place {
  readonly why: string;
}

/** How a kind of storage is classed. */
export type StorageClass = 'append-only' | 'mutable' | 'unknown';

/** How sure a statement is. */
export type Confidence = 'high' | 'medium' | 'low';

/** One of the five events. */
export interface EventReport {
  readonly status: 'logged' | 'not_logged' | 'declared_only' | 'dead_code';
  readonly sink: string | null;
  readonly storageClass?: StorageClass;
  readonly evidence: readonly Evidence[];
}

/** A place where events end up. */
export interface StorageReport {
  readonly name: string;
  readonly class: StorageClass;
  readonly confidence: Confidence;
  readonly mechanism: string;
  readonly evidence: readonly Evidence[];
  readonly carveOuts: readonly string[];
  /** Counted events that are kept here. */
  readonly events: readonly EventName[];
}

/** The verdict of the check on a codebase, with its evidence. The JSON form of it is a contract. */
export interface DetectReport {
  readonly check: 'session-operations-logged';
  readonly severity: 'info';
  readonly result: 'pass' | 'fail' | 'skip';
  readonly detail: string;
  readonly confidence: Confidence;
  readonly ratio: { readonly required: string; readonly all: string };
  readonly events: Readonly<Record<EventName, EventReport>>;
  readonly otherSessionEvents: readonly { readonly name: string; readonly file: string; readonly line: number; readonly logged: boolean }[];
  readonly loggers: readonly { readonly library: string; readonly config: string; readonly file: string; readonly line: number }[];
  readonly storage: readonly StorageReport[];
  readonly storageClass: StorageClass | 'none';
  readonly compliance: { readonly subject: boolean; readonly reason: string; readonly evidence: readonly Evidence[] };
  readonly files: {
    readonly read: number;
    readonly parsed: number;
    readonly skipped: number;
    readonly passedOver: readonly { readonly reason: string; readonly count: number; readonly first: string }[];
  };
  readonly notes: readonly string[];
}
