import type { EncodedEntry } from '@indelible/event';
import type { Placement } from './commit/batch.ts';
import { CONFLICT } from './commit/duplicates.ts';
import { LogError } from './error.ts';
import type { LiveFeed } from './live-feed.ts';
import type { RecordReader } from './read/record-reader.ts';
import type { Signer } from './signer/signer.ts';
import type { OpenStore } from './store/store.ts';

/** What an append resolves to: the event is durable and under a signed seal. */
export interface Acknowledgement {
  readonly id: string;
  /** Its place on the record, for ever. */
  readonly index: number;
}

interface Waiting {
  readonly id: string;
  readonly line: string;
  /** It belongs to the entry before it: both are recorded, or neither. */
  readonly joined: boolean;
  readonly resolve: (ack: Acknowledgement) => void;
  readonly reject: (error: LogError) => void;
}

/** Entries that go to the store in one piece: all of them are recorded, or none. */
const MAX_BATCH_ENTRIES = 4_096;
/** As many characters at most: in UTF-8 they fit into what the store takes at once. */
const MAX_BATCH_CHARS: number = 2 * 1024 * 1024;
/** Entries that are worth a hand-over to the store by themselves, while more are being encoded. */
const GATHER_ENTRIES = 64;
/** Hand-overs under way before more entries are gathered. */
const MAX_UNDER_WAY = 16;
/** After a store has stopped, how long until an append opens it again. */
const REOPEN_AFTER_MS = 1_000;

/**
 * Gathers encoded entries into batches and gives each caller its acknowledgement. When the store stops (disk full, a failed sync,
 * another writer) what waits is refused; a later append opens it again, which recovers.
 */
export class Recorder {
  readonly #openStore: () => Promise<OpenStore>;
  readonly #maxQueued: number;
  readonly #feed: LiveFeed;
  #store: OpenStore;
  #queue: Waiting[] = [];
  #underWay = 0;
  /** Entries with the store, not answered yet. */
  #pending = 0;
  #flushScheduled = false;
  #stopped: LogError | undefined;
  #reopening: Promise<void> | undefined;
  #reopenAtMs = 0;

  constructor(store: OpenStore, openStore: () => Promise<OpenStore>, maxQueued: number, feed: LiveFeed) {
    this.#store = store;
    this.#openStore = openStore;
    this.#maxQueued = maxQueued;
    this.#feed = feed;
  }

