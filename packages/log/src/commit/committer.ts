import { encodeUtf8, parseVerifierKey, type TreeRange, type VerifierKey } from '@indelible/tlog';
import type { Cache } from '../cache/cache.ts';
import type { Disk } from '../disk/disk.ts';
import { LogError } from '../error.ts';
import type { LogFile } from '../record/log-file.ts';
import { encodeSealLine, formatSealNote, formatSealText } from '../record/seal-line.ts';
import type { CloseReason } from '../record/segment-header.ts';
import { readKeyChange } from '../recover/key-change.ts';
import { recover, type RecordEnd, type SyncedUpTo } from '../recover/recover.ts';
import { signChecked } from '../signer/sign-checked.ts';
import type { Signer } from '../signer/signer.ts';
import type { Batch, Placement } from './batch.ts';
import { SegmentSpoiled, openForWriting, openNextSegment, type FailureReason, type LeftBehind, type OpenSegment } from './next-segment.ts';
import type { Intake } from './intake.ts';
import type { Sealing } from './sealing.ts';
import type { Staged, Submission } from './staged.ts';
import { Stager } from './stager.ts';
import { asLogError } from './write-error.ts';

/** What a committer is given. */
export interface CommitterOptions {
  readonly disk: Disk;
  readonly cache: (file: LogFile) => Cache;
  readonly signer: Signer;
  readonly pin?: string;
  /** A new segment is begun when one has reached this size. */
  readonly segmentBytes: number;
  /** Called after each seal is durable, before the appends under it are acknowledged. */
  readonly onSeal: (note: string, treeSize: number) => void;
  /** Called when a recovery left something behind, at the start or on the way. */
  readonly onRecovered: (recovery: LeftBehind) => void;
  readonly onProgress?: (entries: number, total: number) => void;
  readonly nowMs: () => number;
  /**
   * Called when a sync has failed: nothing behind this place is known to be durable, even where it can be read. Whoever opens the
   * record again in this process MUST pass it on as `syncedUpTo`.
   */
  readonly onSyncFailed?: (place: SyncedUpTo) => void;
  readonly syncedUpTo?: SyncedUpTo;
  /** Where batches wait that were not appended yet. */
  readonly intake?: Intake;
}

const MAX_ATTEMPTS = 3;
/** From so many entries in a group on, others are likely to come while it is synced: then it is synced aside. */
const MANY_ENTRIES = 96;
/** How long another writer may take from creating a segment to its header, which was signed before. */
const SETTLE_MS = 100;

/**
 * Puts batches on the record: one after the other, durable, signed, acknowledged.
 *
 * The order of a commit, and what a crash leaves behind at each step (docs/spec/record.md, ARCHITECTURE.md):
 *
 * 1. Stage: drop what is on the record already, number the rest, hash it. Only memory.
 * 2. Write the seal of the group before and the entries of this group in one call. Torn: the seal is whole or no seal.
 * 3. Sync. Now the group before is sealed: its appends are acknowledged. This group is durable, but not on the record.
 * 4. Sign the root over what is durable, never earlier: a crash must not leave our signature over two roots of one size.
 * 5. Go to 2; the seal travels with the next group, or alone if nothing waits. One sync a group.
 *
 * While 2 to 4 run, the next group gathers and is hashed. There is no timer. All state belongs to the one thread that runs it.
 */
export class Committer {
  readonly #options: CommitterOptions;
  #signer: Signer;
  #key: VerifierKey;
  #end: RecordEnd;
  #cache: Cache;
  readonly #stager: Stager;
  /** The tree that a durable seal covers. */
  #sealedEdge: TreeRange;
  #open: OpenSegment;
  #sealing: Sealing | undefined;
  #running = false;
  #committing: Promise<void> | undefined;
  /** Written and not sealed yet. */
  #inFlight: Staged[] = [];
  /** Where the last seal in the open segment ends, or 0. */
  #sealEnd: number;
  /** Why the segment would be closed if the step under way failed. */
  #failureReason: FailureReason = 'torn';
  #failed: LogError | undefined;

