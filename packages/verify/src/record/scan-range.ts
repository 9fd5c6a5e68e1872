import { MAX_ENTRY_BYTES, TreeRange, nodeHash, parseVerifierKey, type RangeNode, type RangeNodes, type VerifierKey } from '@indelible/tlog';
import { unreadable } from '../error.ts';
import { EntryTimes, type EntryStats } from './entry-times.ts';
import { CONTROL_PREFIX, MAX_CONTROL_BYTES, SEAL_PREFIX, isNoteSignedBy, parseSealLine, type Seal } from './seal-line.ts';
import { closeFile, openSegmentFile, readBytes, readExactly, type OpenFile } from './segment-file.ts';

/** A piece of a segment to hash; plain data, so that it can be sent to a worker. */
export interface RangeTask {
  readonly path: string;
  /** Where the first entry begins; where `begin` is undefined, where to start looking for a seal to begin behind. */
  readonly from: number;
  /** Index of the first entry, if known. */
  readonly begin: number | undefined;
  /** Stop behind the first seal that begins here or later. */
  readonly until: number;
  /** The bytes from here on are not looked at. */
  readonly end: number;
  /** The key that signs the seals of this segment. */
  readonly vkey: string;
  /** True: there are entries only, and they fill the range. False: there are entries and seals. */
  readonly entriesOnly: boolean;
  /** Tree sizes at which the root is wanted, ascending. */
  readonly marks: readonly number[];
}

/**
 * Enough to know the root of the tree at one size, given the tree at the beginning of the range: the first `leftCount` left nodes
 * of the range join that tree, then comes `fold`, the root over what remains.
 */
export interface TreePoint {
  readonly size: number;
  readonly leftCount: number;
  readonly fold: Uint8Array | undefined;
}

/** A seal that is in order but for its root, which only the whole tree can tell. */
export interface RangeSeal extends TreePoint {
  readonly rootHash: Uint8Array;
  /** Where its line ends. */
  readonly end: number;
}

/** A run of entries and seals without a flaw: each seal signed, covering exactly the entries since the seal before it. */
export interface RangeResult {
  readonly from: number;
  readonly begin: number;
  /** Behind the last seal (`entriesOnly`: behind the last entry). */
  readonly to: number;
  readonly size: number;
  readonly nodes: RangeNodes;
  readonly seals: readonly RangeSeal[];
  readonly marks: readonly TreePoint[];
  readonly stats: EntryStats;
  /** Note of the last seal. */
  readonly note: string | undefined;
  /** The last sealed entry, where it claims to be a change of key. */
  readonly keyChange: Uint8Array | undefined;
}

const BLOCK_BYTES = 1_048_576;
const LF = 0x0a;
const LEAF_PREFIX = 0x00;
const LETTER_N = 0x6e;
const CONTROL: Uint8Array = Buffer.from(CONTROL_PREFIX);
const SEAL_AFTER_LF = Buffer.from(`\n${SEAL_PREFIX}`);

/**
 * Hashes a range in one pass and stops, without judging, at the first thing that is not entirely in order.
 *
 * Returns undefined where no seal begins between `from` and `until` to begin behind. Nothing here depends on the tree before the
 * range, so that several cores can do it at once; `RootChecker` joins the results.
 *
 * Cost: two hashes an entry and one signature a seal; memory about a megabyte and what the seals take.
 *
 * @throws VerifyError `ERR_VERIFY_SOURCE_UNREADABLE`, `ERR_VERIFY_SOURCE_CHANGED`.
 */
export function scanRange(task: RangeTask): RangeResult | undefined {
  const file = openSegmentFile(task.path);
  if (file === undefined) throw unreadable(task.path, new Error('it is not a regular file any more'));
  try {
    const key = parseVerifierKey(task.vkey);
    const start = task.begin === undefined ? findSeal(file, task, key) : { from: task.from, begin: task.begin };
    return start === undefined ? undefined : new RangeScan(file, task, key, start).run();
  } finally {
    closeFile(file);
  }
}

/** Where a range can begin: behind the first seal that begins in [from, until). The seal is checked by whoever ends with it. */
function findSeal(file: OpenFile, { from, until, end }: RangeTask, key: VerifierKey): { from: number; begin: number } | undefined {
  const block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  const stop = Math.min(until + SEAL_AFTER_LF.length, end);
  for (let at = from - 1; at + SEAL_AFTER_LF.length <= stop; at += block.length - SEAL_AFTER_LF.length + 1) {
    const bytes = block.subarray(0, Math.min(block.length, stop - at));
    readExactly(file, bytes, at);
    const found = bytes.indexOf(SEAL_AFTER_LF);
    if (found === -1) continue;
    const start = at + found + 1;
    if (start >= until) return undefined;
    const line = readBytes(file, start, Math.min(start + MAX_CONTROL_BYTES + 1, end));
    const length = line.indexOf(LF);
    const seal = length === -1 ? undefined : parseSealLine(line.subarray(0, length), key.name);
    return seal === undefined ? undefined : { from: start + length + 1, begin: seal.treeSize };
  }
  return undefined;
}

class RangeScan {
  readonly #file: OpenFile;
  readonly #task: RangeTask;
  readonly #key: VerifierKey;
  readonly #from: number;
  readonly #tree: TreeRange;
  readonly #times = new EntryTimes();
  readonly #seals: RangeSeal[] = [];
  readonly #marks: TreePoint[] = [];
  #nextMark: number;
  // One byte before each line is ours to overwrite: there the leaf prefix of RFC 6962 goes, so that no entry is ever copied.
  readonly #buffer = Buffer.allocUnsafeSlow(1 + MAX_CONTROL_BYTES + BLOCK_BYTES);
  #filled = 1;
  #base: number;
  /** What stands behind the last seal: where, from which index on, and what follows from all before it. */
  #to: number;
  #size: number;
  #nodes: RangeNodes;
  #note: string | undefined;
  /** The last entry that claims to be a change of key; its seal may only come when the buffer holds other bytes. */
  #pendingKeyChange: Uint8Array | undefined;
  #keyChange: Uint8Array | undefined;

