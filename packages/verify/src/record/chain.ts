import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { VerifierKey } from '@indelible/tlog';
import type { Where } from '../finding.ts';
import type { FindingCode } from '../finding-codes.ts';
import { readHandover } from './handover.ts';
import type { LogFile } from './log-file.ts';
import { MAX_CONTROL_BYTES } from './seal-line.ts';
import { closeFile, openSegmentFile, readBytes, type OpenFile } from './segment-file.ts';
import { openSegmentHeader, type SegmentHeader } from './segment-header.ts';
import { segmentName } from './segment-name.ts';

/** A segment of the record, with what its successor says about it. */
export interface ChainSegment {
  readonly name: string;
  readonly path: string;
  readonly header: SegmentHeader;
  /** Bytes in the file when it was listed. */
  readonly fileSize: number;
  /** True where its predecessor is not there: what lies before is lost, and the signed edge in the header is where to go on. */
  readonly afterGap: boolean;
  /** Header of the successor; its `prev` tells how much of this segment is valid. Undefined for the last segment. */
  readonly next: SegmentHeader | undefined;
  /** True where `next` is not the successor, but the first segment behind a gap. */
  readonly gapFollows: boolean;
  /** The keys that have been in force so far, and the one that comes into force behind this segment. */
  readonly keys: readonly VerifierKey[];
  /** What was found on the way: to be reported when the reading arrives here, however far ahead the chain was followed. */
  readonly found: readonly ChainFinding[];
}

/** A finding that waits for its turn. */
export type ChainFinding = readonly [code: FindingCode, where: Where, meaning: string];

const FIRST_READ_BYTES = 4_096;
const LF = 0x0a;
/** Files without a valid header that are examined for signs of damage. */
const MAX_SUSPECTS = 64;
/** Findings that wait for one segment's turn. */
const MAX_FOUND = 500;

/**
 * Finds the segments of a record in their order, from their headers alone.
 *
 * One object per verification: it learns the keys of the log as it goes. Constant memory but for the segment numbers.
 *
 * @see docs/spec/record.md §6.1–6.4, §7
 */
export class Chain {
  readonly #directory: string;
  readonly #numbers: readonly number[];
  readonly #logFile: LogFile | undefined;
  readonly #members = new Set<number>();
  /** Digest of log.json in the headers of this log: one key may sign segments of several. */
  #log: string | undefined;
  /** Every key that has been in force, in order; the first is the genesis key. */
  readonly keys: VerifierKey[] = [];
  /** The key to which the last entry of the record hands over, where no segment under it is there yet, or any more. */
  successorKey: VerifierKey | undefined;
  /** What was found and not yet handed out with a segment. */
  found: ChainFinding[] = [];
  /** What was found and not kept: a million files that are no segments are one line in a report. */
  omitted = 0;
  /** Files behind the last segment whose header is not valid: where the header was damaged, seals in them tell. */
  suspects: string[] = [];

  /** @param numbers - Numbers of all files that are named like segments, ascending. */
  constructor(directory: string, numbers: readonly number[], logFile: LogFile | undefined) {
    this.#directory = directory;
    this.#numbers = numbers;
    this.#logFile = logFile;
    this.#log = logFile?.digest;
  }

  /** All keys that the record vouches for. */
  get knownKeys(): readonly VerifierKey[] {
    return this.successorKey === undefined ? this.keys : [...this.keys, this.successorKey];
  }

  /** Origin of the log: the name of its first key. */
  get origin(): string | undefined {
    return this.keys[0]?.name;
  }