  private constructor(options: CommitterOptions, end: RecordEnd, open: OpenSegment) {
    this.#options = options;
    this.#signer = options.signer;
    this.#key = parseVerifierKey(options.signer.vkey);
    this.#end = end;
    this.#cache = end.cache;
    this.#sealedEdge = end.edge.clone();
    this.#open = open;
    this.#sealEnd = open.number === end.segment.number ? end.length : open.bodyStart;
    const context = {
      disk: options.disk,
      cache: end.cache,
      underWay: () => [...(this.#sealing?.group ?? []), ...this.#inFlight],
      sealedTree: () => this.#sealedEdge,
      vkey: () => this.#signer.vkey,
      onStaged: () => this.#startCommit(),
    };
    this.#stager = new Stager(context, end.edge);
  }

  /**
   * Recovers the record and opens it for writing. The caller holds the writer's lock.
   *
   * @throws LogError as `recover` does.
   */
  static async open(options: CommitterOptions): Promise<Committer> {
    const end = await recover({
      disk: options.disk,
      cache: options.cache,
      vkey: options.signer.vkey,
      atStart: true,
      ...(options.pin === undefined ? {} : { pin: options.pin }),
      ...(options.syncedUpTo === undefined ? {} : { syncedUpTo: options.syncedUpTo }),
      ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }),
    });
    const leave = options.syncedUpTo?.segment === end.segment.number;
    const { open, recovery } = await openForWriting(options, end, options.signer, { reason: leave ? 'io_error' : 'torn', leave }).catch((error: unknown) => {
      if (!(error instanceof SegmentSpoiled)) throw error;
      options.onSyncFailed?.(error);
      throw error.cause;
    });
    const committer = new Committer(options, end, open);
    if (recovery !== undefined) options.onRecovered(recovery);
    committer.#cache.checkpoint(committer.#cachedUpTo(), 'now');
    return committer;
  }

  get origin(): string {
    return this.#end.file.origin;
  }

  /** How many entries a durable seal covers. */
  get sealedSize(): number {
    return this.#sealedEdge.end;
  }

  /** The newest seal, if there is one. */
  get seal(): string | undefined {
    return this.#end.seal;
  }

