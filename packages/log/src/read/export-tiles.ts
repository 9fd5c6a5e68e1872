import { resolve } from 'node:path';
import {
  TILE_WIDTH,
  TreeRange,
  checkConsistency,
  decodeUtf8Strict,
  edgeLevels,
  equalBytes,
  leafHash,
  partialWidth,
  tileNodeReader,
  tilePath,
} from '@indelible/tlog';
import { LogError } from '../error.ts';
import { LOG_FILE } from '../record/log-file.ts';
import { parseSealNote } from '../record/seal-line.ts';
import type { RecordReader, Seal } from './record-reader.ts';
import { TileFiles, TileWriter } from './tile-files.ts';

/** Options of `exportTiles`. */
export interface ExportOptions {
  /** Called as it goes on. */
  readonly onProgress?: (entries: number, total: number) => void;
}

/** What an export did. */
export interface TilesExport {
  readonly origin: string;
  /** Entries in the export now. */
  readonly treeSize: number;
  /** Entries that were there before. */
  readonly before: number;
  /** The checkpoint: the newest seal. */
  readonly checkpoint: string;
}

interface Before {
  readonly treeSize: number;
  readonly rootHash: Uint8Array;
}

/**
 * Writes a log as C2SP tlog-tiles: `checkpoint`, `tile/<L>/<N>[.p/W]`, `tile/entries/<N>[.p/W]`, ready to be served as static
 * files.
 *
 * Made from the entries, not from the cache: they are hashed again and compared with the seal before the checkpoint is replaced,
 * which happens last. Where the directory holds an older export of this log only what came since is read and written, and the
 * old checkpoint must be one of the same history. Partial tiles of older sizes are left for readers that still ask for them.
 *
 * @throws LogError `ERR_LOG_EXPORT_CONFLICT` where the directory holds something else; nothing is changed then.
 * `ERR_LOG_ENTRY_NOT_FOUND` where nothing is sealed, `ERR_LOG_RECORD_DAMAGED` where the entries do not have the sealed root.
 * @see C2SP tlog-tiles v0.1.0
 */
export async function exportTiles(reader: RecordReader, directory: string, options: ExportOptions = {}): Promise<TilesExport> {
  const path = resolve(directory);
  const files = new TileFiles(path);
  const { origin } = await reader.describe();
  const seal = await reader.seal();
  if (seal === undefined) throw new LogError('ERR_LOG_ENTRY_NOT_FOUND', 'nothing is sealed yet: there is nothing to export');
  if ((await files.read(LOG_FILE)) !== undefined) throw conflict(path, 'it is the directory of a log');
  const before = await readBefore(files, path, origin);
  if (before !== undefined && before.treeSize > seal.treeSize) {
    throw conflict(path, `its checkpoint is over ${before.treeSize} entries, the log holds ${seal.treeSize}: the log was rolled back, or the export is of another log`);
  }
  const { writer, range } = (await resume(files, reader, before, seal)) ?? (await begin(files, reader, before, path));
  for await (const entry of reader.entries({ from: range.end })) {
    if (range.end === seal.treeSize) break;
    const hash = leafHash(entry.bytes);
    range.addNode(0, hash);
    await writer.add(entry.bytes, hash, range.takeTileNodes());
    if (range.end % TILE_WIDTH === 0) options.onProgress?.(range.end, seal.treeSize);
  }
  checkSeal(range, seal);
  await writer.finish();
  await files.writeCheckpoint(seal.note);
  return { origin, treeSize: seal.treeSize, before: before?.treeSize ?? 0, checkpoint: seal.note };
}

/** Size and root of the export that is there. Its signature is not asked for: what counts is that the entries lead to its root. */
async function readBefore(files: TileFiles, path: string, origin: string): Promise<Before | undefined> {
  const bytes = await files.read('checkpoint');
  if (bytes === undefined) return undefined;
  let before: Before | undefined;
  try {
    before = parseSealNote(decodeUtf8Strict(bytes), origin);
  } catch {
    before = undefined;
  }
  if (before === undefined) throw conflict(path, `its checkpoint is none of the log ${origin}`);
  return before;
}

