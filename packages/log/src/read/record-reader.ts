import {
  HASH_SIZE,
  TreeRange,
  checkInclusion,
  leafHash,
  parseVerifierKey,
  proveConsistency,
  proveInclusion,
  type NodeReader,
} from '@indelible/tlog';
import { OFFSETS_FILE, OFFSET_BYTES, OFFSET_INTERVAL, decodeOffset, readNode, decodePlace, tilesFile, type Place } from '../cache/cache.ts';
import type { CacheReader } from '../cache/cache-reader.ts';
import { readSealedEntry, type EntryPlaces } from '../cache/read-entry.ts';
import type { Disk } from '../disk/disk.ts';
import { LogError } from '../error.ts';
import type { LogFile } from '../record/log-file.ts';
import { isSealNote, parseSealLine, parseSealNote } from '../record/seal-line.ts';
import { readControlLines, readControlLinesBackwards } from '../recover/control-lines.ts';
import { findAnchor } from '../recover/find-anchor.ts';
import { readLogFile } from '../recover/recover.ts';
import type { Segment } from '../recover/segments.ts';
import { SegmentChain } from './segment-chain.ts';

const LF = 0x0a;
/** How long a busy writer may take to write what it has derived. */
const CACHE_LAG_MS = 30;

/** A seal as it stands on the record. */
export interface Seal {
  readonly note: string;
  readonly treeSize: number;
  readonly rootHash: Uint8Array;
}

/** An entry with its place. `bytes` are exactly those that were hashed. */
export interface SealedEntry {
  readonly index: number;
  readonly bytes: Uint8Array;
}

/** Evidence that an entry is on the record: its proof leads to the root in the seal (RFC 6962 §2.1.1). */
export interface Receipt {
  readonly index: number;
  readonly entry: Uint8Array;
  /** The signed checkpoint. */
  readonly seal: string;
  readonly treeSize: number;
  readonly proof: readonly Uint8Array[];
}

/** Options of `follow`. */
export interface FollowOptions {
  /** Index of the first entry wanted. Default 0. */
  readonly from?: number;
  /** Go on when the end is reached, and wait for what is sealed next. Default false. */
  readonly follow?: boolean;
  /** How often to look for more. Default 200 ms. */
  readonly pollMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * Reads a log that this or another process writes, up to its last seal and never further.
 *
 * Seals are checked for their signature by the key that the log itself names: that shows damage, not forgery by somebody who
 * rewrote everything. `@indelible/verify` does that, with a key from elsewhere.
 */
export class RecordReader {
  readonly #disk: Disk;
  readonly #cache: CacheReader;
  readonly #chain: SegmentChain;

  constructor(disk: Disk, cache: CacheReader) {
    this.#disk = disk;
    this.#chain = new SegmentChain(disk);
    this.#cache = cache;
  }