  /**
   * Appends a batch. Resolves when its entries are durable and under a durable seal.
   *
   * A rejection says that nobody was told of an index; the batch may still be on the record (a retry then returns its index).
   */
  append(batch: Batch, nextSigner?: Signer): Promise<Placement> {
    return new Promise((resolve, reject) => {
      if (this.#failed !== undefined) {
        reject(this.#failed);
        return;
      }
      this.#stager.push({ batch, resolve, reject, attempts: 0, ...(nextSigner === undefined ? {} : { nextSigner }) });
    });
  }

  /** Waits for everything under way. */
  async idle(): Promise<void> {
    while (this.#committing !== undefined || this.#stager.resolving !== undefined) await (this.#committing ?? this.#stager.resolving);
  }

  /** Lets other readers see the cache as it is. Called when there is nothing else to do. */
  flush(): void {
    this.#cache.flush();
  }

  /** Waits for everything under way and closes the files. */
  async close(): Promise<void> {
    await this.idle();
    if (this.#failed === undefined) this.#cache.checkpoint(this.#cachedUpTo(), 'now');
    this.#cache.close();
    await this.#open.file.close();
  }

  // ---- steps 2 to 5; step 1 is the stager's

  #startCommit(): void {
    if (this.#running || this.#failed !== undefined || !(this.#stager.hasWork || this.#sealing !== undefined)) return;
    this.#running = true; // before anything runs: polling for more appends
    this.#committing = this.#commitAll()
      .catch((error: unknown) => this.#fail(error, this.#failureReason))
      .finally(() => {
        this.#running = false;
        this.#committing = undefined;
        if (this.#failed === undefined && this.#stager.hasWork) this.#stager.stage();
      });
  }

  async #commitAll(): Promise<void> {
    for (;;) {
      this.#options.intake?.take();
      const full = this.#open.length >= this.#options.segmentBytes;
      const keyChange = this.#stager.keyChange; // then the next segment is the next key's
      if (full && this.#sealing === undefined && keyChange === undefined) await this.#nextSegment('full');
      // A full segment gets the seal it still owes and nothing more.
      const group = full && this.#sealing !== undefined ? [] : this.#takeGroup();
      if (group.length > 0 || this.#sealing !== undefined) await this.#commit(group);
      else if (this.#stager.keyChange?.nextSigner !== undefined) await this.#handOver(this.#stager.keyChange.nextSigner);
      else if (!this.#stager.hasWork || this.#stager.resolving !== undefined) return;
    }
  }

  /** Takes what is staged. What adds nothing new is acknowledged with the seal that is under way, or now. */
  #takeGroup(): Staged[] {
    const group = this.#stager.take();
    if (group.some((staged) => staged.count > 0)) return group;
    if (this.#sealing !== undefined) this.#sealing.group.push(...group);
    else for (const staged of group) this.#acknowledge(staged);
    return [];
  }

  async #commit(group: Staged[]): Promise<void> {
    const { file } = this.#open;
    const sealing = this.#sealing;
    const treeSize = this.#stager.edge.end; // taken now: what is staged from here on belongs to the next group
    const edge = group.length > 0 ? this.#stager.edge.clone() : undefined;
    this.#inFlight = group;

    const parts: Uint8Array[] = sealing === undefined ? [] : [sealing.line];
    for (const staged of group) if (staged.count > 0) parts.push(staged.bytes.subarray(1));
    const offset = this.#open.length + (sealing?.line.length ?? 0);
    let length = this.#open.length;
    for (const part of parts) length += part.length;

    this.#failureReason = 'torn';
    file.write(parts);
    this.#failureReason = 'io_error';
    const { intake } = this.#options;
    const entries = treeSize - (group[0]?.first ?? treeSize);
    if (intake !== undefined && entries >= MANY_ENTRIES) {
      await intake.takeDuring(file.sync(true)); // many callers: the next group is hashed meanwhile
    } else {
      await file.sync(); // few callers: the shortest way to the disk
    }
    this.#failureReason = 'foreign';
    this.#assertAlone(length);
    this.#open.length = length;
    this.#open.syncedLength = length;

    this.#failureReason = 'torn';
    if (sealing !== undefined) this.#finish(sealing);
    this.#sealing = undefined;
    if (edge === undefined) return;
    const text = formatSealText(this.#key.name, treeSize, edge.root());
    const signature = await signChecked(this.#signer, encodeUtf8(text));
    this.#failureReason = 'foreign';
    this.#assertAlone(length); // before the seal counts: nobody has taken over while we signed
    const first = group[0]!.first;
    const note = formatSealNote(text, this.#key, signature);
    const line = encodeSealLine({ offset, length: length - offset, first, note });
    this.#sealing = { group, line, note, treeSize, edge, offset };
    this.#inFlight = [];
  }

  /** The seal is durable: its group is on the record. */
  #finish(sealing: Sealing): void {
    let { offset } = sealing;
    for (const staged of sealing.group) {
      if (staged.count === 0) continue;
      const place = { segment: this.#open.number, offset };
      this.#cache.extend({ first: staged.first, leafHashes: staged.leafHashes, tileNodes: staged.tileNodes, lengths: staged.lengths, place });
      offset += staged.bytes.length - 1;
    }
    this.#sealedEdge = sealing.edge;
    this.#end = { ...this.#end, seal: sealing.note };
    this.#sealEnd = offset + sealing.line.length;
    this.#cache.checkpoint(this.#cachedUpTo());
    this.#options.onSeal(sealing.note, sealing.treeSize);
    for (const staged of sealing.group) this.#acknowledge(staged);
  }

  #cachedUpTo(): { size: number; segment: number; offset: number } {
    return { size: this.#sealedEdge.end, segment: this.#open.number, offset: this.#sealEnd };
  }

  #acknowledge(staged: Staged): void {
    staged.submission.resolve(staged.indexes === undefined ? { first: staged.first } : { first: staged.first, indexes: staged.indexes });
  }

  /** The file has exactly our bytes, and nobody has opened a segment behind ours. */
  #assertAlone(length: number): void {
    const size = this.#open.file.size();
    if (size !== length) {
      const seen = size === -1 ? 'was deleted, moved or replaced' : `has ${size} bytes where ${length} were expected`;
      throw new LogError('ERR_LOG_WRITE_FAILED', `${this.#open.file.name} ${seen}: another program changes the log`);
    }
    if (this.#options.disk.exists(this.#open.successorName)) {
      throw new LogError('ERR_LOG_WRITE_FAILED', `${this.#open.successorName} was created by another program: only one process may write a log`);
    }
  }

  // ---- segments

  async #nextSegment(reason: CloseReason): Promise<void> {
    const before = this.#open;
    this.#open = await openNextSegment(this.#options.disk, {
      file: this.#end.file,
      logDigest: this.#end.logDigest,
      signer: this.#signer,
      edge: this.#sealedEdge,
      seal: this.#end.seal,
      previous: { segment: before.number, name: before.file.name, length: before.length, dead: 0, digest: EMPTY_DIGEST, reason },
      number: before.successorNumber,
      nowMs: this.#options.nowMs(),
    });
    await before.file.close();
    this.#sealEnd = this.#open.bodyStart;
  }

  async #handOver(next: Signer): Promise<void> {
    this.#signer = next;
    this.#key = parseVerifierKey(next.vkey);
    await this.#nextSegment('key_changed');
    this.#stager.followKey();
  }

  // ---- failure

  /**
   * A write failed, or somebody else wrote. The segment is closed as it lies, the record recovered as at a start, and what was
   * not acknowledged goes into the next segment, first things first: whatever was signed keeps its place and content.
   */
  async #fail(error: unknown, reason: FailureReason): Promise<void> {
    const submissions = this.#stager.stop();
    this.#inFlight = [];
    this.#sealing = undefined;
    const spoiled = error instanceof SegmentSpoiled;
    const cause = asLogError(error);
    const { number, syncedLength } = this.#open;
    const synced = spoiled ? error : { segment: number, length: syncedLength };
    if (cause.fatal || submissions.some((submission) => submission.attempts >= MAX_ATTEMPTS)) {
      if (reason === 'io_error') this.#options.onSyncFailed?.(synced);
      this.#stop(cause, submissions);
      return;
    }
    try {
      await this.#reopen(spoiled ? 'io_error' : reason, synced, submissions);
      for (const submission of submissions) submission.attempts++;
      this.#stager.restart(this.#end.edge, submissions);
    } catch (second) {
      if (second instanceof SegmentSpoiled && second.segment !== number) this.#options.onSyncFailed?.(second);
      else if (second instanceof SegmentSpoiled || spoiled || reason === 'io_error') this.#options.onSyncFailed?.(synced);
      this.#stop(asLogError(second), [...submissions, ...this.#stager.stop()]);
    }
  }

  async #reopen(failure: FailureReason, synced: SyncedUpTo, submissions: readonly Submission[]): Promise<void> {
    const before = this.#open;
    await before.file.close().catch(() => undefined);
    const { disk, onProgress } = this.#options;
    const intruded = disk.exists(before.successorName) && synced.segment === before.number;
    if (intruded) await new Promise((resolve) => setTimeout(resolve, SETTLE_MS)); // is it a segment, or will it be one?
    let end = await recover({
      disk,
      cache: this.#cache,
      vkey: this.#signer.vkey,
      // What was acknowledged is on the record, or somebody took it away.
      ...(this.#end.seal === undefined ? {} : { pin: this.#end.seal }),
      ...(failure === 'io_error' ? { syncedUpTo: synced } : {}),
      ...(onProgress === undefined ? {} : { onProgress }),
    });
    if ((end.segment.number !== before.number && end.segment.number !== synced.segment) || end.edge.end > this.#stager.edge.end) {
      throw new LogError('ERR_LOG_SECOND_WRITER', 'the record has segments or seals that this process did not write: another process writes to this log with the same key. This one stops', { fatal: true });
    }
    end = await this.#followKeyChange(end, submissions);
    const leave = failure === 'io_error' || intruded; // else a segment in which nothing was left behind does
    const { open, recovery } = await openForWriting(this.#options, end, this.#signer, { reason: failure, leave });
    this.#end = end;
    this.#sealedEdge = end.edge.clone();
    this.#open = open;
    this.#sealEnd = open.number === end.segment.number ? end.length : open.bodyStart;
    if (recovery !== undefined) this.#options.onRecovered(recovery);
  }

  /** The change of key that was under way may have been sealed when the failure came: then the next key goes on. */
  async #followKeyChange(end: RecordEnd, submissions: readonly Submission[]): Promise<RecordEnd> {
    if (end.keyChanged) return end;
    const change = await readKeyChange(this.#options.disk, end.segment, end.file.origin, end.length);
    const next = submissions.find(({ nextSigner }) => nextSigner !== undefined && nextSigner.vkey === change?.to)?.nextSigner;
    if (next === undefined) return end;
    this.#signer = next;
    this.#key = parseVerifierKey(next.vkey);
    return { ...end, keyChanged: true };
  }

  #stop(error: LogError, submissions: readonly Submission[]): void {
    this.#failed = new LogError(error.code, error.message, { cause: error.cause ?? error, fatal: true });
    for (const submission of submissions) submission.reject(this.#failed);
  }
}

const EMPTY_DIGEST = '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=';
