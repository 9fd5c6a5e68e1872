import type { FindingCode, Verdict } from '@indelible/verify';
import type { Copy } from './victim.mjs';

/** One way to tamper with a copy of the victim, and what the verifier must say. */
export interface TamperRow {
  readonly name: string;
  how(copy: Copy): void;
  /** The finding that there must be; undefined where there can be none. */
  readonly code: FindingCode | undefined;
  readonly verdict: Verdict;
  /** First entry concerned. */
  readonly index?: number;
  /** The key that is given: that of the victim by default, null for none. */
  readonly key?: string | null;
  /** The seal that is given: a note, or the size of a seal of the victim. */
  readonly since?: number | string;
  /** What it would take to see it. */
  readonly needs?: string;
}

export const TAMPER_ROWS: readonly TamperRow[];