  /** What log.json says. */
  async describe(): Promise<LogFile> {
    return (await readLogFile(this.#disk)).file;
  }

  /** The newest seal, or undefined where nothing is sealed yet. Costs the tail of the last segment. */
  async seal(): Promise<Seal | undefined> {
    const segment = (await this.#chain.read()).at(-1);
    if (segment === undefined) return undefined;
    const key = parseVerifierKey(segment.header.key);
    const size = (await this.#disk.size(segment.name)) ?? 0;
    const anchor = await findAnchor(this.#disk, segment, size, key, this.#durableOffset(segment));
    if (anchor !== undefined) return { note: anchor.seal.note, treeSize: anchor.seal.treeSize, rootHash: anchor.seal.rootHash };
    const note = segment.header.seal;
    const joined = note === undefined ? undefined : parseSealNote(note, key.name);
    return note === undefined || joined === undefined ? undefined : { note, ...joined };
  }

  /** Sealed entries in order, from an index on. Ends at the last seal, or goes on waiting with `follow`. */
  async *entries(options: FollowOptions = {}): AsyncGenerator<SealedEntry, void, undefined> {
    const { from = 0, follow = false, pollMs = 200, signal } = options;
    let segment = await this.#segmentWith(from);
    let { next, covered } = await this.#startIn(segment, from, await this.#successor(segment));
    for (;;) {
      const successor = await this.#successor(segment);
      const key = parseVerifierKey(segment.header.key);
      const end = successor?.header.prev?.length ?? (await this.#disk.size(segment.name)) ?? 0;
      for await (const line of readControlLines(this.#disk, segment.name, covered, end)) {
        if (signal?.aborted === true) return;
        const seal = parseSealLine(line.bytes, key);
        if (seal === undefined || seal.treeSize <= next || !(await isSealNote(seal.note, key))) continue;
        if (seal.first !== next || seal.offset < covered || seal.offset + seal.length > line.start) {
          throw new LogError('ERR_LOG_RECORD_DAMAGED', `the seal over ${seal.treeSize} entries in ${segment.name} is not where it says: from entry ${next} on the record was changed; run \`indelible verify\``, { index: next });
        }
        if (seal.treeSize > from) {
          const bytes = await this.#disk.read(segment.name, seal.offset, seal.length);
          let index = seal.first;
          let at = 0;
          for (let lf = bytes.indexOf(LF, at); lf !== -1; lf = bytes.indexOf(LF, at)) {
            if (index >= from) yield { index, bytes: bytes.subarray(at, lf) };
            index++;
            at = lf + 1;
          }
        }
        next = seal.treeSize;
        covered = line.end;
      }
      if (successor !== undefined) {
        if (successor.header.size !== next) {
          throw new LogError('ERR_LOG_RECORD_DAMAGED', `segment ${segment.name} ends at entry ${next}, its successor begins at ${successor.header.size}: run \`indelible verify\``, { index: next });
        }
        segment = successor;
        covered = segment.bodyStart;
        continue;
      }
      if (!follow) return;
      await pause(pollMs, signal);
      if (signal?.aborted === true) return;
    }
  }

  /** The bytes of one sealed entry. */
  async entry(index: number): Promise<Uint8Array> {
    const found = await readSealedEntry(this.#disk, this.#places(), index).catch(() => undefined);
    if (found !== undefined) return found;
    for await (const entry of this.entries({ from: index })) return entry.bytes; // no cache: the slow way
    throw notFound(index);
  }

  /** Index of the entry with this id, by reading the record; the first, if several apps use the id. */
  async findId(id: string): Promise<number | undefined> {
    const prefix = new TextEncoder().encode(`{"id":"${id}"`);
    for await (const entry of this.entries()) {
      if (prefix.every((byte, at) => entry.bytes[at] === byte)) return entry.index;
    }
    return undefined;
  }

  /**
   * Proves that an entry is on the record, under the newest seal. The proof is checked here before it is returned.
   *
   * @throws LogError `ERR_LOG_ENTRY_NOT_FOUND` where no seal covers the index.
   */
  async prove(index: number): Promise<Receipt> {
    const seal = await this.seal();
    if (seal === undefined || index >= seal.treeSize) throw notFound(index, seal?.treeSize ?? 0);
    const entry = await this.entry(index);
    const attempt = async (nodes: NodeReader): Promise<Receipt> => {
      const proof = await proveInclusion(index, seal.treeSize, nodes);
      checkInclusion({ index, treeSize: seal.treeSize, leafHash: leafHash(entry), proof, root: seal.rootHash });
      return { index, entry, seal: seal.note, treeSize: seal.treeSize, proof };
    };
    // The cache follows the record by some milliseconds. It may also be missing or wrong: then the entries give the proof.
    return attempt(this.nodes())
      .catch(async () => {
        await pause(CACHE_LAG_MS, undefined);
        return attempt(this.nodes());
      })
      .catch(async () => attempt(await this.#hashAll(seal.treeSize)));
  }

  /** Proves that the record at `newSize` only added to what it was at `oldSize` (RFC 6962 §2.1.2). */
  async proveConsistency(oldSize: number, newSize: number): Promise<Uint8Array[]> {
    return proveConsistency(oldSize, newSize, this.nodes());
  }

  /** Tree hashes from the cache; unchecked. */
  nodes(): NodeReader {
    return (ids) => Promise.resolve(ids.map((id) => readNode(this.#cache, id)));
  }

  /** A run of hashes of one tile level from the cache; fewer where it does not reach. Unchecked. */
  tileHashes(tileLevel: number, first: number, count: number): Uint8Array {
    return this.#cache.read(tilesFile(tileLevel), first * HASH_SIZE, count * HASH_SIZE);
  }

  async #hashAll(treeSize: number): Promise<NodeReader> {
    const leaves: Uint8Array[] = [];
    for await (const entry of this.entries()) {
      if (leaves.length === treeSize) break;
      leaves.push(leafHash(entry.bytes));
    }
    return (ids) =>
      Promise.resolve(
        ids.map(({ level, index }) => {
          const range = new TreeRange();
          for (const leaf of leaves.slice(index * 2 ** level, (index + 1) * 2 ** level)) range.addNode(0, leaf);
          return range.root();
        }),
      );
  }

  #places(): EntryPlaces {
    return {
      placeBefore: (index): (Place & { index: number }) | undefined => {
        const slot = Math.floor(index / OFFSET_INTERVAL);
        const place = decodeOffset(this.#cache.read(OFFSETS_FILE, slot * OFFSET_BYTES, OFFSET_BYTES));
        return place === undefined ? undefined : { ...place, index: slot * OFFSET_INTERVAL };
      },
      leafHash: (index) => this.tileHashes(0, index, 1),
    };
  }

  /** Where the cache was made durable last, if that was in this segment. */
  #durableOffset(segment: Segment): number | undefined {
    const place = decodePlace(this.#cache.readState());
    return place?.segment === segment.number ? place.offset : undefined;
  }

  async #segmentWith(index: number): Promise<Segment> {
    const segments = await this.#chain.read();
    const found = segments.findLast(({ header }) => header.size <= index) ?? segments[0];
    if (found === undefined) throw new LogError('ERR_LOG_RECORD_DAMAGED', 'the first segment is missing or its header is damaged: run `indelible verify`');
    return found;
  }

  /** Where to begin in a segment: at the last seal that reaches back to the entry, so that the tail of a long one is near. */
  async #startIn(segment: Segment, index: number, successor: Segment | undefined): Promise<{ next: number; covered: number }> {
    const key = parseVerifierKey(segment.header.key);
    const end = successor?.header.prev?.length ?? (await this.#disk.size(segment.name)) ?? 0;
    const anchor = index > segment.header.size ? await findAnchor(this.#disk, segment, end, key, this.#durableOffset(segment)) : undefined;
    if (anchor !== undefined) {
      // Not from the end: copies of older seals may stand behind the last one.
      for await (const line of readControlLinesBackwards(this.#disk, segment.name, segment.bodyStart, anchor.line.end)) {
        const seal = parseSealLine(line.bytes, key);
        if (seal === undefined || seal.first > index || seal.offset + seal.length !== line.start) continue;
        if (await isSealNote(seal.note, key)) return { next: seal.first, covered: seal.offset };
      }
    }
    return { next: segment.header.size, covered: segment.bodyStart };
  }

  async #successor(segment: Segment): Promise<Segment | undefined> {
    const segments = await this.#chain.read();
    return segments[segments.findIndex(({ number }) => number === segment.number) + 1];
  }
}

function notFound(index: number, size?: number): LogError {
  const holds = size === undefined ? '' : `: the record holds ${size} sealed entries`;
  return new LogError('ERR_LOG_ENTRY_NOT_FOUND', `entry ${index} is not on the record${holds}`, { index });
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    }
    signal?.addEventListener('abort', done, { once: true });
  });
}

