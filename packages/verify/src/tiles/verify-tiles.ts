import {
  HASH_SIZE,
  MAX_ENTRY_BYTES,
  TILE_WIDTH,
  TreeRange,
  bundlePath,
  decodeBundle,
  decodeUtf8Strict,
  equalBytes,
  parseCheckpoint,
  parseNote,
  type Checkpoint,
  type Note,
  type VerifierKey,
} from '@indelible/tlog';
import { throwIfAborted } from '../error.ts';
import { FindingList } from '../finding.ts';
import { checkKeptSeal, type KeptSeal } from '../kept-seal.ts';
import { EntryTimes, type EntryStats, MAX_STEPS } from '../record/entry-times.ts';
import { openKeyChange } from '../record/key-change.ts';
import { isNoteSignedBy } from '../record/seal-line.ts';
import { concludeReport, type Report } from '../report.ts';
import { HashTiles } from './hash-tiles.ts';
import type { TileSource } from './tile-source.ts';

/** How to verify a tiled log. */
export interface TilesOptions {
  readonly key: VerifierKey | undefined;
  readonly kept: readonly KeptSeal[];
  readonly onProgress: ((done: number, totalBytes: number) => void) | undefined;
  readonly signal: AbortSignal | undefined;
}

const MAX_CHECKPOINT_BYTES = 65_536;
const MAX_BUNDLE_BYTES = TILE_WIDTH * (2 + MAX_ENTRY_BYTES);
/** Bundles that are fetched at the same time. */
const FETCH_AHEAD = 8;

/**
 * Verifies a log in C2SP tiles: checks who signed the checkpoint before anything else is read, hashes every entry of every bundle, compares every hash tile with what the entries give, and the
 * root with the checkpoint.
 *
 * @throws VerifyError where a file cannot be read or fetched.
 * @see C2SP tlog-tiles v0.1.0
 */
export async function verifyTiles(source: TileSource, options: TilesOptions): Promise<Report> {
  const findings = new FindingList();
  const opened = await readCheckpoint(source, findings);
  const reading = new TileReading(source, opened?.checkpoint, options, findings);
  if (opened !== undefined) {
    await reading.readAll(opened.note);
    if (reading.entries === 0 && !findings.hasErrors) findings.add('nothing_sealed', {}, 'the checkpoint is of an empty log');
  }
  return reading.conclude(opened?.text);
}

async function readCheckpoint(source: TileSource, findings: FindingList): Promise<{ text: string; note: Note; checkpoint: Checkpoint } | undefined> {
  const where = { file: 'checkpoint', index: 0 };
  const bytes = await source.read('checkpoint', MAX_CHECKPOINT_BYTES);
  if (bytes === undefined || bytes === 'too_large') {
    findings.add('checkpoint_invalid', where, bytes === undefined ? 'there is no checkpoint' : `the checkpoint has more than ${MAX_CHECKPOINT_BYTES} bytes`);
    return undefined;
  }
  try {
    const text = decodeUtf8Strict(bytes);
    const note = parseNote(text);
    return { text, note, checkpoint: parseCheckpoint(note.text) };
  } catch (cause) {
    findings.add('checkpoint_invalid', where, `the checkpoint is malformed: ${cause instanceof Error ? cause.message : String(cause)}`);
    return undefined;
  }
}

class TileReading {
  readonly #source: TileSource;
  readonly #checkpoint: Checkpoint | undefined;
  readonly #options: TilesOptions;
  readonly #findings: FindingList;
  readonly #tree = new TreeRange();
  readonly #times = new EntryTimes();
  readonly #roots = new Map<number, Uint8Array>();
  /** The given key, and those to which the entries hand over from it. */
  readonly #keys: VerifierKey[];
  #bytes = 0;
  #signatures = 0;
  #proven = false;
  /** Set where an entry is missing: the tree cannot be continued. */
  #stopped = false;
  /** Set where nothing was read, because of who signed the checkpoint or because the tree cannot be of its size. */
  #refused = false;
  #rootHolds = false;

  constructor(source: TileSource, checkpoint: Checkpoint | undefined, options: TilesOptions, findings: FindingList) {
    this.#source = source;
    this.#checkpoint = checkpoint;
    this.#options = options;
    this.#findings = findings;
    this.#keys = options.key === undefined ? [] : [options.key];
  }

  /** Entries hashed so far. */
  get entries(): number {
    return this.#tree.end;
  }