  constructor(file: OpenFile, task: RangeTask, key: VerifierKey, { from, begin }: { from: number; begin: number }) {
    this.#file = file;
    this.#task = task;
    this.#key = key;
    this.#from = from;
    this.#tree = new TreeRange(begin);
    this.#nextMark = task.marks.find((mark) => mark > begin) ?? -1;
    this.#base = from - 1;
    this.#to = from;
    this.#size = begin;
    this.#nodes = { left: [], right: [] };
  }

  run(): RangeResult {
    // Where the range would begin behind its end, the range before has covered it already.
    if (this.#from < this.#task.until || this.#task.entriesOnly) this.#scan();
    const { from, begin } = { from: this.#from, begin: this.#tree.begin };
    return {
      ...{ from, begin, to: this.#to, size: this.#size, nodes: this.#nodes, seals: this.#seals },
      marks: this.#marks.filter((mark) => mark.size <= this.#size),
      ...{ stats: this.#times.stats(), note: this.#note, keyChange: this.#keyChange },
    };
  }

  #scan(): void {
    const { until, entriesOnly } = this.#task;
    const buffer = this.#buffer;
    const memory = buffer.buffer;
    const tree = this.#tree;
    const times = this.#times;
    let index = tree.end;
    let block = buffer.subarray(0, this.#filled);
    let at = 1;
    for (;;) {
      const lf = block.indexOf(LF, at);
      if (lf === -1) {
        // A line longer than any entry or seal is neither: stop before a hole of gigabytes is taken for one line.
        if (this.#filled - at > MAX_CONTROL_BYTES || !this.#refill(at)) break;
        block = buffer.subarray(0, this.#filled);
        at = 1;
        continue;
      }
      if (buffer[at + 3] === LETTER_N && startsWith(buffer, CONTROL, at)) {
        if (entriesOnly || !this.#takeSeal(at, lf)) return;
        if (this.#base + at >= until) return;
      } else {
        if (lf === at || lf - at > MAX_ENTRY_BYTES) return;
        buffer[at - 1] = LEAF_PREFIX;
        tree.addPrefixedLeaf(new Uint8Array(memory, at - 1, lf - at + 1));
        buffer[at - 1] = LF;
        times.add(buffer, at, lf, index);
        if (times.lastIsKeyChange) this.#pendingKeyChange = Uint8Array.from(buffer.subarray(at, lf));
        if (++index === this.#nextMark) this.#takeMark();
      }
      at = lf + 1;
    }
    if (entriesOnly && at === this.#filled) this.#commit(this.#base + at);
  }

  /** Moves the line that begins at `at` to the front and reads on; false at the end of the range. */
  #refill(at: number): boolean {
    const buffer = this.#buffer;
    const position = this.#base + this.#filled;
    if (position >= this.#task.end) return false;
    buffer.copyWithin(0, at - 1, this.#filled);
    this.#base += at - 1;
    this.#filled -= at - 1;
    const count = Math.min(buffer.length - this.#filled, BLOCK_BYTES, this.#task.end - position);
    readExactly(this.#file, buffer.subarray(this.#filled, this.#filled + count), position);
    this.#filled += count;
    return true;
  }

  #takeSeal(start: number, lf: number): boolean {
    const lineStart = this.#base + start;
    const seal = parseSealLine(this.#buffer.subarray(start, lf), this.#key.name);
    if (seal === undefined || !this.#covers(seal, lineStart) || !isNoteSignedBy(seal.note, this.#key)) return false;
    this.#commit(this.#base + lf + 1);
    const { left, right } = this.#nodes;
    this.#seals.push({ size: seal.treeSize, leftCount: left.length, fold: foldNodes(right), rootHash: seal.rootHash, end: this.#to });
    this.#note = seal.noteText;
    return true;
  }

  /** Whether the seal covers all bytes and entries since the one before it, and at least one. */
  #covers(seal: Seal, lineStart: number): boolean {
    if (seal.offset !== this.#to || seal.offset + seal.length !== lineStart) return false;
    return seal.first === this.#size && seal.treeSize === this.#tree.end && seal.treeSize > seal.first;
  }

  #commit(to: number): void {
    this.#keyChange = this.#times.lastIsKeyChange ? this.#pendingKeyChange : undefined;
    this.#times.commit();
    this.#to = to;
    this.#size = this.#tree.end;
    this.#nodes = this.#tree.nodes();
  }

  #takeMark(): void {
    const { left, right } = this.#tree.nodes();
    this.#marks.push({ size: this.#tree.end, leftCount: left.length, fold: foldNodes(right) });
    this.#nextMark = this.#task.marks.find((mark) => mark > this.#tree.end) ?? -1;
  }
}

/** The root over neighbouring complete subtrees, largest first; undefined over none. */
export function foldNodes(nodes: readonly RangeNode[]): Uint8Array | undefined {
  let root: Uint8Array | undefined;
  for (let i = nodes.length - 1; i >= 0; i--) {
    const { hash } = nodes[i]!;
    root = root === undefined ? hash : nodeHash(hash, root);
  }
  return root;
}

function startsWith(bytes: Uint8Array, prefix: Uint8Array, at: number): boolean {
  for (let i = 0; i < prefix.length; i++) if (bytes[at + i] !== prefix[i]) return false;
  return true;
}
