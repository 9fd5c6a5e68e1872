import { sha256Into } from '#sha256';
import { TlogError } from './error.ts';
import { HASH_SIZE, emptyRoot, nodeHash } from './hash.ts';

/** A node of a tree: the root of the complete subtree over leaves [index·2^level, (index+1)·2^level). */
export interface RangeNode {
  readonly level: number;
  readonly hash: Uint8Array;
}

/** The nodes which a range of leaves amounts to: what joins a tree on its left, and what stays open on its right. */
export interface RangeNodes {
  /** Complete right children whose left sibling lies before the range; levels strictly increase. */
  readonly left: readonly RangeNode[];
  /** Roots of the maximal complete subtrees that still wait for a right sibling; levels strictly decrease. */
  readonly right: readonly RangeNode[];
}

/** Tree levels between one tile level and the next (C2SP tlog-tiles: tiles are 256 hashes wide). */
const TILE_HEIGHT = 8;
const LEVELS = 53; // 2^53 leaves, the largest tree whose size a number holds exactly
const SLOT = 1 + 2 * HASH_SIZE; // 0x01 ‖ left ‖ right: the input of a node hash (RFC 6962 §2.1), kept ready per level

/**
 * Hashes a run of leaves [begin, end) into the few nodes it amounts to, one pass, no allocation per leaf.
 *
 * With begin 0 this is the right edge of a growing tree and `root()` is its RFC 6962 root. With begin > 0 it is a part which
 * another TreeRange that ends at `begin` takes over with `addRange`: this is how several cores hash one log.
 * Not safe for concurrent use; all state belongs to the owner.
 *
 * @see RFC 6962 §2.1
 */
export class TreeRange {
  readonly begin: number;
  #end: number;
  /** Per level: is the left slot taken up to here (bit `level` of `#end`)? */
  readonly #bit: Uint8Array = new Uint8Array(LEVELS + 1);
  /** Per level: do we hold the hash of that left node, or does it lie before `begin`? */
  readonly #held: Uint8Array = new Uint8Array(LEVELS + 1);
  readonly #slots: Uint8Array = new Uint8Array((LEVELS + 1) * SLOT);
  /** Views of the levels' slots, made when first needed: most trees and clones need few. */
  readonly #inputs: (Uint8Array | undefined)[] = [];
  readonly #left: RangeNode[] = [];
  #tileNodes: RangeNode[] | undefined;

  /**
   * @param begin - Index of the first leaf, 0 ≤ begin < 2^53.
   * @param options - `collectTileNodes`: keep the nodes that are entries of hash tiles above level 0, for `takeTileNodes`.
   */
  constructor(begin = 0, options: { readonly collectTileNodes?: boolean } = {}) {
    if (!Number.isSafeInteger(begin) || begin < 0) {
      throw new TlogError('ERR_TLOG_TREE_SIZE', `range begin ${begin} is not a tree size (0 ≤ size < 2^53)`);
    }
    this.begin = begin;
    this.#end = begin;
    for (let level = 0, rest = begin; level <= LEVELS; level++, rest = Math.floor(rest / 2)) {
      this.#slots[level * SLOT] = 0x01;
      this.#bit[level] = rest % 2;
    }
    if (options.collectTileNodes === true) this.#tileNodes = [];
  }

  /**
   * Returns the right edge of a tree from its size and the hashes of its maximal complete subtrees, largest first.
   *
   * @throws TlogError `ERR_TLOG_TREE_EDGE` unless there is one hash for each one bit of `size`.
   */
  static fromEdge(size: number, edge: readonly Uint8Array[], options: { readonly collectTileNodes?: boolean } = {}): TreeRange {
    const range = new TreeRange(0, options);
    let at = 0;
    for (const level of edgeLevels(size)) {
      const hash = edge[at++];
      if (hash === undefined || hash.length !== HASH_SIZE) break;
      range.addNode(level, hash);
    }
    range.takeTileNodes();
    if (range.#end !== size || at !== edge.length) {
      throw new TlogError('ERR_TLOG_TREE_EDGE', `an edge of ${edge.length} hashes does not fit a tree of ${size} leaves`);
    }
    return range;
  }

  /** One past the last leaf; with begin 0 the tree size. */
  get end(): number {
    return this.#end;
  }

  /**
   * Adds the leaf whose RFC 6962 leaf data is `prefixed` without its first byte, which MUST be 0x00. Where `out` is given, its
   * leaf hash is written there too, at `offset`: the caller gets it without a second pass and without an allocation.
   */
  addPrefixedLeaf(prefixed: Uint8Array, out?: Uint8Array, offset = 0): void {
    const slots = this.#slots;
    const at = this.#bit[0] === 0 ? 1 : 1 + HASH_SIZE;
    sha256Into(prefixed, slots, at);
    if (out !== undefined) for (let i = 0; i < HASH_SIZE; i++) out[offset + i] = slots[at + i]!;
    this.#end++;
    this.#carry(0);
  }

