import { createHash } from 'node:crypto';

// RFC 6962 §2.1, word for word, in bigints and with another hash call than the package: an oracle, not a copy.

function sha(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}

export function oracleLeaf(entry: Uint8Array): Uint8Array {
  return sha(Uint8Array.of(0), entry);
}

export function oracleNode(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha(Uint8Array.of(1), left, right);
}

function split(width: bigint): bigint {
  let k = 1n;
  while (k * 2n < width) k *= 2n;
  return k;
}

/**
 * A tree of any size in which all leaves are alike except a few: its hashes can be computed for 2^53 leaves, and yet a node
 * taken from a wrong place near one of those few is noticed.
 */
export class OracleTree {
  readonly #special: ReadonlyMap<bigint, Uint8Array>;
  readonly #uniform = new Map<bigint, Uint8Array>();
  readonly #ranges = new Map<string, Uint8Array>();

  constructor(special: ReadonlyMap<bigint, Uint8Array>) {
    this.#special = special;
    this.#uniform.set(1n, oracleLeaf(Uint8Array.of()));
  }

  /** MTH(D[begin:end]). */
  hash(begin: bigint, end: bigint): Uint8Array {
    if (begin === end) return sha();
    const id = `${begin} ${end}`;
    const known = this.#ranges.get(id);
    if (known !== undefined) return known;
    if (![...this.#special.keys()].some((index) => begin <= index && index < end)) return this.#uniformHash(end - begin);
    if (end - begin === 1n) return this.#special.get(begin)!;
    const middle = begin + split(end - begin);
    const hash = oracleNode(this.hash(begin, middle), this.hash(middle, end));
    this.#ranges.set(id, hash);
    return hash;
  }

  /** PATH(index, D[begin:end]). */
  path(index: bigint, begin: bigint, end: bigint): Uint8Array[] {
    if (end - begin === 1n) return [];
    const middle = begin + split(end - begin);
    if (index < middle) return [...this.path(index, begin, middle), this.hash(middle, end)];
    return [...this.path(index, middle, end), this.hash(begin, middle)];
  }

  /** PROOF(m, D[n]); empty for the empty tree too. */
  consistency(m: bigint, n: bigint): Uint8Array[] {
    return m === 0n ? [] : this.#subproof(m, 0n, n, true);
  }

  #subproof(m: bigint, begin: bigint, end: bigint, isWhole: boolean): Uint8Array[] {
    if (m === end) return isWhole ? [] : [this.hash(begin, end)];
    const middle = begin + split(end - begin);
    if (m <= middle) return [...this.#subproof(m, begin, middle, isWhole), this.hash(middle, end)];
    return [...this.#subproof(m, middle, end, false), this.hash(begin, middle)];
  }

  #uniformHash(width: bigint): Uint8Array {
    const known = this.#uniform.get(width);
    if (known !== undefined) return known;
    const k = split(width);
    const hash = oracleNode(this.#uniformHash(k), this.#uniformHash(width - k));
    this.#uniform.set(width, hash);
    return hash;
  }
}

/** A tree in which every leaf differs. */
export function distinctTree(size: number): OracleTree {
  const leaves = new Map<bigint, Uint8Array>();
  for (let i = 0; i < size; i++) leaves.set(BigInt(i), oracleLeaf(Uint8Array.of(i % 256, Math.floor(i / 256))));
  return new OracleTree(leaves);
}
