import type { TreeRange } from '@indelible/tlog';
import type { Staged } from './staged.ts';

/** Batches that are durable, and the seal over them that is not yet. */
export interface Sealing {
  readonly group: Staged[];
  readonly line: Uint8Array;
  readonly note: string;
  readonly treeSize: number;
  /** The tree at that size. */
  readonly edge: TreeRange;
  /** Where the covered range begins. */
  readonly offset: number;
}