  /** Adds the root of the complete subtree of 2^level leaves that begins at `end`, which MUST be a multiple of 2^level. */
  addNode(level: number, hash: Uint8Array): void {
    for (let l = 0; l < level; l++) {
      if (this.#bit[l] !== 0) throw new TlogError('ERR_TLOG_TREE_EDGE', `no subtree of level ${level} begins at leaf ${this.#end}`);
    }
    this.#slots.set(hash, level * SLOT + (this.#bit[level] === 0 ? 1 : 1 + HASH_SIZE));
    this.#end += 2 ** level;
    this.#carry(level);
  }

  /** Takes over the nodes of a range that begins where this one ends. */
  addRange(next: RangeNodes): void {
    for (const node of next.left) this.addNode(node.level, node.hash);
    for (const node of next.right) this.addNode(node.level, node.hash);
  }

  /** The completed nodes at levels 8, 16, 24, … since the last call, in the order in which they were completed. */
  takeTileNodes(): readonly RangeNode[] {
    if (this.#tileNodes === undefined || this.#tileNodes.length === 0) return [];
    const taken = this.#tileNodes;
    this.#tileNodes = [];
    return taken;
  }

  /** The nodes this range amounts to, copied. */
  nodes(): RangeNodes {
    const right: RangeNode[] = [];
    for (let level = LEVELS; level >= 0; level--) {
      if (this.#bit[level] === 1 && this.#held[level] === 1) right.push({ level, hash: this.#leftSlot(level).slice() });
    }
    return { left: [...this.#left], right };
  }

  /** The hashes of the maximal complete subtrees, largest first. Only where begin is 0. */
  edge(): Uint8Array[] {
    this.#requireWhole();
    return this.nodes().right.map((node) => node.hash);
  }

  /** The RFC 6962 root over all leaves so far. Only where begin is 0. Costs one hash for each one bit of `end`. */
  root(): Uint8Array {
    this.#requireWhole();
    let root: Uint8Array | undefined;
    for (let level = 0; level <= LEVELS; level++) {
      if (this.#bit[level] === 0) continue;
      root = root === undefined ? this.#leftSlot(level).slice() : nodeHash(this.#leftSlot(level), root);
    }
    return root ?? emptyRoot();
  }

  /** A copy that can go its own way. */
  clone(): TreeRange {
    const copy = new TreeRange(this.begin);
    copy.#end = this.#end;
    copy.#bit.set(this.#bit);
    copy.#held.set(this.#held);
    copy.#slots.set(this.#slots);
    copy.#left.push(...this.#left);
    if (this.#tileNodes !== undefined) copy.#tileNodes = [...this.#tileNodes];
    return copy;
  }

  /** A hash has just been put into the free slot of `level`; `#end` already counts it. */
  #carry(level: number): void {
    for (let l = level; ; l++) {
      if (this.#bit[l] === 0) {
        this.#bit[l] = 1;
        this.#held[l] = 1;
        return;
      }
      this.#bit[l] = 0;
      if (this.#held[l] === 1) {
        this.#held[l] = 0;
        const at = (l + 1) * SLOT + (this.#bit[l + 1] === 0 ? 1 : 1 + HASH_SIZE);
        const input = (this.#inputs[l] ??= this.#slots.subarray(l * SLOT, (l + 1) * SLOT));
        sha256Into(input, this.#slots, at);
        if (this.#tileNodes !== undefined && (l + 1) % TILE_HEIGHT === 0) {
          this.#tileNodes.push({ level: l + 1, hash: this.#slots.slice(at, at + HASH_SIZE) });
        }
        continue;
      }
      // The left sibling lies before `begin`: this right child is for whoever holds it, and every parent of it too.
      const at = l * SLOT + 1 + HASH_SIZE;
      this.#left.push({ level: l, hash: this.#slots.slice(at, at + HASH_SIZE) });
      for (let up = l + 1; ; up++) {
        if (this.#bit[up] === 0) {
          this.#bit[up] = 1;
          this.#held[up] = 0;
          return;
        }
        this.#bit[up] = 0;
      }
    }
  }

  #leftSlot(level: number): Uint8Array {
    return this.#slots.subarray(level * SLOT + 1, level * SLOT + 1 + HASH_SIZE);
  }

  #requireWhole(): void {
    if (this.begin !== 0) throw new TlogError('ERR_TLOG_TREE_EDGE', `a range that begins at leaf ${this.begin} has no root of its own`);
  }
}

/** The levels of the maximal complete subtrees of a tree, largest first: the one bits of its size. */
export function edgeLevels(size: number): number[] {
  const levels: number[] = [];
  for (let level = 0, rest = size; rest > 0; level++, rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) levels.push(level);
  }
  return levels.reverse();
}
