import { TlogError } from './error.ts';
import { TILE_WIDTH } from './tile-path.ts';

/**
 * Longest entry in bytes: its length is written in 16 bits.
 *
 * @see C2SP tlog-tiles v0.1.0, "Log entries"
 */
export const MAX_ENTRY_BYTES = 65_535;

const LENGTH_BYTES = 2;
const MALFORMED = 'ERR_TLOG_BUNDLE_MALFORMED';

/**
 * Returns the bundle of 1 to 256 entries: each with its length in two bytes, big-endian, before it.
 *
 * @throws TlogError `ERR_TLOG_ENTRY_TOO_LARGE` above 65,535 bytes; `ERR_TLOG_BUNDLE_MALFORMED` for another number of entries.
 * @see C2SP tlog-tiles v0.1.0, "Log entries"
 */
export function encodeBundle(entries: readonly Uint8Array[]): Uint8Array {
  checkCount(entries.length);
  let length = 0;
  for (const [i, entry] of entries.entries()) {
    if (entry.length > MAX_ENTRY_BYTES) {
      throw new TlogError('ERR_TLOG_ENTRY_TOO_LARGE', `entry ${i} of the bundle has ${entry.length} bytes, more than ${MAX_ENTRY_BYTES}`);
    }
    length += LENGTH_BYTES + entry.length;
  }
  const bundle = new Uint8Array(length);
  const view = new DataView(bundle.buffer);
  let at = 0;
  for (const entry of entries) {
    view.setUint16(at, entry.length);
    bundle.set(entry, at + LENGTH_BYTES);
    at += LENGTH_BYTES + entry.length;
  }
  return bundle;
}

/**
 * Returns the entries of a bundle as views of `bundle`, not copies.
 *
 * An entry proves nothing until its leaf hash has been checked.
 *
 * @param count - Number of entries that there must be, from the width of the bundle; without it 1 to 256.
 * @throws TlogError `ERR_TLOG_BUNDLE_MALFORMED` when an entry is cut short, or when their number is another.
 * @see C2SP tlog-tiles v0.1.0, "Log entries"
 */
export function decodeBundle(bundle: Uint8Array, count?: number): Uint8Array[] {
  const view = new DataView(bundle.buffer, bundle.byteOffset, bundle.byteLength);
  const entries: Uint8Array[] = [];
  for (let at = 0; at < bundle.length; ) {
    const rest = bundle.length - at;
    const length = rest < LENGTH_BYTES ? 0 : view.getUint16(at);
    if (rest < LENGTH_BYTES + length) {
      throw new TlogError(MALFORMED, `entry ${entries.length} of the bundle is cut short: ${rest} bytes are left at ${at}`);
    }
    entries.push(bundle.subarray(at + LENGTH_BYTES, at + LENGTH_BYTES + length));
    at += LENGTH_BYTES + length;
    // Before the next: a hostile bundle of empty entries would make one object for every two bytes.
    checkCount(entries.length);
  }
  checkCount(entries.length);
  if (count !== undefined && entries.length !== count) {
    throw new TlogError(MALFORMED, `the bundle has ${entries.length} entries, not ${count}`);
  }
  return entries;
}

function checkCount(count: number): void {
  if (count >= 1 && count <= TILE_WIDTH) return;
  throw new TlogError(MALFORMED, `a bundle has 1 to ${TILE_WIDTH} entries, not ${count}`);
}
