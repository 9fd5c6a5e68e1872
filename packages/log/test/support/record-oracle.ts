import { createPublicKey, hash, verify, type KeyObject } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

// A second reader of docs/spec/record.md, on its own feet: no parser, tree or signature check of the packages under test.

/** The files of a record. */
export interface RecordFiles {
  names(): readonly string[];
  read(name: string): Buffer;
}

/** What the page says about a record. */
export interface OracleResult {
  /** Everything on the record, in order. */
  readonly entries: readonly string[];
  /** Tree size and root (base64) of every accepted seal, in order. */
  readonly seals: readonly { readonly size: number; readonly root: string }[];
  /** Segments on the chain. */
  readonly segments: readonly { readonly number: number; readonly size: number; readonly reason: string | undefined; readonly foreignBytes: number }[];
  /** Files that are named like segments and are none. */
  readonly skipped: readonly string[];
  /** Why the record is not sound; empty where it is. */
  readonly errors: readonly string[];
}

/** The files of a directory. */
export function directoryFiles(directory: string): RecordFiles {
  // Regular files only: somebody may have put a FIFO there.
  const names = (): string[] => readdirSync(directory, { withFileTypes: true }).filter((item) => item.isFile()).map(({ name }) => name);
  return { names, read: (name) => readFileSync(join(directory, name)) };
}

const sha256 = (bytes: Uint8Array): Buffer => hash('sha256', bytes, 'buffer');
const PREFIX = '{"indelible":';
const LF = 0x0a;

interface Header {
  readonly number: number;
  readonly bodyStart: number;
  readonly size: number;
  readonly edge: readonly string[];
  readonly key: string;
  readonly origin: string;
  readonly log: string;
  readonly prev?: { readonly segment: number; readonly length: number; readonly dead: number; readonly digest: string; readonly reason: string };
  readonly seal?: string;
}

interface SegmentFile {
  readonly header: Header;
  readonly bytes: Buffer;
}

/** Reads a record as the specification says, from its first byte. `vkey` is the genesis key, from elsewhere. */
export function readRecord(files: RecordFiles, vkey?: string): OracleResult {
  const errors: string[] = [];
  const logBytes = files.read('log.json');
  const log = JSON.parse(logBytes.toString('utf8')) as { origin: string; key: string };
  if (vkey !== undefined && log.key !== vkey) errors.push('log.json names another key');
  const digest = sha256(logBytes).toString('base64');
  const headers = new Map<number, SegmentFile>();
  const named: string[] = [];
  for (const name of files.names()) {
    if (!/^([0-9]{6}|[1-9][0-9]{6,14})\.ndjson$/.test(name)) continue;
    named.push(name);
    const number = Number(name.slice(0, -7));
    const bytes = files.read(name);
    const header = readHeader(bytes, number);
    if (header?.log === digest && header.origin === log.origin) headers.set(number, { header, bytes });
  }

  const entries: string[] = [];
  const seals: { size: number; root: string }[] = [];
  const segments: { number: number; size: number; reason: string | undefined; foreignBytes: number }[] = [];
  const stack: { width: number; hash: Buffer }[] = [];
  let key = vkey ?? log.key;
  let lastSeal: string | undefined;
  const onChain = new Set<number>();
  const begin = headers.get(0);
  if (begin === undefined || begin.header.key !== key || begin.header.size !== 0 || begin.header.prev !== undefined) {
    return { entries, seals, segments, skipped: named, errors: [...errors, 'segment 0 is missing or invalid'] };
  }
  let current: SegmentFile = begin;
  for (;;) {
    const { header, bytes }: SegmentFile = current;
    key = header.key;
    onChain.add(header.number);
    const successors: SegmentFile[] = [...headers.values()].filter((next) => next.header.prev?.segment === header.number && next.header.number > header.number && isLawful(bytes, key, log.origin, next.header));
    const length: number = successors.length === 0 ? bytes.length : successors[0]!.header.prev!.length;
    if (bytes.length < length) errors.push(`segment ${header.number} is shorter than its successor says`);
    const body = readBody(bytes.subarray(0, length), header, key, log.origin, stack, entries, seals, errors);
    lastSeal = body.seal ?? lastSeal;
    segments.push({ number: header.number, size: header.size, reason: header.prev?.reason, foreignBytes: body.foreignBytes });

    if (successors.length === 0) break;
    if (successors.length > 1) errors.push(`fork behind segment ${header.number}`);
    current = successors.sort((one, other) => one.header.number - other.header.number)[0]!;
    const { prev } = current.header;
    if (prev === undefined) throw new Error('unreachable');
    if (current.header.key === key && handsOverToAnybody(entries.at(-1), body.entries)) errors.push(`segment ${current.header.number} is signed by a key that was given up`);
    if ((prev.reason === 'key_changed') !== (current.header.key !== key)) errors.push(`segment ${current.header.number} gives the wrong reason`);
    const dead = bytes.subarray(prev.length, prev.length + prev.dead);
    // Behind a failed sync even what could be read may be gone after a crash: the page says SHOULD.
    const changed = dead.length !== prev.dead || sha256(dead).toString('base64') !== prev.digest;
    if (changed && prev.reason !== 'io_error') errors.push(`dead bytes of segment ${header.number} changed`);
    if (current.header.size !== entries.length) errors.push(`segment ${current.header.number} begins at ${current.header.size}, ${entries.length} entries lie before it`);
    if (JSON.stringify(current.header.edge) !== JSON.stringify(stack.map((node) => node.hash.toString('base64')))) errors.push(`segment ${current.header.number} has another edge`);
    if (current.header.seal !== lastSeal) errors.push(`segment ${current.header.number} has another seal`);
  }
  const skipped = named.filter((name) => !onChain.has(Number(name.slice(0, -7))));
  return { entries, seals, segments, skipped, errors };
}

