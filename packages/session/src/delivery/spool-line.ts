import { createHmac, createSecretKey, timingSafeEqual, type KeyObject } from 'node:crypto';

/** An event as the spool holds it. */
export interface SpoolLine {
  /** Its number, one more than that of the line before. */
  readonly seq: number;
  /** The MAC of the line before; empty in the first line of all. */
  readonly prev: string;
  readonly mac: string;
  /** The event, as JSON. */
  readonly text: string;
  /** Its MAC is good, and its number is another line's: it is delivered, moves no position, and keeps its file until then. */
  readonly strayIn?: { strays: number };
}

/** The first line of a spool file. */
export interface SpoolHeader {
  /** The number of the first event in this file. Lines of earlier files from this number on were not acknowledged by who wrote it. */
  readonly first: number;
  /** The MAC of the line before it. */
  readonly prev: string;
}

// Both forms are fixed to the byte, so that there is one way to write a line and no parser between it and its MAC.
const LINE = /^\{"seq":([1-9][0-9]{0,14}),"prev":"((?:[A-Za-z0-9_-]{43})?)","mac":"([A-Za-z0-9_-]{43})","event":(?=\{)/;
const HEADER = /^\{"spool":1,"first":([1-9][0-9]{0,14}),"prev":"([A-Za-z0-9_-]{43})?","mac":"([A-Za-z0-9_-]{43})"\}$/;

/** Writes and checks what stands in a spool. Whoever has not the key can neither make a line nor change, move or repeat one unnoticed. */
export class SpoolCodec {
  readonly #key: KeyObject;

  constructor(key: Uint8Array) {
    this.#key = createSecretKey(key);
  }

  formatLine(seq: number, prev: string, text: string): { line: string; mac: string } {
    const mac = this.mac('line', `${seq}\n${prev}\n${text}`);
    return { line: `{"seq":${seq},"prev":"${prev}","mac":"${mac}","event":${text}}\n`, mac };
  }

  formatHeader(first: number, prev: string): string {
    return `{"spool":1,"first":${first},"prev":"${prev}","mac":"${this.mac('file', `${first}\n${prev}`)}"}\n`;
  }

  /** A line without its newline; undefined unless this spool's key made it, as it stands. */
  parseLine(line: string): SpoolLine | undefined {
    const [head, seq = '', prev = '', mac = ''] = LINE.exec(line) ?? [];
    if (head === undefined || !line.endsWith('}')) return undefined;
    const text = line.slice(head.length, -1);
    return this.checks('line', `${seq}\n${prev}\n${text}`, mac) ? { seq: Number(seq), prev, mac, text } : undefined;
  }

  /** As `parseLine`, for a header. */
  parseHeader(line: string): SpoolHeader | undefined {
    const [whole, first = '', prev = '', mac = ''] = HEADER.exec(line) ?? [];
    if (whole === undefined) return undefined;
    return this.checks('file', `${first}\n${prev}`, mac) ? { first: Number(first), prev } : undefined;
  }

  /** The MAC of `text` in one of the places where a MAC stands; it checks in no other. */
  mac(place: 'line' | 'file' | 'position', text: string): string {
    return createHmac('sha256', this.#key).update(`indelible spool ${place} v1\n${text}`).digest('base64url');
  }

  checks(place: 'line' | 'file' | 'position', text: string, mac: string): boolean {
    const [expected, given] = [Buffer.from(this.mac(place, text), 'latin1'), Buffer.from(mac, 'latin1')];
    return expected.length === given.length && timingSafeEqual(expected, given);
  }
}

/** Whether bytes that are no line of the spool look as if they had been one: changed, rather than brought in from elsewhere. */
export function looksLikeLine(line: string): boolean {
  return line.startsWith('{"seq":') || line.startsWith('{"spool":') || line.includes('","mac":"');
}
