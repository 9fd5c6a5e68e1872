import { FINDING_CODES, type FindingCode, type Severity } from './finding-codes.ts';

/** Where something was found; what is absent does not apply. */
export interface Where {
  /** Number of the segment. */
  readonly segment?: number;
  /** Name of the file inside the source. */
  readonly file?: string;
  /** Byte in that file. */
  readonly offset?: number;
  /** First entry concerned: every entry below it is untouched by this finding. */
  readonly index?: number;
}

/** One thing that a verification found. */
export interface Finding {
  readonly code: FindingCode;
  readonly severity: Severity;
  readonly where: Where;
  /** What was found here, in one sentence with both values. */
  readonly meaning: string;
}

/** The entries from `from` up to but not `to`, with their verb: "entries 3 to 6 are", "entry 3 is". */
export function entryRange(from: number, to: number): string {
  return to - from === 1 ? `entry ${from} is` : `entries ${from} to ${to - 1} are`;
}

/** Most findings of one severity that a report keeps. Evidence is hostile: a million forged lines are still one report. */
const MAX_KEPT: Readonly<Record<Severity, number>> = { error: 400, warning: 400, note: 200 };

/** Collects findings in the order of the record, and counts those that a report has no room for. */
export class FindingList {
  readonly #kept: Record<Severity, Finding[]> = { error: [], warning: [], note: [] };
  #omitted = 0;
  #soundWithheld = false;

  /** Adds a finding; its severity follows from its code. */
  add(code: FindingCode, where: Where, meaning: string): void {
    const { severity, withholdsSound } = FINDING_CODES[code];
    this.#soundWithheld ||= withholdsSound === true;
    const kept = this.#kept[severity];
    if (kept.length >= MAX_KEPT[severity]) this.#omitted++;
    else kept.push({ code, severity, where, meaning });
  }

  /** Counts findings that were never made into one. */
  omit(count: number): void {
    this.#omitted += count;
  }

  /** Whether something speaks against the log. */
  get hasErrors(): boolean {
    return this.#kept.error.length > 0;
  }

  /** Whether something forbids to call it sound without speaking against it. */
  get soundWithheld(): boolean {
    return this.#soundWithheld;
  }

  /** How many were counted but not kept. */
  get omitted(): number {
    return this.#omitted;
  }

  /** Errors first, then warnings, then notes; each in the order of the record. */
  all(): Finding[] {
    return [...this.#kept.error, ...this.#kept.warning, ...this.#kept.note];
  }
}
