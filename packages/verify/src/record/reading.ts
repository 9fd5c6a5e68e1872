import { TreeRange } from '@indelible/tlog';
import type { FindingList } from '../finding.ts';
import { AcceptedSeals } from './accepted-seals.ts';
import { emptyStats, joinStats, type EntryStats } from './entry-times.ts';
import type { CheckedRange } from './root-checker.ts';
import type { RangeResult } from './scan-range.ts';

/**
 * How far a record has been read, and what was found: the state that is handed from segment to segment, in their order.
 */
export class Reading {
  readonly findings: FindingList;
  /** Sizes at which the root is wanted, ascending. */
  readonly marks: readonly number[];
  readonly #roots = new Map<number, Uint8Array>();
  readonly accepted: AcceptedSeals = new AcceptedSeals();
  #tree = new TreeRange();
  /** Note of the last accepted seal. */
  note: string | undefined;
  /** The last accepted entry, where it claims to be a change of key. */
  keyChange: Uint8Array | undefined;
  stats: EntryStats = emptyStats();
  entries = 0;
  seals = 0;
  segments = 0;
  bytes = 0;
  foreignBytes = 0;
  unsealedBytes = 0;
  deadBytes = 0;
  uncheckedBytes = 0;
  /** Runs of entries that could not be checked, because something before them in their segment is wrong. */
  readonly unchecked: { readonly from: number; readonly to: number | undefined }[] = [];

  constructor(findings: FindingList, marks: readonly number[]) {
    this.findings = findings;
    this.marks = marks;
    this.#markRoot();
  }

  /** The tree of everything accepted so far. */
  get tree(): TreeRange {
    return this.#tree;
  }

  /** Number of entries in that tree: the index of the next one. */
  get size(): number {
    return this.#tree.end;
  }

  /** The root at one of the `marks`; undefined where the record does not reach it, or could not be checked there. */
  rootAt(size: number): Uint8Array | undefined {
    return this.#roots.get(size);
  }

  /** Takes over a range whose seals all hold. */
  accept(range: RangeResult, checked: CheckedRange): void {
    this.#tree = checked.tree;
    for (const { size, root } of checked.marks) this.#roots.set(size, root);
    for (const { size, rootHash } of range.seals) this.accepted.add(size, rootHash);
    this.note = range.note ?? this.note;
    this.keyChange = range.keyChange;
    this.stats = joinStats(this.stats, range.stats);
    this.entries += range.size - range.begin;
    this.seals += range.seals.length;
  }

  /** Goes on from the tree that a signed header states, giving up what lies between. */
  resume(size: number, edge: readonly Uint8Array[], note: string | undefined): void {
    if (size > this.size) this.unchecked.push({ from: this.size, to: size });
    this.#tree = TreeRange.fromEdge(size, edge);
    this.note = note;
    this.keyChange = undefined;
    this.#markRoot();
  }

  #markRoot(): void {
    if (this.marks.includes(this.size)) this.#roots.set(this.size, this.#tree.root());
  }
}
