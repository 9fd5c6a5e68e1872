import { equalBytes, nodeHash, type TreeRange } from '@indelible/tlog';
import type { RangeResult, TreePoint } from './scan-range.ts';

/** What a range amounts to once the tree before it is known. */
export interface CheckedRange {
  /** How many of its seals, from the first on, have the right root. */
  readonly holding: number;
  /** The tree behind the range; meaningful where all hold. */
  readonly tree: TreeRange;
  /** Roots at the marks of the range; meaningful where all hold. */
  readonly marks: readonly { readonly size: number; readonly root: Uint8Array }[];
}

/**
 * Checks the roots of all seals of a range that begins where `before` ends. `before` is left as it is.
 *
 * Cost: a few hashes a seal, as only the nodes that reach across the beginning of the range are still to be joined.
 */
export function checkRoots(before: TreeRange, range: RangeResult): CheckedRange {
  if (before.end !== range.begin) throw new Error(`internal: a range that begins at ${range.begin} does not continue a tree of ${before.end}`);
  const tree = before.clone();
  const { left, right } = range.nodes;
  let applied = 0;
  let edge = tree.edge();
  const rootAt = ({ leftCount, fold }: TreePoint): Uint8Array => {
    if (applied < leftCount) {
      for (; applied < leftCount; applied++) tree.addNode(left[applied]!.level, left[applied]!.hash);
      edge = tree.edge();
    }
    return fold === undefined ? tree.root() : edge.reduceRight((root, hash) => nodeHash(hash, root), fold);
  };
  const marks: { size: number; root: Uint8Array }[] = [];
  let nextMark = 0;
  let holding = 0;
  for (const seal of range.seals) {
    // Both lists grow to the right, as the left nodes do: take them in the order of their sizes.
    for (; nextMark < range.marks.length && range.marks[nextMark]!.size <= seal.size; nextMark++) {
      const mark = range.marks[nextMark]!;
      marks.push({ size: mark.size, root: rootAt(mark) });
    }
    if (!equalBytes(rootAt(seal), seal.rootHash)) break;
    holding++;
  }
  for (; nextMark < range.marks.length; nextMark++) {
    const mark = range.marks[nextMark]!;
    marks.push({ size: mark.size, root: rootAt(mark) });
  }
  if (holding === range.seals.length) tree.addRange({ left: left.slice(applied), right });
  return { holding, tree, marks };
}
