import type { TreeRange } from '@indelible/tlog';
import type { Cache } from '../cache/cache.ts';
import type { Disk } from '../disk/disk.ts';
import { DuplicateCheck } from './duplicates.ts';
import { ID_WORDS } from './entry-id.ts';
import { findStagedEntry, hashEntries, type Staged, type Submission } from './staged.ts';
import { asLogError } from './write-error.ts';

/** What a stager needs to know of whoever writes what it has staged. */
export interface StagerContext {
  readonly disk: Disk;
  readonly cache: Cache;
  /** Groups that were taken and are not on the record yet. */
  readonly underWay: () => readonly Staged[];
  /** The tree that a durable seal covers. */
  readonly sealedTree: () => TreeRange;
  /** The key that signs now. */
  readonly vkey: () => string;
  /** Called when something can be taken. */
  readonly onStaged: () => void;
}

/**
 * The first step of a commit: drops what is on the record already, numbers what is new, hashes it into the tree. Only memory.
 *
 * Submissions are staged in the order in which they came. Behind a change of key nothing is staged until the next segment is open.
 */
export class Stager {
  readonly #context: StagerContext;
  readonly #duplicates: DuplicateCheck;
  /** The tree with everything that is staged. */
  #edge: TreeRange;
  #inbox: Submission[] = [];
  #staged: Staged[] = [];
  #resolving: Promise<void> | undefined;
  #keyChange: Submission | undefined;
  #held = false;

  constructor(context: StagerContext, edge: TreeRange) {
    this.#context = context;
    this.#edge = edge;
    this.#duplicates = new DuplicateCheck(context.cache, context.disk, context.sealedTree);
  }

  /** The tree with everything that was staged so far. */
  get edge(): TreeRange {
    return this.#edge;
  }

  /** Something is staged, or waits to be. */
  get hasWork(): boolean {
    return this.#staged.length > 0 || (this.#inbox.length > 0 && this.#keyChange === undefined);
  }

  /** The change of key that is staged: when all before it is on the record, the next segment belongs to its signer. */
  get keyChange(): Submission | undefined {
    return this.#staged.length === 0 ? this.#keyChange : undefined;
  }

  /** Settled when no entry has to be read any more to stage what waits. */
  get resolving(): Promise<void> | undefined {
    return this.#resolving;
  }

  push(submission: Submission): void {
    this.#inbox.push(submission);
    this.stage();
  }

  /** Takes what is staged. */
  take(): Staged[] {
    const staged = this.#staged;
    this.#staged = [];
    return staged;
  }

  /** The key has changed: what waits may be staged. */
  followKey(): void {
    this.#keyChange = undefined;
    this.stage();
  }

  /** Gives everything back that is not on the record, and stages nothing more until `restart`. */
  stop(): Submission[] {
    const submissions = [...this.#context.underWay(), ...this.#staged].map(({ submission }) => submission);
    submissions.push(...this.#inbox);
    this.#staged = [];
    this.#inbox = [];
    this.#keyChange = undefined;
    this.#held = true;
    return submissions;
  }

  /** Goes on from a recovered tree, with what was given back first. */
  restart(edge: TreeRange, submissions: readonly Submission[]): void {
    this.#edge = edge;
    this.#inbox = [...submissions, ...this.#inbox];
    this.#held = false;
  }

  stage(): void {
    if (this.#resolving !== undefined || this.#held) return;
    while (this.#inbox.length > 0 && this.#keyChange === undefined) {
      const submission = this.#inbox[0]!;
      const ids = new Uint32Array(submission.batch.lengths.length * ID_WORDS);
      if (this.#duplicates.mayHold(submission.batch, ids)) {
        this.#resolving = this.#resolve(submission, ids);
        return;
      }
      this.#inbox.shift();
      this.#add(submission, ids);
    }
    this.#context.onStaged();
  }

  /** Rare: some ids are known. Their entries are read before anything of the batch is staged, so that order stays. */
  async #resolve(submission: Submission, ids: Uint32Array): Promise<void> {
    try {
      const known = await this.#duplicates.resolve(submission.batch, ids, (index) => findStagedEntry([...this.#context.underWay(), ...this.#staged], index));
      if (this.#inbox[0] === submission && !this.#held) {
        this.#inbox.shift();
        this.#add(submission, ids, known);
      }
    } catch (error) {
      const at = this.#inbox.indexOf(submission);
      if (at !== -1) this.#inbox.splice(at, 1); // nothing of it was staged
      submission.reject(asLogError(error));
    }
    this.#resolving = undefined;
    this.stage();
  }

  /** Numbers and hashes what is new in a batch. `known` has the index of each entry that is not new. */
  #add(submission: Submission, ids: Uint32Array, known?: Float64Array): void {
    const { batch, nextSigner } = submission;
    const first = this.#edge.end;
    const kept = known === undefined ? { ...batch, count: batch.lengths.length } : this.#duplicates.withoutKnown(batch, ids, known, first);
    const leafHashes = hashEntries(this.#edge, kept.bytes, kept.lengths, kept.count);
    for (let i = 0; i < kept.count; i++) this.#context.cache.ids.add(ids, i * ID_WORDS);
    this.#staged.push({ submission, first, ...kept, leafHashes, tileNodes: this.#edge.takeTileNodes() });
    // After a failure the change may be on the record already, and followed.
    if (nextSigner !== undefined && nextSigner.vkey !== this.#context.vkey()) this.#keyChange = submission;
  }
}
