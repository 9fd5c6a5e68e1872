import { formatBatchText, writeLengths, type Batch } from '../commit/batch.ts';

const WORD = 4;

/** How a batch travels between threads: number of entries, their lengths, their text. */
export interface BatchFrame {
  readonly lines: readonly string[];
  readonly text: string;
  /** Upper bound of its size in bytes. */
  readonly room: number;
}

/** Gets a batch ready to be written into a frame. */
export function prepareBatchFrame(lines: readonly string[]): BatchFrame {
  const text = formatBatchText(lines);
  // UTF-8 takes one byte for ASCII and at most three for a UTF-16 unit.
  const bytes = Buffer.byteLength(text, 'utf8');
  return { lines, text, room: WORD + lines.length * WORD + bytes };
}

/** Writes a batch into memory that begins at a multiple of four; returns how many bytes it took. */
export function writeBatchFrame(frame: BatchFrame, target: Buffer): number {
  const { lines, text } = frame;
  const lengths = new Uint32Array(target.buffer, target.byteOffset + WORD, lines.length);
  target.writeUInt32LE(lines.length, 0);
  const textAt = WORD + lines.length * WORD;
  const textBytes = target.write(text, textAt, 'utf8');
  writeLengths(lines, text, textBytes, lengths);
  return textAt + textBytes;
}

/** Takes a batch out of a frame, into memory of its own: the frame's will be written over. */
export function readBatchFrame(bytes: Uint8Array): Batch {
  const count = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const lengths = new Uint32Array(bytes.buffer, bytes.byteOffset + WORD, count).slice(); // a typed array made by slice has memory of its own, not shared
  const textAt = WORD + count * WORD;
  const own = Buffer.allocUnsafeSlow(bytes.length - textAt);
  own.set(bytes.subarray(textAt));
  return { bytes: new Uint8Array(own.buffer, own.byteOffset, own.length), lengths };
}
