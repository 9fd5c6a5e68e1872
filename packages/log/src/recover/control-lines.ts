import type { Disk } from '../disk/disk.ts';
import { CONTROL_PREFIX } from '../record/seal-line.ts';
import { MAX_HEADER_BYTES } from '../record/segment-header.ts';

const WINDOW_BYTES = 1 << 20;
const LF = 0x0a;
const LINE_START = new TextEncoder().encode(`\n${CONTROL_PREFIX}`);

/** A complete line that begins like a control line, without its LF. What it is worth has still to be found out. */
export interface ControlLine {
  readonly start: number;
  /** One past the LF. */
  readonly end: number;
  readonly bytes: Uint8Array;
}

/**
 * The lines that begin like control lines and start in [from, until), first to last; a line may end as late as `to`.
 * `from` is at least 1 and the byte before it is looked at: a line starts where that is a LF. Memory is one window, whatever
 * the file holds.
 */
export async function* readControlLines(disk: Disk, name: string, from: number, to: number, until: number = to): AsyncGenerator<ControlLine> {
  for (let at = from - 1; at < until - 1; at += WINDOW_BYTES) {
    const bytes = await disk.read(name, at, Math.min(WINDOW_BYTES + MAX_HEADER_BYTES, to - at));
    const window = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const matches = Math.min(WINDOW_BYTES, until - 1 - at);
    for (let match = window.indexOf(LINE_START); match !== -1 && match < matches; match = window.indexOf(LINE_START, match + 1)) {
      const end = window.indexOf(LF, match + 1);
      if (end === -1 || end - match > MAX_HEADER_BYTES) continue; // cut off, or too long for a control line
      yield { start: at + match + 1, end: at + end + 1, bytes: window.subarray(match + 1, end) };
    }
  }
}

/** The same lines in [from, to), last to first. */
export async function* readControlLinesBackwards(disk: Disk, name: string, from: number, to: number): AsyncGenerator<ControlLine> {
  for (let end = to; end > from; end -= WINDOW_BYTES) {
    const found: ControlLine[] = [];
    for await (const line of readControlLines(disk, name, Math.max(from, end - WINDOW_BYTES), to, end)) found.push(line);
    yield* found.reverse();
  }
}
