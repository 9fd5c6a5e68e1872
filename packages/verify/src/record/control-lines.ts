import { setImmediate } from 'node:timers/promises';
import { throwIfAborted } from '../error.ts';
import { CONTROL_PREFIX, MAX_CONTROL_BYTES } from './seal-line.ts';
import { readExactly, type OpenFile } from './segment-file.ts';

/** A line that begins like a control line. */
export interface ControlLine {
  /** Its first byte in the file, and the byte behind its LF. */
  readonly start: number;
  readonly end: number;
  /** The line without its LF, cut behind `MAX_CONTROL_BYTES + 1` bytes. */
  readonly bytes: Uint8Array;
}

const BLOCK_BYTES = 1_048_576;
const LF = 0x0a;
const NUL = 0x00;
const PREFIX = Buffer.from(CONTROL_PREFIX);

/**
 * Yields the control lines between `from` and `to`, in order. A last line without LF is none, nor is one with a NUL in it: that is
 * what a page that was never written looks like after a crash.
 *
 * Constant memory whatever the bytes are; gives way to other work once a block.
 *
 * @throws VerifyError `ERR_VERIFY_ABORTED`, `ERR_VERIFY_SOURCE_UNREADABLE`, `ERR_VERIFY_SOURCE_CHANGED`.
 */
export async function* readControlLines(file: OpenFile, from: number, to: number, signal?: AbortSignal): AsyncGenerator<ControlLine, void, undefined> {
  const buffer = Buffer.allocUnsafeSlow(BLOCK_BYTES + MAX_CONTROL_BYTES + 1);
  let base = from;
  let filled = 0;
  let at = 0;
  // A line that is longer than the buffer: what is kept of it where it is a control line, until its LF comes.
  let long: { readonly start: number; readonly bytes: Uint8Array | undefined } | undefined;
  for (;;) {
    if (base + filled >= to) return;
    buffer.copyWithin(0, at, filled);
    base += at;
    filled -= at;
    at = 0;
    const count = Math.min(BLOCK_BYTES, buffer.length - filled, to - base - filled);
    readExactly(file, buffer.subarray(filled, filled + count), base + filled);
    filled += count;
    await setImmediate();
    throwIfAborted(signal);
    const block = buffer.subarray(0, filled);
    for (;;) {
      const lf = block.indexOf(LF, at);
      if (lf === -1) break;
      const start = long?.start ?? base + at;
      const line = long === undefined ? block.subarray(at, lf) : long.bytes;
      at = lf + 1;
      long = undefined;
      if (line === undefined || !isControl(line)) continue;
      yield { start, end: base + lf + 1, bytes: Uint8Array.from(line.subarray(0, MAX_CONTROL_BYTES + 1)) };
    }
    if (long === undefined && filled - at > MAX_CONTROL_BYTES) {
      const head = block.subarray(at, at + MAX_CONTROL_BYTES + 1);
      long = { start: base + at, bytes: isControl(head) ? Uint8Array.from(head) : undefined };
    }
    if (long !== undefined) at = filled;
  }
}

function isControl(line: Uint8Array): boolean {
  if (line.length < PREFIX.length) return false;
  for (let i = 0; i < PREFIX.length; i++) if (line[i] !== PREFIX[i]) return false;
  return !line.includes(NUL);
}
