/** The first 32 bits of the fractional parts of the cube roots of the first 64 primes (FIPS 180-4 §4.2.2). */
const ROUND_CONSTANTS: Uint32Array = fractionalRoots(64, 3);

/** The same of the square roots of the first 8 primes (FIPS 180-4 §5.3.3). */
const INITIAL_STATE: Uint32Array = fractionalRoots(8, 2);

const DIGEST_BYTES = 32;
const BLOCK_BYTES = 64;

// Hashing is synchronous, so one schedule, one state and one tail block serve all calls.
const schedule = new Uint32Array(64);
const state = new Uint32Array(8);
const tail = new Uint8Array(2 * BLOCK_BYTES);
const tailView = new DataView(tail.buffer);

/**
 * Returns the SHA-256 digest of `data` in a new array.
 *
 * Plain synchronous JavaScript for runtimes without `node:crypto` (WebCrypto digests only asynchronously, and a tree of
 * promises is no tree). Not constant-time in cache terms; tree inputs are public.
 *
 * @see FIPS 180-4 §6.2
 */
export function sha256(data: Uint8Array): Uint8Array {
  const digest = new Uint8Array(DIGEST_BYTES);
  sha256Into(data, digest, 0);
  return digest;
}

/**
 * Writes the SHA-256 digest of `data` to the 32 bytes of `out` that begin at `offset`.
 *
 * `out` may overlap `data`: the digest is complete before the first byte is written.
 *
 * @throws RangeError when fewer than 32 bytes follow `offset`.
 */
export function sha256Into(data: Uint8Array, out: Uint8Array, offset: number): void {
  if (!(offset >= 0 && offset + DIGEST_BYTES <= out.length)) {
    throw new RangeError(`a digest at offset ${offset} does not fit in ${out.length} bytes`);
  }
  state.set(INITIAL_STATE);
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const whole = data.length - (data.length % BLOCK_BYTES);
  for (let at = 0; at < whole; at += BLOCK_BYTES) compress(view, at);

  // Padding: 0x80, zeros, then the length in bits as 64 bits (FIPS 180-4 §5.1.1).
  const rest = data.length - whole;
  const padded = rest + 9 <= BLOCK_BYTES ? BLOCK_BYTES : 2 * BLOCK_BYTES;
  tail.fill(0);
  tail.set(data.subarray(whole), 0);
  tail[rest] = 0x80;
  tailView.setUint32(padded - 8, Math.floor(data.length / 2 ** 29));
  tailView.setUint32(padded - 4, (data.length % 2 ** 29) * 8);
  for (let at = 0; at < padded; at += BLOCK_BYTES) compress(tailView, at);

  const target = new DataView(out.buffer, out.byteOffset, out.byteLength);
  for (let i = 0; i < 8; i++) target.setUint32(offset + 4 * i, state[i]!);
}

function rotateRight(word: number, bits: number): number {
  return (word >>> bits) | (word << (32 - bits));
}

/** Folds the 64 bytes of `block` at `at` into `state` (FIPS 180-4 §6.2.2; names as there). */
function compress(block: DataView, at: number): void {
  const w = schedule;
  for (let t = 0; t < 16; t++) w[t] = block.getUint32(at + 4 * t);
  for (let t = 16; t < 64; t++) {
    const x = w[t - 15]!;
    const y = w[t - 2]!;
    const sigma0 = rotateRight(x, 7) ^ rotateRight(x, 18) ^ (x >>> 3);
    const sigma1 = rotateRight(y, 17) ^ rotateRight(y, 19) ^ (y >>> 10);
    w[t] = w[t - 16]! + sigma0 + w[t - 7]! + sigma1;
  }
  let [a, b, c, d, e, f, g, h] = state as unknown as [number, number, number, number, number, number, number, number];
  for (let t = 0; t < 64; t++) {
    const sum1 = rotateRight(e, 6) ^ rotateRight(e, 11) ^ rotateRight(e, 25);
    const t1 = (h + sum1 + ((e & f) ^ (~e & g)) + ROUND_CONSTANTS[t]! + w[t]!) | 0;
    const sum0 = rotateRight(a, 2) ^ rotateRight(a, 13) ^ rotateRight(a, 22);
    const t2 = (sum0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  state[0] = state[0]! + a;
  state[1] = state[1]! + b;
  state[2] = state[2]! + c;
  state[3] = state[3]! + d;
  state[4] = state[4]! + e;
  state[5] = state[5]! + f;
  state[6] = state[6]! + g;
  state[7] = state[7]! + h;
}

/**
 * The first 32 bits of the fractional parts of the `degree`-th roots of the first `count` primes, in exact integers:
 * floor(root(p · 2^(32·degree))) mod 2^32. Derived, not typed in, so that no digit can be mistyped.
 */
function fractionalRoots(count: number, degree: 2 | 3): Uint32Array {
  const words = new Uint32Array(count);
  const primes: number[] = [];
  for (let n = 2; primes.length < count; n++) {
    if (primes.some((p) => n % p === 0)) continue;
    const scaled = BigInt(n) << BigInt(32 * degree);
    // Bisection for the integer root: the 64th prime is 311, so every root is below 2^5 · 2^32.
    let low = 0n;
    let high = 1n << 37n;
    while (high - low > 1n) {
      const middle = (low + high) / 2n;
      if (middle ** BigInt(degree) <= scaled) low = middle;
      else high = middle;
    }
    words[primes.length] = Number(low & 0xffff_ffffn);
    primes.push(n);
  }
  return words;
}
