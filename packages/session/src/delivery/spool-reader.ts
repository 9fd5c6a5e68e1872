import { SessionError } from '../error.ts';
import { readPieces, type Damage, type SpoolFile } from './spool-files.ts';
import type { SpoolCodec, SpoolHeader, SpoolLine } from './spool-line.ts';
import type { SpoolEnd } from './spool-writer.ts';

/** Reported one by one; the rest of a file is counted. */
const REPORTED_PER_FILE = 10;
/** How far apart two copies of a line may be and still be known as such. */
const REMEMBERED = 4_096;

/** Reads the spool in order, and believes only what its key has signed. */
export class SpoolReader {
  readonly #codec: SpoolCodec;
  readonly #files: readonly SpoolFile[];
  readonly #report: (error: SessionError) => void;
  /** The first number that was not known to be delivered when the spool was opened; what lies below is no news. */
  readonly #startSeq: number;
  readonly #lastSeq: () => number;
  #file: SpoolFile | undefined;
  #offset = 0;
  #seq: number;
  #mac: string | undefined;
  #damages = 0;
  /** Lines that were read lately, by their MAC. */
  readonly #recent = new Set<string>();
  #lost = 0;

  /**
   * @param delivered - The last line delivered; its MAC is empty where it is not known.
   * @param lastSeq - The number of the last line that is durable now.
   */
  constructor(codec: SpoolCodec, files: readonly SpoolFile[], delivered: SpoolEnd, lastSeq: () => number, report: (error: SessionError) => void) {
    this.#codec = codec;
    this.#files = files;
    this.#seq = delivered.seq;
    this.#startSeq = delivered.seq + 1;
    this.#mac = delivered.mac === '' ? undefined : delivered.mac;
    this.#lastSeq = lastSeq;
    this.#report = report;
  }

  /** The last number that was read or is known to be missing. */
  get seq(): number {
    return this.#seq;
  }

  /** How many events were found missing since it was last asked. */
  takeLost(): number {
    const lost = this.#lost;
    this.#lost = 0;
    return lost;
  }

  /** The next lines; none at the end of what is durable. */
  async read(): Promise<SpoolLine[]> {
    for (;;) {
      this.#file ??= this.#files[0];
      const file = this.#file;
      if (file === undefined) return this.#atEnd();
      if (this.#offset >= file.end) {
        const next = file.closed ? this.#files.find(({ number }) => number > file.number) : undefined;
        if (next === undefined) return this.#atEnd();
        this.#file = next;
        this.#offset = 0;
        this.#damages = 0;
        continue;
      }
      const lines = await this.#readFrom(file);
      if (lines.length > 0) return lines;
    }
  }

  #atEnd(): SpoolLine[] {
    const missing = this.#lastSeq() - this.#seq;
    if (missing > 0) {
      this.#lost += missing;
      this.#seq += missing;
      this.#mac = undefined;
      this.#report(new SessionError('ERR_SESSION_SPOOL_DAMAGED', `the last ${missing} events are not in the spool any more: another program has changed or deleted its files`));
    }
    return [];
  }

  async #readFrom(file: SpoolFile): Promise<SpoolLine[]> {
    const { pieces, offset } = await readPieces(file, this.#offset, this.#codec);
    if (offset === this.#offset) this.#damage(file, { offset, bytes: file.end - offset, kind: 'torn' }); // shorter than it was
    // From there on the next file counts. What this one has beyond is the rest of a write that failed, or somebody else's: delivered too.
    const limit = this.#files.find(({ number }) => number > file.number)?.first ?? Number.POSITIVE_INFINITY;
    const lines: SpoolLine[] = [];
    for (const piece of pieces) {
      if ('kind' in piece) this.#damage(file, piece);
      else if ('first' in piece) this.#passHeader(file, piece);
      else if (piece.seq >= limit || piece.seq <= this.#seq) this.#pickUp(file, piece, lines);
      else lines.push(this.#accept(file, piece));
    }
    this.#offset = offset === this.#offset ? file.end : offset;
    file.read = this.#offset;
    file.last = this.#seq;
    return lines;
  }

  #passHeader(file: SpoolFile, header: SpoolHeader): void {
    if (header.first !== this.#seq + 1) return; // the first line will tell what is missing
    if (this.#mac !== undefined && header.prev !== this.#mac) this.#damaged(file, 'its beginning does not follow from the line before it: files of two histories were mixed');
    this.#mac = header.prev;
  }

  /** A line out of its order is delivered all the same when its MAC is good: nobody is told that an event is kept, and then loses it to another. */
  #pickUp(file: SpoolFile, line: SpoolLine, lines: SpoolLine[]): void {
    if (line.seq < this.#startSeq) return;
    if (this.#recent.has(line.mac)) return this.#damaged(file, `line ${line.seq} is there twice; it is delivered once`);
    if (line.seq <= this.#seq) this.#damaged(file, `line ${line.seq} is not where it belongs, or there with two contents: two processes wrote to this spool, or somebody moved it; it is delivered`);
    this.#remember(line);
    file.strays++;
    lines.push({ ...line, strayIn: file });
  }

  #remember({ mac }: SpoolLine): void {
    this.#recent.add(mac);
    if (this.#recent.size > REMEMBERED) for (const oldest of this.#recent) return void this.#recent.delete(oldest);
  }

  #accept(file: SpoolFile, line: SpoolLine): SpoolLine {
    const missing = line.seq - this.#seq - 1;
    if (missing > 0) {
      this.#lost += missing;
      this.#damaged(file, `${missing} lines before line ${line.seq} are missing or were changed: they are not delivered`);
    } else if (this.#mac !== undefined && line.prev !== this.#mac) {
      this.#damaged(file, `line ${line.seq} does not follow from the one before it: files of two histories were mixed`);
    }
    this.#seq = line.seq;
    this.#mac = line.mac;
    this.#remember(line);
    return line;
  }

  #damage(file: SpoolFile, { offset, bytes, kind }: Damage): void {
    this.#mac = undefined;
    if (kind === 'torn') {
      file.damaged = true;
      this.#say(new SessionError('ERR_SESSION_SPOOL_TORN', `spool file ${file.name} ends at byte ${offset} in ${bytes} bytes that are no whole line: a write was cut off by a crash, or the file was cut; they are not delivered`));
    } else {
      const what = kind === 'changed' ? 'bytes that were changed, or written without the key of this spool' : 'bytes that this spool did not write';
      this.#damaged(file, `from byte ${offset} there are ${bytes} ${what}: they are not delivered`);
    }
  }

  #damaged(file: SpoolFile, problem: string): void {
    file.damaged = true;
    this.#say(new SessionError('ERR_SESSION_SPOOL_DAMAGED', `spool file ${file.name}: ${problem}; the file is kept as ${file.name}.damaged`));
  }

  #say(error: SessionError): void {
    this.#damages++;
    if (this.#damages <= REPORTED_PER_FILE) this.#report(error);
    else if (this.#damages === REPORTED_PER_FILE + 1) this.#report(new SessionError('ERR_SESSION_SPOOL_DAMAGED', 'there is more of this in the same file, which is not reported one by one'));
  }
}
