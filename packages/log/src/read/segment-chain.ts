import type { Disk } from '../disk/disk.ts';
import type { LogFile } from '../record/log-file.ts';
import { findKeyChange } from '../recover/key-change.ts';
import { readLogFile } from '../recover/recover.ts';
import { listSegmentNumbers, openSegment, type Segment } from '../recover/segments.ts';

/**
 * The segments of a log in order, from the genesis key on: a file that somebody put beside them, with a header by a key of his
 * own, is none of them (docs/spec/record.md §4 and §6). What was read once is kept; later calls look for what came behind it.
 */
export class SegmentChain {
  readonly #disk: Disk;
  #digest: string | undefined;
  #segments: readonly Segment[] = [];

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  /** All segments as of now; empty where the first one is missing. Costs a directory listing, and a header for each new file. */
  async read(): Promise<readonly Segment[]> {
    const { file, digest } = await readLogFile(this.#disk);
    const known = digest === this.#digest ? this.#segments : []; // else it is another log by now
    const numbers = await listSegmentNumbers(this.#disk);
    const segments = [...known];
    for (;;) {
      const next = await this.#next(segments.at(-1), numbers, digest, file);
      if (next === undefined) break;
      segments.push(next);
    }
    this.#digest = digest;
    this.#segments = segments;
    return segments;
  }

  async #next(last: Segment | undefined, numbers: readonly number[], digest: string, { key, origin }: LogFile): Promise<Segment | undefined> {
    if (last === undefined) {
      const first = await openSegment(this.#disk, 0, digest);
      return first?.header.key === key && first.header.prev === undefined ? first : undefined;
    }
    for (const number of numbers) {
      if (number <= last.number) continue;
      const candidate = await openSegment(this.#disk, number, digest);
      if (candidate?.header.prev?.segment !== last.number) continue;
      if (candidate.header.key === last.header.key) return candidate;
      if (candidate.header.prev.reason === 'key_changed' && (await findKeyChange(this.#disk, last, origin, candidate.header.key))) return candidate;
    }
    return undefined;
  }
}
