import type { VerifierKey } from '@indelible/tlog';
import { entryRange, type Where } from '../finding.ts';
import type { FindingCode } from '../finding-codes.ts';
import { readControlLines, type ControlLine } from './control-lines.ts';
import type { ChainSegment } from './chain.ts';
import type { Reading } from './reading.ts';
import { checkRoots } from './root-checker.ts';
import { foldNodes, scanRange, type RangeResult } from './scan-range.ts';
import { isNoteSignedBy, originMark, parseSealLine, type Seal } from './seal-line.ts';
import type { OpenFile } from './segment-file.ts';

/** What came of looking for the next seal. */
export type Judgement =
  /** A seal was accepted; go on behind `end`. */
  | { readonly kind: 'accepted'; readonly end: number }
  /** A signed seal does not hold: nothing behind it in this segment can be checked. */
  | { readonly kind: 'broken' }
  /** There is no seal any more. */
  | { readonly kind: 'end' };

const RESERVED = [`{"indelible":"prune",`, `{"indelible":"cosign",`].map((prefix) => Buffer.from(prefix));

/**
 * Reads on from byte `at`, rule by rule, until a seal is accepted: the slow and exact way, taken wherever the record is not
 * entirely in order. What it meets is reported to the findings of `reading`.
 *
 * @see docs/spec/record.md §6.5
 */
export async function findNextSeal(segment: ChainSegment, file: OpenFile, at: number, end: number, reading: Reading, signal?: AbortSignal): Promise<Judgement> {
  const judge = new SealJudge(segment, at, reading);
  for await (const line of readControlLines(file, at, end, signal)) {
    const judgement = judge.judge(line);
    if (judgement !== undefined) return judgement;
  }
  return { kind: 'end' };
}

class SealJudge {
  readonly #segment: ChainSegment;
  readonly #key: VerifierKey;
  /** End of the header or of the last seal: no covered range may begin before it. */
  readonly #floor: number;
  readonly #reading: Reading;
  readonly #mark: Buffer;
  #damaged = false;

  constructor(segment: ChainSegment, floor: number, reading: Reading) {
    this.#segment = segment;
    this.#key = segment.header.key;
    this.#floor = floor;
    this.#reading = reading;
    this.#mark = Buffer.from(originMark(this.#key.name));
  }

  /** Undefined: the line has no effect, read on. */
  judge(line: ControlLine): Judgement | undefined {
    if (RESERVED.some((prefix) => Buffer.compare(line.bytes.subarray(0, prefix.length), prefix) === 0)) {
      this.#find('reserved_line', line, {}, 'a control line of a later version of the format stands here');
      return undefined;
    }
    const seal = parseSealLine(line.bytes, this.#key.name);
    if (seal !== undefined && isNoteSignedBy(seal.note, this.#key)) return this.#judgeSeal(seal, line);
    if (seal !== undefined && this.#isOldCopy(seal)) return void this.#reportCopy(seal, line);
    if (Buffer.from(line.bytes.buffer, line.bytes.byteOffset, line.bytes.length).includes(this.#mark)) {
      this.#damaged = true;
      this.#find('seal_damaged', line, { index: this.#reading.size }, `what poses as a seal over the entries from ${this.#reading.size} on is damaged or forged`);
    }
    return undefined;
  }

  #judgeSeal(seal: Seal, line: ControlLine): Judgement | undefined {
    const { size } = this.#reading;
    if (seal.treeSize <= size) return void this.#judgeOldSeal(seal, line);
    if (seal.first > size) {
      const missing = `${entryRange(size, seal.first)} missing, or the seal over them is`;
      // Where the missing seal itself was just reported, this would be the same finding again.
      if (!this.#damaged) this.#find('entries_missing', line, { index: size }, `the next seal begins with entry ${seal.first}: ${missing}`);
      return { kind: 'broken' };
    }
    const range = this.#cover(seal, line);
    if (range !== undefined) {
      const checked = checkRoots(this.#reading.tree, range);
      if (checked.holding === 1) return this.#accept(range, checked, seal, line);
    }
    // What the seal says about its first entry is not signed: where the tree ends is what is known.
    this.#find('history_changed', line, { index: size }, `${entryRange(size, seal.treeSize)} not what was sealed`);
    return { kind: 'broken' };
  }

  /** The entries that the seal covers, hashed; undefined where it does not fit the bytes before it. */
  #cover(seal: Seal, line: ControlLine): RangeResult | undefined {
    const { offset, length, first, treeSize, rootHash } = seal;
    const end = offset + length;
    if (first !== this.#reading.size || offset < this.#floor || end > line.start) return undefined;
    const range = scanRange({
      ...{ path: this.#segment.path, from: offset, begin: first, until: end, end, vkey: this.#key.text },
      ...{ entriesOnly: true, marks: this.#reading.marks },
    });
    if (range === undefined || range.to !== end || range.size !== treeSize) return undefined;
    const { left, right } = range.nodes;
    const fold = foldNodes(right);
    return { ...range, note: seal.noteText, seals: [{ size: treeSize, leftCount: left.length, fold, rootHash, end: line.end }] };
  }

  #accept(range: RangeResult, checked: ReturnType<typeof checkRoots>, seal: Seal, line: ControlLine): Judgement {
    const foreign = seal.offset - this.#floor + (line.start - seal.offset - seal.length);
    this.#reading.accept(range, checked);
    this.#reading.foreignBytes += foreign;
    if (foreign > 0) {
      const offset = seal.offset > this.#floor ? this.#floor : seal.offset + seal.length;
      this.#find('foreign_bytes', { start: offset }, { index: seal.first }, `${foreign} bytes before the seal for tree size ${seal.treeSize} are foreign`);
    }
    return { kind: 'accepted', end: line.end };
  }

  #judgeOldSeal(seal: Seal, line: ControlLine): void {
    if (this.#reading.accepted.has(seal.treeSize, seal.rootHash) !== false) return this.#reportCopy(seal, line);
    const index = Math.min(seal.first, seal.treeSize);
    this.#find('history_changed', line, { index }, `a seal for tree size ${seal.treeSize} is signed by the key of the log, but of another history`);
  }

  /** Whether it is a seal by an earlier key of this log, of a tree that was accepted. */
  #isOldCopy(seal: Seal): boolean {
    if (seal.treeSize > this.#reading.size || this.#reading.accepted.has(seal.treeSize, seal.rootHash) === false) return false;
    return this.#segment.keys.some((key) => isNoteSignedBy(seal.note, key));
  }

  #reportCopy(seal: Seal, line: ControlLine): void {
    this.#find('seal_replayed', line, {}, `a copy of the seal for tree size ${seal.treeSize} stands here`);
  }

  #find(code: FindingCode, { start }: { readonly start: number }, where: Where, meaning: string): void {
    this.#reading.findings.add(code, { segment: this.#segment.header.segment, file: this.#segment.name, offset: start, ...where }, meaning);
  }
}