function readHeader(bytes: Buffer, number: number): Header | undefined {
  const end = bytes.indexOf(LF);
  if (end === -1 || end > 65_536) return undefined;
  const line = bytes.subarray(0, end).toString('utf8');
  const at = line.lastIndexOf(',"sig":"');
  if (!line.startsWith('{"indelible":"segment","v":1,') || at === -1) return undefined;
  try {
    const value = JSON.parse(line) as Header & { segment: number; sig: string };
    if (value.segment !== number || JSON.stringify(value) !== line) return undefined;
    const message = Buffer.concat([Buffer.from('indelible/segment/v1\n'), bytes.subarray(0, Buffer.byteLength(line.slice(0, at)))]);
    return verifies(value.key, message, Buffer.from(value.sig, 'base64')) ? { ...value, number, bodyStart: end + 1 } : undefined;
  } catch {
    return undefined;
  }
}

function readBody(
  bytes: Buffer,
  header: Header,
  key: string,
  origin: string,
  stack: { width: number; hash: Buffer }[],
  entries: string[],
  seals: { size: number; root: string }[],
  errors: string[],
): { seal: string | undefined; entries: number; foreignBytes: number } {
  let covered = header.bodyStart;
  let seal: string | undefined;
  let added = 0;
  let foreignBytes = 0;
  for (let at = header.bodyStart; at < bytes.length; ) {
    const end = bytes.indexOf(LF, at);
    if (end === -1) break;
    const start = at;
    at = end + 1;
    if (bytes.subarray(start, start + PREFIX.length).toString('latin1') !== PREFIX) continue;
    const parsed = readSeal(bytes.subarray(start, end).toString('utf8'), key, origin);
    if (parsed === undefined) continue;
    if (parsed.size <= entries.length) {
      if (!seals.some((old) => old.size === parsed.size && old.root === parsed.root)) errors.push(`two seals over ${parsed.size} entries`);
      continue;
    }
    const range = bytes.subarray(parsed.offset, parsed.offset + parsed.length);
    const fits = parsed.first === entries.length && parsed.offset >= covered && parsed.offset + parsed.length <= start && range.length > 0 && range.at(-1) === LF;
    const lines = fits ? range.subarray(0, -1).toString('utf8').split('\n') : [];
    if (lines.length !== parsed.size - parsed.first || lines.some((line) => line === '' || line.startsWith(PREFIX) || Buffer.byteLength(line) > 65_535)) {
      errors.push(`the seal over ${parsed.size} entries does not hold: changed history, beginning at ${entries.length}`);
      break;
    }
    for (const line of lines) addLeaf(stack, Buffer.from(line));
    entries.push(...lines);
    if (rootOf(stack).toString('base64') !== parsed.root) {
      errors.push(`the seal over ${parsed.size} entries has another root: changed history, beginning at ${parsed.first}`);
      break;
    }
    foreignBytes += parsed.offset - covered + (start - parsed.offset - parsed.length);
    covered = end + 1;
    added += lines.length;
    seal = parsed.note;
    seals.push({ size: parsed.size, root: parsed.root });
  }
  return { seal, entries: added, foreignBytes: foreignBytes + bytes.length - covered };
}

