import { open, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { SessionError } from '../error.ts';
import type { Backlog } from './backlog.ts';
import type { Outage } from './outage.ts';
import { codeOf } from './send-batch.ts';
import { prepareDirectory, syncDirectory, unusable } from './spool-directory.ts';
import { listSpoolFiles, readPieces, type SpoolFile } from './spool-files.ts';
import { SpoolCodec, type SpoolLine } from './spool-line.ts';
import { lockSpool, type Release } from './spool-lock.ts';
import type { SpoolOptions } from './spool-options.ts';
import { PositionFile } from './spool-position.ts';
import { SpoolReader } from './spool-reader.ts';
import { SpoolWriter, type SpoolEnd } from './spool-writer.ts';

/** Events that the log refuses for good. Never read again: it is for people. */
const REFUSED = 'refused.ndjson';
const DEFAULT_MAX_BYTES: number = 1024 * 1024 * 1024;
/** How much is delivered again at most after a crash; that repeats nothing on the record, it only costs time. */
const POSITION_EVERY_MS = 1_000;

/** Events that wait on disk. They survive the process, and a crash at any byte. */
export class Spool implements Backlog {
  readonly #directory: string;
  readonly #position: PositionFile;
  readonly #files: SpoolFile[];
  readonly #writer: SpoolWriter;
  readonly #reader: SpoolReader;
  readonly #release: Release;
  readonly #codec: SpoolCodec;
  #noting: NodeJS.Timeout | undefined;
  #ready: SpoolLine[] = [];
  #at = 0;
  #delivered: SpoolEnd;
  #positionAtMs = Number.NEGATIVE_INFINITY;
  #keptOutage: Outage | undefined;
  /** The outage that went on when an earlier process ended. */
  readonly outage: Outage | undefined;

  private constructor(options: SpoolOptions, codec: SpoolCodec, files: SpoolFile[], found: Found, release: Release, report: (error: SessionError) => void) {
    this.#directory = options.directory;
    this.#codec = codec;
    this.#position = found.position;
    this.#files = files;
    this.#release = release;
    this.#delivered = found.delivered;
    this.outage = found.outage;
    this.#writer = new SpoolWriter(options.directory, codec, options.maxBytes ?? DEFAULT_MAX_BYTES, files, found.end);
    this.#reader = new SpoolReader(codec, files, found.delivered, () => this.#writer.end.seq, report);
  }

  /**
   * Takes the spool for this process and finds out what waits there. Damage is reported when the reading comes to it.
   *
   * @throws SessionError `ERR_SESSION_SPOOL_EPHEMERAL`, `ERR_SESSION_SPOOL_LOCKED`, `ERR_SESSION_SPOOL_UNUSABLE`
   */
  static async open(options: SpoolOptions & { readonly key: Uint8Array }, report: (error: SessionError) => void): Promise<Spool> {
    await prepareDirectory(options);
    const release = await lockSpool(options.directory);
    try {
      const codec = new SpoolCodec(options.key);
      const files = await listSpoolFiles(options.directory, codec);
      return new Spool(options, codec, files, await findEnds(options.directory, codec, files, report), release, report);
    } catch (error) {
      await release();
      if (error instanceof SessionError) throw error;
      throw unusable(options.directory, `has files that cannot be read or written (${codeOf(error) ?? String(error)}): give this user access to them`, error);
    }
  }

  get size(): number {
    return Math.max(0, this.#writer.end.seq - this.#reader.seq) + this.#ready.length - this.#at;
  }

  async add(text: string): Promise<void> {
    await this.#writer.add(text);
    // By then a tail that is cut off is noticed: without this an end at a line is an end like any other.
    this.#noting ??= setTimeout(() => void this.#keep(this.#keptOutage).catch(() => undefined), POSITION_EVERY_MS).unref();
  }

  /** What waits now; reading it changes nothing. */
  async *waiting(): AsyncIterable<string> {
    const last = this.#writer.end.seq;
    const files = this.#files.map((file) => ({ ...file }));
    const reader = new SpoolReader(this.#codec, files, this.#delivered, () => 0, () => undefined);
    for (let lines = await reader.read(); lines.length > 0; lines = await reader.read()) {
      for (const { seq, text } of lines) if (seq <= last) yield text;
    }
  }

  async peek(limit: number): Promise<readonly string[]> {
    while (this.#ready.length - this.#at < limit) {
      const lines = await this.#reader.read();
      if (lines.length === 0) break;
      this.#ready = this.#at === this.#ready.length ? lines : [...this.#ready.slice(this.#at), ...lines];
      this.#at = 0;
    }
    return this.#ready.slice(this.#at, this.#at + limit).map(({ text }) => text);
  }

  takeLost(): number {
    return this.#reader.takeLost();
  }

  async settle(count: number, outage: Outage | undefined): Promise<void> {
    const settled = this.#ready.slice(this.#at, this.#at + count);
    const last = settled.findLast(({ strayIn }) => strayIn === undefined);
    this.#at += count;
    for (const { strayIn } of settled) if (strayIn !== undefined) strayIn.strays--;
    if (last !== undefined) this.#delivered = { seq: last.seq, mac: last.mac };
    if (this.size === 0) {
      await this.peek(1); // what stands behind the last line is looked at too
      if (this.size === 0) await this.#writer.retire();
    }
    const finished = this.#files.filter((file) => file.closed && file.read >= file.end && file.last <= this.#delivered.seq && file.strays === 0);
    if (finished.length === 0 && this.size > 0 && outage === this.#keptOutage && performance.now() - this.#positionAtMs < POSITION_EVERY_MS) return;
    await this.#keep(outage);
    for (const file of finished) await this.#remove(file);
    if (finished.length > 0) await syncDirectory(this.#directory);
  }

  /** Keeps events that the log refuses for good where a person can look at them. Durable when it resolves. */
  async setAside(texts: readonly string[]): Promise<void> {
    const file = await open(join(this.#directory, REFUSED), 'a', 0o600);
    try {
      await file.appendFile(texts.map((text) => `${text}\n`).join(''));
      await file.sync();
    } finally {
      await file.close();
    }
    await syncDirectory(this.#directory);
  }

  /** Makes the position durable, and the outage with it. */
  async #keep(outage: Outage | undefined): Promise<void> {
    clearTimeout(this.#noting);
    this.#noting = undefined;
    this.#positionAtMs = performance.now();
    this.#keptOutage = outage;
    const { seq, mac } = this.#delivered;
    await this.#position.write({ delivered: seq, prev: mac, end: this.#writer.end.seq, ...(outage === undefined ? {} : { outage }) });
  }

  async #remove(file: SpoolFile): Promise<void> {
    this.#files.splice(this.#files.indexOf(file), 1);
    try {
      if (file.damaged) await rename(file.path, `${file.path}.damaged`);
      else await unlink(file.path);
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error;
    }
  }

  /** Ends it for this process; `outage` goes on in the next one. */
  async close(outage: Outage | undefined): Promise<void> {
    await this.#writer.close();
    await this.#keep(outage);
    await this.#position.close();
    await this.#release();
  }
}

interface Found {
  readonly position: PositionFile;
  readonly delivered: SpoolEnd;
  readonly end: SpoolEnd;
  readonly outage: Outage | undefined;
}

async function findEnds(directory: string, codec: SpoolCodec, files: readonly SpoolFile[], report: (error: SessionError) => void): Promise<Found> {
  const last = await findLastLine(files, codec);
  const { file, position } = await PositionFile.open(directory, codec, report);
  const first = files.find((one) => one.first !== undefined)?.first ?? 1;
  if (position === undefined && first > 1) {
    report(new SessionError('ERR_SESSION_SPOOL_DAMAGED', `the spool begins with event ${first} and nothing says that the ones before were delivered: compare the record with what the application did`));
  }
  const delivered: SpoolEnd = position === undefined ? { seq: first - 1, mac: '' } : { seq: position.delivered, mac: position.prev };
  const found = last === undefined || last.seq < delivered.seq || (last.seq === delivered.seq && delivered.mac !== '') ? delivered : last;
  const noted = position?.end ?? 0;
  // More was acknowledged than is there: the numbers go on behind it, and the reading will find the rest missing.
  return { position: file, delivered, end: noted > found.seq ? { seq: noted, mac: '' } : found, outage: position?.outage };
}

/** The last line that counts, from the last file backwards. */
async function findLastLine(files: readonly SpoolFile[], codec: SpoolCodec): Promise<SpoolEnd | undefined> {
  let limit = Number.POSITIVE_INFINITY;
  for (const file of [...files].reverse()) {
    let last: SpoolEnd | undefined;
    for (let offset = 0; offset < file.end; ) {
      const read = await readPieces(file, offset, codec);
      for (const piece of read.pieces) {
        if ('kind' in piece) continue;
        if ('first' in piece) last = { seq: piece.first - 1, mac: piece.prev };
        else if (piece.seq < limit) last = { seq: piece.seq, mac: piece.mac };
      }
      if (read.offset === offset) break;
      offset = read.offset;
    }
    if (last !== undefined) return last;
    limit = file.first ?? limit;
  }
  return undefined;
}
