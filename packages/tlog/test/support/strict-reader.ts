import type { NodeId, NodeReader } from '@indelible/tlog';
import type { OracleTree } from './rfc-oracle.ts';

/**
 * Returns a reader that holds its caller to the contract of NodeReader: ids that exist at `treeSize`, none twice, none inside
 * another, and one call only.
 */
export function strictReader(tree: OracleTree, treeSize: number): NodeReader & { calls: number } {
  const read = (ids: readonly NodeId[]): Promise<Uint8Array[]> => {
    reader.calls++;
    if (ids.length === 0) throw new Error('the reader was called for nothing');
    const ranges = ids.map(({ level, index }) => {
      const begin = BigInt(index) * 2n ** BigInt(level);
      return { begin, end: begin + 2n ** BigInt(level) };
    });
    const sorted = ranges.toSorted((a, b) => (a.begin < b.begin ? -1 : 1));
    for (const [i, range] of sorted.entries()) {
      if (range.end > BigInt(treeSize)) throw new Error(`node [${range.begin}, ${range.end}) is not complete at ${treeSize}`);
      if (i > 0 && sorted[i - 1]!.end > range.begin) throw new Error('two nodes overlap');
    }
    return Promise.resolve(ranges.map(({ begin, end }) => tree.hash(begin, end)));
  };
  const reader = Object.assign(read, { calls: 0 });
  return reader;
}