function readSeal(line: string, key: string, origin: string): { offset: number; length: number; first: number; note: string; size: number; root: string } | undefined {
  try {
    const value = JSON.parse(line) as { offset: number; length: number; first: number; note: string };
    const { offset, length, first, note } = value;
    if (JSON.stringify({ indelible: 'seal', offset, length, first, note }) !== line) return undefined;
    const match = /^([^\n]+)\n(0|[1-9][0-9]*)\n([A-Za-z0-9+/]{43}=)\n\n\u2014 ([^ \n]+) ([A-Za-z0-9+/=]+)\n$/.exec(note);
    if (match === null || match[1] !== origin || match[4] !== origin) return undefined;
    const payload = Buffer.from(match[5]!, 'base64');
    if (payload.length !== 68 || payload.subarray(0, 4).toString('hex') !== key.split('+')[1]) return undefined;
    if (!verifies(key, Buffer.from(note.slice(0, note.indexOf('\n\n') + 1)), payload.subarray(4))) return undefined;
    return { offset, length, first, note, size: Number(match[2]), root: match[3]! };
  } catch {
    return undefined;
  }
}

/** Whether a header that names a segment as the one before it may follow it: by the same key, or by the one that was handed over to. */
function isLawful(before: Buffer, key: string, origin: string, next: Header): boolean {
  if (next.key === key) return true;
  const valid = before.subarray(0, next.prev!.length);
  const start = valid.lastIndexOf('\n{"indelible":"seal"') + 1;
  const seal = readSeal(valid.subarray(start, valid.length - 1).toString('utf8'), key, origin);
  if (seal === undefined) return false;
  const covered = valid.subarray(seal.offset, seal.offset + seal.length).toString('utf8').trimEnd();
  return handsOver(covered.slice(covered.lastIndexOf('\n') + 1), 1, origin, key, next.key);
}

function handsOverToAnybody(lastEntry: string | undefined, inSegment: number): boolean {
  return inSegment > 0 && lastEntry !== undefined && /"event":"key_changed"/.test(lastEntry);
}

function handsOver(lastEntry: string | undefined, inSegment: number, origin: string, from: string, to: string): boolean {
  if (!handsOverToAnybody(lastEntry, inSegment)) return false;
  const { timestamp, details } = JSON.parse(lastEntry!) as { timestamp: string; details: { from: string; to: string; fromSig: string; toSig: string } };
  if (details.from !== from || details.to !== to) return false;
  const message = Buffer.from(`indelible/key-change/v1\n${origin}\n${from}\n${to}\n${timestamp}\n`);
  return verifies(from, message, Buffer.from(details.fromSig, 'base64')) && verifies(to, message, Buffer.from(details.toSig, 'base64'));
}

const keys = new Map<string, KeyObject>();

function verifies(vkey: string, message: Uint8Array, signature: Uint8Array): boolean {
  let key = keys.get(vkey);
  if (key === undefined) {
    const encoded = /^[^+\s]+\+[0-9a-f]{8}\+(.+)$/.exec(vkey)?.[1] ?? '';
    const spki = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), Buffer.from(encoded, 'base64').subarray(1)]);
    key = createPublicKey({ key: spki, format: 'der', type: 'spki' });
    keys.set(vkey, key);
  }
  return verify(null, message, key, signature);
}

function addLeaf(stack: { width: number; hash: Buffer }[], entry: Buffer): void {
  let node = { width: 1, hash: sha256(Buffer.concat([Buffer.of(0), entry])) };
  while (stack.at(-1)?.width === node.width) {
    const left = stack.pop()!;
    node = { width: node.width * 2, hash: sha256(Buffer.concat([Buffer.of(1), left.hash, node.hash])) };
  }
  stack.push(node);
}

function rootOf(stack: readonly { hash: Buffer }[]): Buffer {
  return stack.map((node) => node.hash).reduceRight((right, left) => sha256(Buffer.concat([Buffer.of(1), left, right])));
}