  /** Reads what the checkpoint in `note` calls for, as far as its signature makes that worth it. */
  async readAll(note: Note): Promise<void> {
    const { treeSize } = this.#checkpoint!;
    const { key } = this.#options;
    const tiles = new HashTiles(this.#source, treeSize, this.#findings);
    const trusted = key !== undefined && this.#checkpoint!.origin === key.name && isNoteSignedBy(note, key);
    // Anybody can claim a size: without a signature, it costs no more than the tiles that are really there.
    this.#refused = !trusted && (!this.#maySign(note) || !(await this.#isPlausible(tiles)));
    if (!this.#refused) await this.#readBundles(tiles, !trusted);
    this.#checkSignature(note);
  }

  /** Whether an entry may hand over to the key that signed the checkpoint: one of the same name and another key ID. */
  #maySign(note: Note): boolean {
    const { key } = this.#options;
    if (key === undefined) return true;
    return this.#checkpoint!.origin === key.name && note.signatures.some(({ name, keyId }) => name === key.name && !equalBytes(keyId, key.keyId));
  }

  async #isPlausible(tiles: HashTiles): Promise<boolean> {
    const { treeSize } = this.#checkpoint!;
    if (treeSize === 0) return true;
    throwIfAborted(this.#options.signal);
    const last = Math.ceil(treeSize / TILE_WIDTH) - 1;
    return (await this.#readBundle(last, treeSize, 0)) !== undefined && tiles.hasLastTiles();
  }

  async #readBundles(tiles: HashTiles, stopAtFirst: boolean): Promise<void> {
    const { treeSize, rootHash } = this.#checkpoint!;
    const bundles = Math.ceil(treeSize / TILE_WIDTH);
    const ahead: Promise<Uint8Array | undefined>[] = [];
    this.#markRoot();
    for (let index = 0; index < bundles && !this.#stopped; index++) {
      throwIfAborted(this.#options.signal);
      for (let next = index + ahead.length; next < bundles && ahead.length < FETCH_AHEAD; next++) {
        const bundle = this.#readBundle(next, treeSize);
        bundle.catch(() => undefined);
        ahead.push(bundle);
      }
      const bundle = await ahead.shift();
      const leaves = bundle === undefined ? undefined : this.#hashBundle(bundle, index, Math.min(TILE_WIDTH, treeSize - index * TILE_WIDTH));
      if (leaves === undefined) this.#stopped = true;
      else await tiles.compare(leaves);
      if (stopAtFirst && tiles.failed) this.#stopped = true;
      this.#options.onProgress?.(this.#bytes, Math.round((this.#bytes * bundles) / (index + 1)));
    }
    await Promise.allSettled(ahead);
    this.#bytes += tiles.bytes;
    this.#times.commit();
    if (this.#stopped) return;
    this.#rootHolds = equalBytes(this.#tree.root(), rootHash);
    if (this.#rootHolds) return;
    const where = { file: 'checkpoint', index: tiles.firstChanged ?? 0 };
    this.#findings.add('root_mismatch', where, `the ${treeSize} entries have another root than the checkpoint`);
  }

  async #readBundle(index: number, treeSize: number, blamed = index * TILE_WIDTH): Promise<Uint8Array | undefined> {
    const first = index * TILE_WIDTH;
    const width = Math.min(TILE_WIDTH, treeSize - first);
    const path = bundlePath(index, width);
    // A partial bundle may be dropped once the full one exists.
    const bytes = (await this.#source.read(path, MAX_BUNDLE_BYTES)) ?? (width < TILE_WIDTH ? await this.#readFull(index, width) : undefined);
    if (bytes instanceof Uint8Array) return bytes;
    const where = { file: path, index: blamed };
    if (bytes === undefined) this.#findings.add('tile_missing', where, `${path} is missing`);
    else this.#findings.add('tile_changed', where, `${path} has more than ${MAX_BUNDLE_BYTES} bytes`);
    return undefined;
  }

  async #readFull(index: number, width: number): Promise<Uint8Array | 'too_large' | undefined> {
    const bytes = await this.#source.read(bundlePath(index), MAX_BUNDLE_BYTES);
    if (!(bytes instanceof Uint8Array)) return bytes;
    try {
      const entries = decodeBundle(bytes);
      const length = entries.slice(0, width).reduce((sum, entry) => sum + 2 + entry.length, 0);
      return entries.length < width ? bytes : bytes.subarray(0, length);
    } catch {
      return bytes; // it will be found malformed where it is read
    }
  }

  /** Hashes the entries of a bundle; undefined where it is malformed. */
  #hashBundle(bundle: Uint8Array, index: number, width: number): Uint8Array | undefined {
    this.#bytes += bundle.length;
    let entries: Uint8Array[];
    try {
      entries = decodeBundle(bundle, width);
    } catch (cause) {
      const file = bundlePath(index, width);
      this.#findings.add('tile_changed', { file, index: index * TILE_WIDTH }, `${file} is malformed: ${cause instanceof Error ? cause.message : String(cause)}`);
      return undefined;
    }
    const leaves = new Uint8Array(width * HASH_SIZE);
    for (const [i, entry] of entries.entries()) {
      const prefixed = new Uint8Array(1 + entry.length);
      prefixed.set(entry, 1);
      this.#tree.addPrefixedLeaf(prefixed, leaves, i * HASH_SIZE);
      this.#times.add(prefixed, 1, prefixed.length, this.#tree.end - 1);
      if (this.#times.lastIsKeyChange) this.#followKey(entry);
      this.#markRoot();
    }
    return leaves;
  }

  #followKey(entry: Uint8Array): void {
    const key = this.#keys.at(-1);
    const to = key === undefined ? undefined : openKeyChange(entry, key.name, key);
    if (to === undefined) return;
    this.#keys.push(to);
    this.#signatures += 2;
    this.#findings.add('key_changed', { index: this.#tree.end - 1 }, `from ${key!.text} to ${to.text}`);
  }

  #markRoot(): void {
    const size = this.#tree.end;
    if (this.#options.kept.some(({ checkpoint }) => checkpoint.treeSize === size)) this.#roots.set(size, this.#tree.root());
  }

  /** Verifies the checkpoint by the last of the keys: the one in force at its size. */
  #checkSignature(note: Note): void {
    const { key } = this.#options;
    const where = { file: 'checkpoint' };
    if (key === undefined) {
      this.#findings.add('key_not_proven', where, 'no key was given: tiles hold none, so the signature of the checkpoint was not verified');
      return;
    }
    const { origin } = this.#checkpoint!;
    const signer = this.#keys.find((known) => isNoteSignedBy(note, known));
    if (signer !== undefined && origin === key.name) {
      this.#signatures++;
      this.#proven = true;
    } else if (origin !== key.name || !note.signatures.some(({ name }) => name === key.name)) {
      this.#findings.add('key_mismatch', { ...where, index: 0 }, `the checkpoint of ${JSON.stringify(origin)} is not signed by ${key.text}`);
    } else {
      this.#findings.add('checkpoint_invalid', { ...where, index: 0 }, `no signature of ${JSON.stringify(key.name)} on the checkpoint is by a key of this log`);
    }
  }

  conclude(text: string | undefined): Report {
    const { key, kept } = this.#options;
    const origin = this.#checkpoint?.origin ?? null;
    const log = { origin: origin ?? '', keys: this.#keys, size: this.entries, rootAt: (size: number): Uint8Array | undefined => this.#roots.get(size) };
    // Without a key there is nothing to check a kept seal's signature by: its root still says whether the log continues it.
    const since = origin === null || this.#refused ? [] : kept.filter((seal) => checkKeptSeal(seal, log, this.#findings));
    const stats = this.#times.stats();
    for (const { index, backMs } of stats.steps) this.#findings.add('clock_step', { index }, `entry ${index} is ${backMs} ms older than the one before it`);
    if (stats.clockSteps > MAX_STEPS) this.#findings.add('clock_step', {}, `${stats.clockSteps - MAX_STEPS} more steps back were counted`);
    return concludeReport({
      ...{ kind: 'tiles' as const, rootHolds: this.#rootHolds },
      ...{ origin, key: { text: key?.text ?? null, proven: this.#proven }, note: this.#refused ? undefined : text, size: this.entries, findings: this.#findings },
      coverage: this.#cover(stats, this.#keys.length === 0 ? 0 : since.length),
      since: since.map(({ place, checkpoint }) => ({ place, treeSize: checkpoint.treeSize })),
      notChecked: [...this.#unchecked(), 'The record directory that the tiles were made of.'],
    });
  }

  #unchecked(): string[] {
    if (this.#refused) return ['The entries: none was read, because the checkpoint is not signed by the key or its last tiles are not there.'];
    return this.#stopped ? [`Entries from ${this.entries} on: a tile or bundle is missing, changed or malformed.`] : [];
  }

  #cover(stats: EntryStats, keptSignatures: number): Report['coverage'] {
    return {
      ...{ entries: this.entries, bytes: this.#bytes, segments: 0, seals: this.#proven ? 1 : 0, signaturesChecked: this.#signatures + keptSignatures },
      firstTime: stats.firstMs === undefined ? null : new Date(stats.firstMs).toISOString(),
      lastTime: stats.lastMs === undefined ? null : new Date(stats.lastMs).toISOString(),
      ...{ longestSilenceMs: stats.longestSilenceMs, heartbeats: stats.heartbeats, clockSteps: stats.clockSteps, recoveries: stats.recoveries },
      ...{ foreignBytes: 0, unsealedBytes: 0, deadBytes: 0, uncheckedBytes: 0 },
    };
  }
}
