import { checkInclusion, leafHash, proveInclusion, type TreeRange } from '@indelible/tlog';
import type { Cache } from '../cache/cache.ts';
import { readSealedEntry } from '../cache/read-entry.ts';
import type { Disk } from '../disk/disk.ts';
import { LogError } from '../error.ts';
import type { Batch } from './batch.ts';
import { ID_WORDS, compareIds, readEntryId } from './entry-id.ts';

const NEW = Number.NaN;
/** The index that says: this id is taken by an entry with other content. */
export const CONFLICT = -1;

/** What is left of a batch without the entries that are on the record already. */
export interface Reduced {
  readonly bytes: Uint8Array;
  readonly lengths: Uint32Array;
  readonly count: number;
  readonly indexes: Float64Array;
}

/**
 * Idempotency: the same id from the same app is one entry. The id index proposes candidates; only the entry itself decides.
 * What says who tried, and when (`instance`, `recordedAt`, `clockAheadMs`), differs from try to try, after a restart for instance,
 * and is left out of the comparison.
 */
export class DuplicateCheck {
  readonly #cache: Cache;
  readonly #disk: Disk;
  readonly #sealedTree: () => TreeRange;

  constructor(cache: Cache, disk: Disk, sealedTree: () => TreeRange) {
    this.#cache = cache;
    this.#disk = disk;
    this.#sealedTree = sealedTree;
  }

  /** Reads the ids of a batch; returns whether any of them is known or occurs twice. */
  mayHold(batch: Batch, ids: Uint32Array): boolean {
    let at = 1;
    let known = false;
    for (let i = 0; i < batch.lengths.length; i++) {
      const length = batch.lengths[i]!;
      if (!readEntryId(batch.bytes, at, length, ids, i * ID_WORDS)) throw new Error('internal: an entry without an id was submitted');
      known ||= this.#cache.ids.find(ids, i * ID_WORDS).length > 0;
      // Ids made in one process rise; where one does not, it may be a copy.
      known ||= i > 0 && compareIds(ids, (i - 1) * ID_WORDS, ids, i * ID_WORDS) >= 0;
      at += length + 1;
    }
    return known;
  }

  /**
   * Finds out which entries of a batch are not new: their index, CONFLICT, or -(place + 2) for a copy of the entry at an
   * earlier place in the same batch; NaN where the entry is new.
   */
  async resolve(batch: Batch, ids: Uint32Array, unsealed: (index: number) => Uint8Array | undefined): Promise<Float64Array> {
    const known = new Float64Array(batch.lengths.length).fill(NEW);
    const seen = new Map<string, { place: number; identity: Identity }[]>();
    let at = 1;
    for (let i = 0; i < known.length; i++) {
      const entry = batch.bytes.subarray(at, at + batch.lengths[i]!);
      at += entry.length + 1;
      const identity = identityOf(entry);
      for (const index of this.#cache.ids.find(ids, i * ID_WORDS)) {
        const stored = unsealed(index) ?? (await this.#readProven(index));
        const other = identityOf(stored);
        if (other.id === identity.id && other.app === identity.app) known[i] = other.content === identity.content ? index : CONFLICT;
      }
      if (!Number.isNaN(known[i]!)) continue;
      const earlier = seen.get(identity.id) ?? [];
      const twin = earlier.find((one) => one.identity.app === identity.app);
      if (twin !== undefined) known[i] = twin.identity.content === identity.content ? -(twin.place + 2) : CONFLICT;
      else seen.set(identity.id, [...earlier, { place: i, identity }]);
    }
    return known;
  }

  /** An entry on the record. The cache says where it may be; only a proof that leads to the sealed root says that it is. */
  async #readProven(index: number): Promise<Uint8Array> {
    try {
      const entry = await readSealedEntry(this.#disk, this.#cache, index);
      if (entry === undefined) throw new Error('it is not where the cache says');
      const tree = this.#sealedTree();
      const proof = await proveInclusion(index, tree.end, this.#cache.nodes());
      checkInclusion({ index, treeSize: tree.end, leafHash: leafHash(entry), proof, root: tree.root() });
      return entry;
    } catch (cause) {
      throw new LogError('ERR_LOG_ENTRY_NOT_FOUND', `entry ${index} could not be read to compare it with a retry: stop the writer, run \`indelible verify\`, then \`indelible rebuild\``, { cause, index });
    }
  }

  /** Takes the entries that are not new out of a batch, and gives every entry its index. */
  withoutKnown(batch: Batch, ids: Uint32Array, known: Float64Array, first: number): Reduced {
    const bytes = new Uint8Array(batch.bytes.length);
    const lengths = new Uint32Array(known.length);
    const indexes = new Float64Array(known.length);
    let from = 1;
    let to = 1;
    let count = 0;
    for (let i = 0; i < known.length; i++) {
      const length = batch.lengths[i]!;
      if (Number.isNaN(known[i]!)) {
        bytes.set(batch.bytes.subarray(from, from + length + 1), to);
        ids.copyWithin(count * ID_WORDS, i * ID_WORDS, (i + 1) * ID_WORDS);
        indexes[i] = first + count;
        lengths[count++] = length;
        to += length + 1;
      } else {
        indexes[i] = known[i]! < CONFLICT ? indexes[-known[i]! - 2]! : known[i]!;
      }
      from += length + 1;
    }
    return { bytes: bytes.subarray(0, to), lengths: lengths.subarray(0, count), count, indexes };
  }
}

interface Identity {
  readonly id: string;
  readonly app: string | undefined;
  readonly content: string;
}

function identityOf(entry: Uint8Array): Identity {
  const { recordedAt: _recordedAt, clockAheadMs: _clockAheadMs, instance: _instance, ...rest } = JSON.parse(new TextDecoder().decode(entry)) as {
    id: string;
    app?: string;
    instance?: string;
    recordedAt?: string;
    clockAheadMs?: number;
  };
  return { id: rest.id, app: rest.app, content: JSON.stringify(rest) };
}