  /** Records one encoded entry. */
  submit({ id, line }: EncodedEntry): Promise<Acknowledgement> {
    return new Promise((resolve, reject) => {
      if (this.#queue.length + this.#pending >= this.#maxQueued) {
        reject(this.#full(1));
        return;
      }
      this.#queue.push({ id, line, joined: false, resolve, reject });
      if (this.#queue.length >= GATHER_ENTRIES) this.#flush(false);
      else if (!this.#flushScheduled) this.#schedule();
    });
  }

  /** Records several, in order, in one piece if a batch can hold them. All are refused where they do not all fit. */
  submitAll(entries: readonly EncodedEntry[]): Promise<Acknowledgement[]> {
    if (this.#queue.length + this.#pending + entries.length > this.#maxQueued) return Promise.reject(this.#full(entries.length));
    const acknowledgements = entries.map(
      ({ id, line }, at) =>
        new Promise<Acknowledgement>((resolve, reject) => {
          this.#queue.push({ id, line, joined: at > 0, resolve, reject });
        }),
    );
    if (this.#queue.length >= GATHER_ENTRIES) this.#flush(false);
    else if (!this.#flushScheduled && this.#queue.length > 0) this.#schedule();
    return Promise.all(acknowledgements);
  }

  /** Records the entry that hands over to the next key, behind everything that waits now. */
  async submitKeyChange({ id, line }: EncodedEntry, nextSigner: Signer): Promise<Acknowledgement> {
    this.#flush(true);
    const placement = await this.#store.append([line], nextSigner);
    const index = placement.indexes?.[0] ?? placement.first;
    this.#feed.pass(index, line);
    return { id, index };
  }

  reader(): RecordReader {
    return this.#store.reader();
  }

  /** The store has stopped: what waits is refused, the next append opens it again. */
  stop(error: LogError): void {
    this.#stopped = error;
    // Where somebody else writes, this process is the one too many: it must not come back and drive the other one out.
    this.#reopenAtMs = error.code === 'ERR_LOG_SECOND_WRITER' ? Number.POSITIVE_INFINITY : Date.now() + REOPEN_AFTER_MS;
    this.#refuse(error);
  }

  /** Waits for everything that was submitted, then closes the store. */
  async close(): Promise<void> {
    while (this.#stopped === undefined && (this.#queue.length > 0 || this.#pending > 0)) {
      this.#flush(true);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await this.#reopening?.catch(() => undefined);
    await this.#store.close();
    this.#stopped = new LogError('ERR_LOG_CLOSED', 'the log is closed: open it again to append', { fatal: true });
    this.#reopenAtMs = Number.POSITIVE_INFINITY;
  }

  #schedule(): void {
    this.#flushScheduled = true;
    // After the microtasks of this turn: everybody who was acknowledged together appends together.
    process.nextTick(() => {
      this.#flushScheduled = false;
      this.#flush(false);
    });
  }

  /** Hands what was gathered to the store, unless enough is under way: then the next answer does it. */
  #flush(now: boolean): void {
    if (this.#stopped !== undefined) {
      this.#reopen(this.#stopped);
      return;
    }
    while (this.#queue.length > 0 && (now || this.#underWay < MAX_UNDER_WAY)) {
      const end = batchEnd(this.#queue);
      const waiting = end === this.#queue.length ? this.#queue : this.#queue.slice(0, end);
      this.#queue = waiting === this.#queue ? [] : this.#queue.slice(end);
      this.#give(waiting);
    }
  }

  #give(waiting: readonly Waiting[]): void {
    this.#underWay++;
    this.#pending += waiting.length;
    this.#store
      .append(waiting.map(({ line }) => line))
      .then(
        (placement) => {
          if (this.#feed.heard) pass(waiting, placement, this.#feed);
          answer(waiting, placement);
        },
        (error: unknown) => {
          const refusal = error instanceof LogError ? error : new LogError('ERR_LOG_WRITE_FAILED', String(error), { cause: error });
          for (const one of waiting) one.reject(refusal);
        },
      )
      .finally(() => {
        this.#underWay--;
        this.#pending -= waiting.length;
        if (this.#queue.length > 0 && !this.#flushScheduled) this.#schedule();
      });
  }

  #reopen(stopped: LogError): void {
    if (this.#reopening !== undefined) return;
    if (Date.now() < this.#reopenAtMs) {
      this.#refuse(stopped);
      return;
    }
    this.#reopening = this.#store
      .close()
      .then(() => this.#openStore())
      .then(
        (store) => {
          this.#store = store;
          this.#stopped = undefined;
        },
        (error: unknown) => this.stop(error instanceof LogError ? error : new LogError('ERR_LOG_WRITE_FAILED', String(error), { cause: error })),
      )
      .finally(() => {
        this.#reopening = undefined;
        if (this.#stopped === undefined) this.#flush(false);
      });
  }

  #refuse(error: LogError): void {
    const refused = this.#queue;
    this.#queue = [];
    for (const one of refused) one.reject(error);
  }

  #full(more: number): LogError {
    const waiting = this.#queue.length + this.#pending;
    return new LogError(
      'ERR_LOG_QUEUE_FULL',
      `${waiting} entries wait to be recorded and ${more} more would pass the limit of ${this.#maxQueued} (maxQueued): wait for acknowledgements, then try again`,
    );
  }
}

/** How many entries from the front of the queue make the next batch. What belongs together is not cut, unless it is too much itself. */
function batchEnd(queue: readonly Waiting[]): number {
  let chars = 0;
  let whole = 0;
  for (let i = 0; i < queue.length; i++) {
    if (!queue[i]!.joined) whole = i;
    chars += queue[i]!.line.length;
    if (i === MAX_BATCH_ENTRIES || (chars > MAX_BATCH_CHARS && i > 0)) return whole > 0 ? whole : i;
  }
  return queue.length;
}

/** What was new goes to whoever follows the record in this process. */
function pass(waiting: readonly Waiting[], { first, indexes }: Placement, feed: LiveFeed): void {
  for (let i = 0; i < waiting.length; i++) {
    const index = indexes === undefined ? first + i : indexes[i]!;
    if (index !== CONFLICT && index >= first) feed.pass(index, waiting[i]!.line);
  }
}

function answer(waiting: readonly Waiting[], placement: Placement): void {
  const { first, indexes } = placement;
  for (let i = 0; i < waiting.length; i++) {
    const one = waiting[i]!;
    const { id } = one;
    const index = indexes === undefined ? first + i : indexes[i]!;
    if (index === CONFLICT) {
      one.reject(new LogError('ERR_LOG_ID_CONFLICT', `the id ${id} is on the record with other content: give each event its own id, and a retry the very same event`));
    } else {
      one.resolve({ id, index });
    }
  }
}