/**
 * Takes up an older export at its last full bundle, if the log proves that it only added to what was exported, and the tiles lead
 * to the root of the old checkpoint as far as they are needed. The proof comes from the cache; what it shows is checked.
 */
async function resume(
  files: TileFiles,
  reader: RecordReader,
  before: Before | undefined,
  seal: Seal,
): Promise<{ writer: TileWriter; range: TreeRange } | undefined> {
  const size = before === undefined ? 0 : before.treeSize - (before.treeSize % TILE_WIDTH);
  if (before === undefined || size === 0) return undefined;
  try {
    const proof = await reader.proveConsistency(before.treeSize, seal.treeSize);
    checkConsistency({ oldSize: before.treeSize, oldRoot: before.rootHash, newSize: seal.treeSize, newRoot: seal.rootHash, proof });
    const nodes = tileNodeReader(size, async (tile) => (await files.read(tilePath(tile.level, tile.index, tile.width))) ?? new Uint8Array(0));
    let at = 0;
    const ids = edgeLevels(size).map((level) => {
      const id = { level, index: at / 2 ** level };
      at += 2 ** level;
      return id;
    });
    const range = TreeRange.fromEdge(size, await nodes(ids), { collectTileNodes: true });
    const partial = new Map<number, Uint8Array>();
    for (let level = 1; TILE_WIDTH ** level <= size; level++) {
      const width = partialWidth(level, size);
      if (width > 0) partial.set(level, (await files.read(tilePath(level, Math.floor(size / TILE_WIDTH ** (level + 1)), width)))!);
    }
    const leaves = partialWidth(0, before.treeSize);
    const tail = leaves === 0 ? new Uint8Array(0) : await files.read(tilePath(0, size / TILE_WIDTH, leaves));
    if (tail === undefined || !leadsTo(range, tail, before)) return undefined;
    const writer = new TileWriter(files);
    writer.resume(size, partial);
    return { writer, range };
  } catch {
    return undefined; // cache or tiles are missing or damaged, or it is another history: the entries decide
  }
}

function leadsTo(range: TreeRange, leafHashes: Uint8Array, before: Before): boolean {
  const whole = range.clone();
  for (let at = 0; at < leafHashes.length; at += 32) whole.addNode(0, leafHashes.subarray(at, at + 32));
  return whole.end === before.treeSize && equalBytes(whole.root(), before.rootHash);
}

/** Starts from the first entry. An older export is compared with the record first: nothing of another history is overwritten. */
async function begin(files: TileFiles, reader: RecordReader, before: Before | undefined, path: string): Promise<{ writer: TileWriter; range: TreeRange }> {
  if (before !== undefined && before.treeSize > 0) {
    const range = new TreeRange();
    for await (const entry of reader.entries()) {
      if (range.end === before.treeSize) break;
      range.addNode(0, leafHash(entry.bytes));
    }
    checkBefore(range, before, path);
  }
  return { writer: new TileWriter(files), range: new TreeRange(0, { collectTileNodes: true }) };
}

function checkBefore(range: TreeRange, before: Before, path: string): void {
  if (range.end === before.treeSize && equalBytes(range.root(), before.rootHash)) return;
  throw conflict(path, `at its size, ${before.treeSize}, this log has another root: one of the two was rewritten`);
}

function checkSeal(range: TreeRange, seal: Seal): void {
  if (range.end === seal.treeSize && equalBytes(range.root(), seal.rootHash)) return;
  throw new LogError('ERR_LOG_RECORD_DAMAGED', `the first ${range.end} entries do not have the root that the seal over ${seal.treeSize} signs; the checkpoint was left as it was. \`indelible verify\` shows where`, { index: range.end });
}

function conflict(path: string, why: string): LogError {
  return new LogError('ERR_LOG_EXPORT_CONFLICT', `tiles cannot be written to ${path}: ${why}. Nothing was changed there; choose another directory, and keep this one if it is evidence`, { path });
}
