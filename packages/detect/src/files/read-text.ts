import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** The text of a file, or why it was not read. */
export type ReadResult = { readonly text: string } | { readonly because: string };

const BINARY_PROBE = 4_096;

/** Reads a file of text: UTF-8, or UTF-16 in either order of bytes. Never throws. */
export function readText(file: string, maxBytes: number): ReadResult {
  let fd: number;
  try {
    fd = openSync(file, 'r');
  } catch {
    return { because: 'unreadable file' };
  }
  try {
    const { size } = fstatSync(fd);
    if (size > maxBytes) return { because: `larger than ${Math.round(maxBytes / 100_000) / 10} MB` };
    const bytes = Buffer.allocUnsafe(size);
    let length = 0;
    while (length < size) {
      const got = readSync(fd, bytes, length, size - length, length);
      if (got === 0) break;
      length += got;
    }
    return decode(bytes.subarray(0, length));
  } catch {
    return { because: 'unreadable file' };
  } finally {
    closeSync(fd);
  }
}

function decode(bytes: Buffer): ReadResult {
  if (bytes.length >= 2 && bytes[0] === 0xff && bytes[1] === 0xfe) return { text: bytes.toString('utf16le', 2) };
  if (bytes.length >= 2 && bytes[0] === 0xfe && bytes[1] === 0xff) return { text: bigEndian(bytes.subarray(2)) };
  if (bytes.length >= 3 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return { text: bytes.toString('utf8', 3) };
  const probe = bytes.subarray(0, BINARY_PROBE);
  if (probe.includes(0)) {
    const even = zeros(probe, 0);
    const odd = zeros(probe, 1);
    const half = Math.floor(probe.length / 2);
    if (odd > half * 0.8 && even < half * 0.1) return { text: bytes.toString('utf16le') };
    if (even > half * 0.8 && odd < half * 0.1) return { text: bigEndian(bytes) };
    return { because: 'binary' };
  }
  return { text: bytes.toString('utf8') };
}

function bigEndian(bytes: Buffer): string {
  const even = bytes.subarray(0, bytes.length - (bytes.length % 2));
  return Buffer.from(even).swap16().toString('utf16le');
}

function zeros(bytes: Buffer, from: number): number {
  let count = 0;
  for (let i = from; i < bytes.length; i += 2) if (bytes[i] === 0) count++;
  return count;
}

/** Whether a text was made for machines: hardly any line ends. */
export function isMinified(text: string): boolean {
  if (text.length < 5_000) return false;
  let lines = 1;
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) lines++;
  return text.length / lines > 300;
}

const GENERATED_MARK = /@generated\b|auto-?generated|generated (?:by|from|file)|do not edit/i;

/** Whether a file says at its beginning that a program wrote it. */
export function saysGenerated(text: string): boolean {
  const head = text.slice(0, 300);
  return /^\s*(?:\/\/|\/\*|#|--)/.test(head) && GENERATED_MARK.test(head);
}
