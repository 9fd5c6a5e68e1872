import { equalBytes, leafHash, parseVerifierKey } from '@indelible/tlog';
import type { Cache } from '../cache/cache.ts';
import type { Disk } from '../disk/disk.ts';
import { isSealNote, parseSealLine, type ParsedSeal } from '../record/seal-line.ts';
import { readControlLinesBackwards } from './control-lines.ts';
import type { Segment } from './segments.ts';

const LF = 0x0a;
/** So many batches are read again at each opening: the seal of one travels with the entries of the next, so a write touches two. */
const TAIL_BATCHES = 2;
/** And not more bytes than this: an opening has to stay short, whatever the batches hold. */
const TAIL_BYTES = 1 << 20;

/**
 * Whether the last batches of a segment, up to the seal that ends at `end`, are whole: entries as the cache knows them, each batch
 * under a seal whose signature holds.
 *
 * The root of the last seal says nothing about the bytes under it where a cache has the hashes, nor about the signatures before
 * it: without this, a writer would go on behind a tail that a bad disk or a hand has spoiled. Older damage is the verifier's to
 * find. False may as well mean that the cache is wrong: reading the whole record decides.
 */
export async function tailHolds(disk: Disk, segment: Segment, end: number, size: number, cache: Cache): Promise<boolean> {
  const key = parseVerifierKey(segment.header.key);
  let expected = size;
  let batches = 0;
  let bytes = 0;
  for await (const line of readControlLinesBackwards(disk, segment.name, segment.bodyStart, end)) {
    if (expected === segment.header.size || batches === TAIL_BATCHES) break;
    const seal = parseSealLine(line.bytes, key);
    if (seal === undefined || seal.treeSize > expected || !(await isSealNote(seal.note, key))) continue; // foreign, or a copy
    if (seal.treeSize < expected) return false; // the seal between is not there any more, or not its entries
    bytes += seal.length;
    if (bytes > TAIL_BYTES && batches > 0) return true;
    if (!(await rangeHolds(disk, segment.name, seal, cache))) continue; // a copy that names another place, or damage
    expected = seal.first;
    batches++;
  }
  return batches === TAIL_BATCHES || expected === segment.header.size;
}

async function rangeHolds(disk: Disk, name: string, seal: ParsedSeal, cache: Cache): Promise<boolean> {
  if (seal.first >= seal.treeSize) return false;
  const bytes = await disk.read(name, seal.offset, seal.length);
  let at = 0;
  for (let index = seal.first; index < seal.treeSize; index++) {
    const end = bytes.indexOf(LF, at);
    if (end === -1 || !equalBytes(leafHash(bytes.subarray(at, end)), cache.leafHash(index))) return false;
    at = end + 1;
  }
  return at === seal.length;
}
