import { TlogError, quote } from './error.ts';
import { parseDecimal } from './parse.ts';

/**
 * Hashes in a full tile, and entries in a full bundle.
 *
 * @see C2SP tlog-tiles v0.1.0, "Merkle Tree"
 */
export const TILE_WIDTH = 256;

/**
 * A tile: at tile level l it holds the roots of `width` subtrees of 256^l leaves each, the first being number
 * `index` · 256. Below 256 the tile is partial.
 */
export type Tile = {
  /** Tile level, 0 ≤ level ≤ 63; one of them is eight levels of the tree. */
  readonly level: number;
  readonly index: number;
  /** 1 ≤ width ≤ 256. */
  readonly width: number;
};

/** An entry bundle: `width` entries from number `index` · 256 on. */
export type BundleId = Omit<Tile, 'level'>;

const PATH_MALFORMED = 'ERR_TLOG_TILE_PATH_MALFORMED';
const MAX_LEVEL = 63;

/**
 * Returns the path of a hash tile: `tile/<L>/<N>`, with `.p/<W>` if it is partial.
 *
 * @throws TlogError `ERR_TLOG_TILE_PATH_MALFORMED` when a number is out of range.
 * @see C2SP tlog-tiles v0.1.0, "Merkle Tree"
 */
export function tilePath(level: number, index: number, width: number = TILE_WIDTH): string {
  if (!Number.isSafeInteger(level) || level < 0 || level > MAX_LEVEL) {
    throw new TlogError(PATH_MALFORMED, `tile level ${level} is not from 0 to ${MAX_LEVEL}`);
  }
  return `tile/${level}/${formatIndex(index, width)}`;
}

/**
 * Returns the path of an entry bundle: `tile/entries/<N>`, with `.p/<W>` if it is partial.
 *
 * @throws TlogError `ERR_TLOG_TILE_PATH_MALFORMED` when a number is out of range.
 * @see C2SP tlog-tiles v0.1.0, "Log entries"
 */
export function bundlePath(index: number, width: number = TILE_WIDTH): string {
  return `tile/entries/${formatIndex(index, width)}`;
}

/**
 * Returns the tile that `path` names. Accepts exactly the paths that `tilePath` writes.
 *
 * @throws TlogError `ERR_TLOG_TILE_PATH_MALFORMED`.
 */
export function parseTilePath(path: string): Tile {
  const [, level, rest] = /^tile\/([0-9]{1,2})\/(.*)$/s.exec(path) ?? [];
  if (level === undefined || rest === undefined) throw new TlogError(PATH_MALFORMED, `${quote(path)} is not the path of a tile`);
  const tile = { level: parseDecimal(level, { what: 'tile level', code: PATH_MALFORMED }), ...parseIndex(rest, path) };
  return checkSamePath(path, tilePath(tile.level, tile.index, tile.width), tile);
}

/**
 * Returns the bundle that `path` names. Accepts exactly the paths that `bundlePath` writes.
 *
 * @throws TlogError `ERR_TLOG_TILE_PATH_MALFORMED`.
 */
export function parseBundlePath(path: string): BundleId {
  const [, rest] = /^tile\/entries\/(.*)$/s.exec(path) ?? [];
  if (rest === undefined) throw new TlogError(PATH_MALFORMED, `${quote(path)} is not the path of an entry bundle`);
  const bundle = parseIndex(rest, path);
  return checkSamePath(path, bundlePath(bundle.index, bundle.width), bundle);
}

/** Groups of three digits, `x` before all but the last: a directory never has the name of a file. */
function formatIndex(index: number, width: number): string {
  if (!Number.isSafeInteger(index) || index < 0) {
    throw new TlogError(PATH_MALFORMED, `tile index ${index} is not from 0 to ${Number.MAX_SAFE_INTEGER}`);
  }
  if (!Number.isSafeInteger(width) || width < 1 || width > TILE_WIDTH) {
    throw new TlogError(PATH_MALFORMED, `tile width ${width} is not from 1 to ${TILE_WIDTH}; empty tiles do not exist`);
  }
  const digits = String(index);
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/.{3}/g) ?? [];
  const last = groups.pop();
  return `${groups.map((group) => `x${group}/`).join('')}${last}${width === TILE_WIDTH ? '' : `.p/${width}`}`;
}

function parseIndex(rest: string, path: string): BundleId {
  // Six groups hold every index below 2^53.
  const [, groups, partial] = /^((?:x[0-9]{3}\/){0,5}[0-9]{3})(?:\.p\/([0-9]{1,3}))?$/.exec(rest) ?? [];
  if (groups === undefined) throw new TlogError(PATH_MALFORMED, `${quote(path)} does not end in a tile index`);
  const digits = groups.replaceAll(/[x/]/g, '').replace(/^0+(?=.)/, '');
  return {
    index: parseDecimal(digits, { what: 'tile index', code: PATH_MALFORMED }),
    width: partial === undefined ? TILE_WIDTH : parseDecimal(partial, { what: 'tile width', code: PATH_MALFORMED }),
  };
}

/** Formatting again finds what the patterns let through: `x000/001` for 1, `.p/256`, `.p/0`, level 64. */
function checkSamePath<T>(path: string, formatted: string, parsed: T): T {
  if (path === formatted) return parsed;
  throw new TlogError(PATH_MALFORMED, `${quote(path)} should read ${quote(formatted)}`);
}
