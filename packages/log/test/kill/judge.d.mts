import type { ChildProcess } from 'node:child_process';

/** A log under test, and what its processes were told. */
export interface VictimLog {
  readonly directory: string;
  readonly key: string;
  readonly vkey: string;
  next: number;
  readonly places: Map<number, number>;
  readonly batches: number[][];
}

/** Options of victim.mjs. */
export interface VictimOptions {
  readonly batches?: number;
  readonly size?: number;
  readonly callers?: number;
  readonly segmentBytes?: number;
  readonly lockWaitMs?: number;
  readonly closeOn?: readonly string[];
  /** Waits after a refusal until the log can be opened again. */
  readonly patient?: boolean;
  readonly restless?: boolean;
  /** Stays when all is appended. */
  readonly idle?: boolean;
}

/** What a victim said. */
export interface VictimSaid {
  readonly code: number | null;
  readonly signal: string | null;
  readonly errors: string;
  readonly opened: boolean;
  readonly closed: boolean;
  readonly failed: string | undefined;
  readonly acknowledged: number;
  readonly refused: readonly { readonly first: number; readonly code: string; readonly message: string }[];
  readonly batches: readonly number[][];
  readonly conflicts: readonly string[];
}

export function makeLog(root: string): Promise<VictimLog>;
export function runVictim(
  log: VictimLog,
  options: VictimOptions,
  how?: { readonly wrap?: readonly string[]; readonly onStart?: (child: ChildProcess) => void; readonly onLine?: (line: string, child: ChildProcess) => void; readonly timeoutMs?: number; readonly uid?: number },
): Promise<VictimSaid>;
export function judge(log: VictimLog, said: VictimSaid, options?: { readonly retry?: boolean }): Promise<{ readonly lost: number; readonly half: number; readonly verdict: string; readonly findings: readonly string[] }>;
