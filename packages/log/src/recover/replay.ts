import { HASH_SIZE, equalBytes, type TreeRange } from '@indelible/tlog';
import type { Cache } from '../cache/cache.ts';
import { ID_WORDS, readEntryId } from '../commit/entry-id.ts';
import type { Disk } from '../disk/disk.ts';
import { CONTROL_PREFIX, type ParsedSeal } from '../record/seal-line.ts';
import type { ControlLine } from './control-lines.ts';

const LF = 0x0a;
const MAX_ENTRY_BYTES = 65_535;
const PREFIX = new TextEncoder().encode(CONTROL_PREFIX);

/**
 * Takes the entries that a seal covers into the tree and the cache, if they are what it says: right place, right number, right
 * root. Returns false, and changes nothing, where they are not. Signatures are the caller's matter.
 */
export async function replaySeal(
  disk: Disk,
  segment: { readonly number: number; readonly name: string },
  seal: ParsedSeal,
  line: ControlLine,
  covered: number,
  edge: TreeRange,
  cache: Cache,
): Promise<TreeRange | undefined> {
  if (seal.first !== edge.end || seal.treeSize <= seal.first) return undefined;
  if (seal.offset < covered || seal.offset + seal.length > line.start) return undefined;
  const count = seal.treeSize - seal.first;
  if (count > seal.length / 2) return undefined; // an entry has at least one byte and its LF
  const read = await disk.read(segment.name, seal.offset - 1, seal.length + 1);
  if (read.length !== seal.length + 1) return undefined;
  const bytes = Buffer.from(read.buffer, read.byteOffset, read.length);

  const grown = edge.clone();
  const leafHashes = new Uint8Array(count * HASH_SIZE);
  const lengths = new Uint32Array(count);
  const ids = new Uint32Array(count * ID_WORDS);
  let at = 1;
  for (let i = 0; i < count; i++) {
    const end = bytes.indexOf(LF, at);
    if (end === -1 || end === at || end - at > MAX_ENTRY_BYTES) return undefined;
    if (bytes.compare(PREFIX, 0, PREFIX.length, at, Math.min(end, at + PREFIX.length)) === 0) return undefined;
    readEntryId(bytes, at, end - at, ids, i * ID_WORDS);
    bytes[at - 1] = 0x00; // RFC 6962 §2.1: leaf hash = SHA-256(0x00 ‖ entry)
    grown.addPrefixedLeaf(bytes.subarray(at - 1, end), leafHashes, i * HASH_SIZE);
    lengths[i] = end - at;
    at = end + 1;
  }
  if (at !== bytes.length || !equalBytes(grown.root(), seal.rootHash)) return undefined;
  for (let i = 0; i < count; i++) cache.ids.add(ids, i * ID_WORDS);
  cache.extend({
    first: seal.first,
    leafHashes,
    tileNodes: grown.takeTileNodes(),
    lengths,
    place: { segment: segment.number, offset: seal.offset },
  });
  return grown;
}