  /** Yields the segments. Files that are none are reported on the way. */
  async *segments(): AsyncGenerator<ChainSegment, void, undefined> {
    const first = this.#first();
    let step = first === undefined ? await this.#findNext(this.#numbers[0] === 0 ? 1 : 0, undefined) : { found: first, at: 1, gap: false };
    while (step.found !== undefined) {
      const { found: current, gap: afterGap } = step;
      this.#members.add(current.number);
      step = await this.#findNext(step.at, current);
      const name = segmentName(current.number);
      const { header, fileSize } = current;
      const path = join(this.#directory, name);
      const found = this.found.splice(0);
      yield { ...{ name, path, header, fileSize, afterGap, found }, next: step.found?.header, gapFollows: step.gap, keys: [...this.keys] };
    }
  }

  /** Segment 0, if its header is valid: the only one whose key is not vouched for by another segment. */
  #first(): Candidate | undefined {
    if (this.#numbers[0] !== 0) {
      if (this.#logFile !== undefined) this.keys.push(this.#logFile.key);
      if (this.#numbers.length > 0) this.#find(['segment_missing', { segment: 0, file: segmentName(0), index: 0 }, 'segment 0 is missing']);
      return undefined;
    }
    const candidate = this.#open(0);
    const header = candidate?.header;
    const signedByGenesis = header !== undefined && (header.log !== this.#logFile?.digest || header.key.text === this.#logFile.key.text);
    if (candidate === undefined || header?.segment !== 0 || !signedByGenesis) {
      if (this.#logFile !== undefined) this.keys.push(this.#logFile.key);
      if (candidate === undefined) this.#find(['segment_missing', { segment: 0, file: segmentName(0), index: 0 }, 'segment 0 is missing: the name is not that of a regular file']);
      else this.#find(['header_invalid', { segment: 0, file: segmentName(0), offset: 0, index: 0 }, 'segment 0 has no valid header signed by the genesis key']);
      return undefined;
    }
    this.keys.push(header.key);
    this.#log = header.log;
    return { number: 0, header, fileSize: candidate.fileSize };
  }

  /** Looks for the successor of `current` from position `from` of the numbers on, and judges every file on the way. */
  async #findNext(from: number, current: Candidate | undefined): Promise<Step> {
    for (let i = from; i < this.#numbers.length; i++) {
      if (i % 64 === 63) await setImmediate();
      const number = this.#numbers[i]!;
      const opened = this.#open(number);
      const relation = opened === undefined ? 'none' : this.#relate(number, opened.header, current);
      if (opened?.header !== undefined && (relation === 'successor' || relation === 'orphan')) {
        this.suspects = [];
        return { found: { number, header: opened.header, fileSize: opened.fileSize }, at: i + 1, gap: relation === 'orphan' };
      }
      this.#report(number, relation, opened);
      if (relation === 'none' && !this.#isOfAnother(opened?.header) && this.suspects.length < MAX_SUSPECTS) this.suspects.push(segmentName(number));
    }
    return { found: undefined, at: this.#numbers.length, gap: false };
  }

  #relate(number: number, header: SegmentHeader | undefined, current: Candidate | undefined): Relation {
    if (header === undefined || header.origin !== this.origin || header.log !== this.#log) return 'none';
    const keyKnown = this.keys.some((key) => key.text === header.key.text);
    if (header.segment !== number) return keyKnown || this.#handsOver(current, header) !== undefined ? 'misplaced' : 'none';
    if (current !== undefined && header.prev?.segment === current.number) return this.#succeeds(header, current) ? 'successor' : 'none';
    if (!keyKnown || header.prev === undefined) return 'none';
    return this.#members.has(header.prev.segment) ? 'fork' : 'orphan';
  }

  /** Whether the header is signed by the key in force, or by the key to which the last entry before it hands over. */
  #succeeds(header: SegmentHeader, current: Candidate): boolean {
    const changed = header.prev?.reason === 'key_changed';
    if (header.key.text === current.header.key.text) return !changed;
    const to = changed ? this.#handsOver(current, header) : undefined;
    if (to === undefined) return false;
    this.keys.push(to);
    return true;
  }

  /** The key of `header`, if the last entry before it hands over to it. */
  #handsOver(current: Candidate | undefined, header: SegmentHeader): VerifierKey | undefined {
    if (current === undefined || header.prev?.segment !== current.number) return undefined;
    const to = readHandover(join(this.#directory, segmentName(current.number)), header.prev.length, current.header.key);
    return to?.text === header.key.text ? to : undefined;
  }

  #find(finding: ChainFinding): void {
    if (this.found.length < MAX_FOUND) this.found.push(finding);
    else this.omitted++;
  }

  #report(number: number, relation: Relation, opened: { readonly header: SegmentHeader | undefined } | undefined): void {
    const header = opened?.header;
    const file = segmentName(number);
    const where = { segment: number, file, ...(header === undefined ? {} : { index: header.size }) };
    if (relation === 'fork') {
      this.#find(['fork', where, `${file} follows segment ${header?.prev?.segment}, as another segment does too`]);
    } else if (relation === 'misplaced' && header !== undefined && !this.#isCopy(header)) {
      this.#find(['segment_misplaced', where, `${file} holds segment ${header.segment}, whose place is ${segmentName(header.segment)}`]);
    } else {
      const unsigned = opened === undefined ? 'is not a regular file' : this.#isOfAnother(header) ? 'belongs to another log of the same name' : 'has no valid header signed by the key in force';
      const what = relation === 'misplaced' ? `is a copy of ${segmentName(header?.segment ?? 0)}` : unsigned;
      this.#find(['not_a_segment', { segment: number, file }, `${file} ${what}: skipped`]);
    }
  }

  /** Whether it is a segment of another log with this log's name. */
  #isOfAnother(header: SegmentHeader | undefined): boolean {
    return header !== undefined && header.origin === this.origin && header.log !== this.#log;
  }

  /** Whether the segment of this header stands in its own place too. */
  #isCopy(header: SegmentHeader): boolean {
    const own = this.#open(header.segment)?.header;
    return own !== undefined && own.segment === header.segment && own.time === header.time && own.size === header.size && own.key.text === header.key.text;
  }

  /** Reads a file as far as its header; undefined where it is no regular file. */
  #open(number: number): { header: SegmentHeader | undefined; fileSize: number } | undefined {
    const file = openSegmentFile(join(this.#directory, segmentName(number)));
    if (file === undefined) return undefined;
    try {
      return { header: readHeader(file), fileSize: file.size };
    } finally {
      closeFile(file);
    }
  }
}

interface Step {
  readonly found: Candidate | undefined;
  /** Where in the numbers to look on. */
  readonly at: number;
  /** Whether what was found does not follow, because something is missing before it. */
  readonly gap: boolean;
}

interface Candidate {
  readonly number: number;
  readonly header: SegmentHeader;
  readonly fileSize: number;
}

type Relation = 'successor' | 'orphan' | 'fork' | 'misplaced' | 'none';

/** Reads no more of a file than its header; undefined where that is not valid. */
export function readHeader(file: OpenFile): SegmentHeader | undefined {
  for (const length of [FIRST_READ_BYTES, MAX_CONTROL_BYTES + 1]) {
    const head = readBytes(file, 0, Math.min(length, file.size));
    const lf = head.indexOf(LF);
    if (lf !== -1) return openSegmentHeader(head.subarray(0, lf));
  }
  return undefined;
}
