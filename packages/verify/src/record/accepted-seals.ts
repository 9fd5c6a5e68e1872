const FINGERPRINT_BYTES = 8;
/** Seals that are remembered: 64 MB at most. A copy of an older one is skipped without being compared. */
const MAX_SEALS = 4_194_304;

/**
 * Remembers which roots were sealed at which sizes, to tell a harmless copy of a seal from a second history.
 *
 * Eight bytes of each root do: a seal is only looked up once its signature holds, so nobody but the key's holder could look for a
 * collision.
 */
export class AcceptedSeals {
  #sizes = new Float64Array(1_024);
  #fingerprints = new Uint8Array(1_024 * FINGERPRINT_BYTES);
  #count = 0;
  #forgotten = false;

  /** Adds a seal; sizes grow. */
  add(treeSize: number, rootHash: Uint8Array): void {
    if (this.#count === this.#sizes.length) this.#makeRoom();
    this.#sizes[this.#count] = treeSize;
    this.#fingerprints.set(rootHash.subarray(0, FINGERPRINT_BYTES), this.#count * FINGERPRINT_BYTES);
    this.#count++;
  }

  /** Whether this seal was accepted; undefined where it is older than what is remembered. */
  has(treeSize: number, rootHash: Uint8Array): boolean | undefined {
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (this.#sizes[middle]! < treeSize) low = middle + 1;
      else high = middle;
    }
    if (low === 0 && this.#forgotten && this.#sizes[0] !== treeSize) return undefined;
    if (low === this.#count || this.#sizes[low] !== treeSize) return false;
    const at = low * FINGERPRINT_BYTES;
    return this.#fingerprints.subarray(at, at + FINGERPRINT_BYTES).every((byte, i) => byte === rootHash[i]);
  }

  #makeRoom(): void {
    if (this.#count < MAX_SEALS) {
      const sizes = new Float64Array(this.#count * 2);
      const fingerprints = new Uint8Array(this.#count * 2 * FINGERPRINT_BYTES);
      sizes.set(this.#sizes);
      fingerprints.set(this.#fingerprints);
      this.#sizes = sizes;
      this.#fingerprints = fingerprints;
      return;
    }
    const half = this.#count / 2;
    this.#sizes.copyWithin(0, half);
    this.#fingerprints.copyWithin(0, half * FINGERPRINT_BYTES);
    this.#count = half;
    this.#forgotten = true;
  }
}
