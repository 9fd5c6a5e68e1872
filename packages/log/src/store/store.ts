import type { Placement } from '../commit/batch.ts';
import type { LeftBehind } from '../commit/next-segment.ts';
import type { LogError } from '../error.ts';
import type { RecordReader } from '../read/record-reader.ts';
import type { Signer } from '../signer/signer.ts';

/** What the log gives a store when it opens it. */
export interface StoreContext {
  readonly signer: Signer;
  /** The newest seal noted beside the key; a record older than it is refused. */
  readonly pin: string | undefined;
  /** Called for each seal once it is durable, before the appends under it resolve. */
  readonly onSeal: (note: string, treeSize: number) => void;
  /** Called when bytes had to be left behind, at the start or on the way; the log records it. */
  readonly onRecovered: (left: LeftBehind) => void;
  /** Called while a missing cache is made anew. */
  readonly onProgress: ((entries: number, total: number) => void) | undefined;
  /** Called when the store has stopped for good; open it again to go on. */
  readonly onStopped: (error: LogError) => void;
}

/**
 * A place where a record is kept.
 *
 * It needs one ability: add this batch at position N, unless something is there. It is never asked to change or remove anything.
 */
export interface Store {
  /**
   * Takes the right to write, recovers what a crash left, and opens the record.
   *
   * @throws LogError where the record is damaged, rolled back, locked by another writer, or not there.
   */
  open(context: StoreContext): Promise<OpenStore>;
}

/** An open record. Calls may overlap; entries are placed in the order of the calls. */
export interface OpenStore {
  readonly origin: string;
  /** Size and note of the newest durable seal at the time of opening. */
  readonly sealedSize: number;
  readonly seal: string | undefined;
  /**
   * Adds encoded entries, at least one: all that are new or none. Resolves when they are durable and signed. After a rejection
   * they may still be there; the same call again returns the same indexes.
   */
  append(lines: readonly string[], nextSigner?: Signer): Promise<Placement>;
  /** Reads the record up to its last seal. */
  reader(): RecordReader;
  /** Waits for what is under way and lets go of the right to write. */
  close(): Promise<void>;
}
