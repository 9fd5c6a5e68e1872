import { readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import type { AddressWords } from './address.ts';
import { GeoError } from './error.ts';
import { readValue, type MmdbValue } from './mmdb-value.ts';

/** An opened database: where each address leads, and what is said there. */
export interface Mmdb {
  /** What the record calls it: the data set and the day it was built. */
  readonly source: string;
  /** Where the record of an address begins, or `undefined` where the database knows nothing about it. */
  find(address: AddressWords): number | undefined;
  /** The record there; `undefined` where it is damaged. */
  read(record: number): MmdbValue;
}

/** What the file says about itself. */
interface Metadata {
  readonly nodeCount: number;
  readonly recordBits: number;
  readonly ipVersion: number;
  readonly type: string;
  readonly buildMs: number;
  /** Where the data section ends. */
  readonly start: number;
}

/** Between the search tree and the data. */
const SEPARATOR_BYTES = 16;
const METADATA_MARK = Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1');
/** The format lets the metadata begin at most so far before the end. */
const MAX_METADATA_BYTES = 131_072;
/** The largest data sets have less than a quarter of this. */
const MAX_FILE_BYTES = 1_073_741_824;

/**
 * Reads a database whole into memory, and checks that its parts fit together.
 *
 * Costs a read of the file and as much memory, outside of the JavaScript heap. Records are decoded when they are asked for. There
 * is no checksum in the format: a flipped bit in a record is noticed only where it makes the record unreadable.
 *
 * @throws GeoError `ERR_GEO_FILE_UNREADABLE`, `ERR_GEO_FILE_DAMAGED`, `ERR_GEO_FILE_UNSUPPORTED`
 * @see the MaxMind DB file format, version 2.0
 */
export function openMmdb(path: string): Mmdb {
  const bytes = readDatabase(path);
  const metadata = readMetadata(bytes, path);
  const { nodeCount, recordBits, ipVersion } = metadata;
  const nodeBytes = recordBits / 4;
  const treeBytes = nodeCount * nodeBytes;
  const dataStart = treeBytes + SEPARATOR_BYTES;
  if (dataStart > metadata.start) {
    throw damaged(path, `its search tree of ${nodeCount} nodes takes ${treeBytes} bytes, and there are ${metadata.start} before the metadata`);
  }
  if (bytes.subarray(treeBytes, dataStart).some((byte) => byte !== 0)) throw damaged(path, 'its search tree does not end where its data begin');
  const child = childReader(bytes, recordBits, nodeBytes);

  // IPv4 lies in an IPv6 tree below 96 zeros.
  let v4Root = 0;
  for (let bit = 0; ipVersion === 6 && bit < 96 && v4Root < nodeCount; bit++) v4Root = child(v4Root, 0);

  const name = /^[\w.-]{1,60}$/.test(metadata.type) ? metadata.type : basename(path).replace(/\.mmdb$/i, '').slice(0, 60);
  return {
    source: `${name} ${new Date(metadata.buildMs).toISOString().slice(0, 10)}`,
    find(address) {
      if (address.length === 4 && ipVersion === 4) return undefined;
      let node = address.length === 1 ? v4Root : 0;
      for (const word of address) {
        for (let bit = 31; bit >= 0 && node < nodeCount; bit--) node = child(node, (word >>> bit) & 1);
      }
      // Equal: nothing is known. Lower: the tree is deeper than an address is long, which only damage makes it.
      const record = node - nodeCount - SEPARATOR_BYTES + dataStart;
      return node > nodeCount && record >= dataStart && record < metadata.start ? record : undefined;
    },
    read: (record) => readValue(bytes, dataStart, metadata.start, record),
  };
}

function readDatabase(path: string): Uint8Array {
  let bytes: Uint8Array;
  try {
    // Asked first: to open a pipe would wait for a writer.
    const stats = statSync(path);
    if (!stats.isFile()) throw new Error('it is not a regular file');
    if (stats.size > MAX_FILE_BYTES) throw new Error(`it has ${stats.size} bytes, more than ${MAX_FILE_BYTES}`);
    bytes = readFileSync(path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new GeoError('ERR_GEO_FILE_UNREADABLE', `cannot read the address data ${path}: ${reason}`, { path, cause: error });
  }
  return bytes;
}

function readMetadata(bytes: Uint8Array, path: string): Metadata {
  const from = Math.max(0, bytes.length - MAX_METADATA_BYTES);
  const mark = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).subarray(from).lastIndexOf(METADATA_MARK);
  if (mark < 0) throw damaged(path, 'it has no metadata at its end: it is no MMDB, or cut off');
  const start = from + mark + METADATA_MARK.length;
  const fields = readValue(bytes, start, bytes.length, start);
  if (!(fields instanceof Map)) throw damaged(path, 'its metadata cannot be read');
  const field = (name: string, highest: number): number => {
    const value: unknown = fields.get(name);
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > highest) throw damaged(path, `its ${name} is ${String(value).slice(0, 40)}`);
    return value;
  };
  const major = field('binary_format_major_version', 65_535);
  const recordBits = field('record_size', 65_535);
  const ipVersion = field('ip_version', 65_535);
  if (major !== 2 || ![24, 28, 32].includes(recordBits) || (ipVersion !== 4 && ipVersion !== 6)) {
    throw new GeoError('ERR_GEO_FILE_UNSUPPORTED',
      `${path} has format ${major}, records of ${recordBits} bits and IP version ${ipVersion}; known are format 2, 24, 28 or 32 bits, and IP version 4 or 6`, { path });
  }
  const type: unknown = fields.get('database_type');
  return {
    nodeCount: field('node_count', 2 ** 32 - 1),
    recordBits,
    ipVersion,
    type: typeof type === 'string' ? type : '',
    // The year 9999 is as far as a date on the record goes.
    buildMs: field('build_epoch', 253_402_300_799) * 1_000,
    start: from + mark,
  };
}

/** Reads one of the two numbers of a node. The caller stays below the number of nodes, which fit the file: no byte is missing. */
function childReader(bytes: Uint8Array, recordBits: number, nodeBytes: number): (node: number, side: number) => number {
  if (recordBits === 24) {
    return (node, side) => {
      const at = node * nodeBytes + side * 3;
      return bytes[at]! * 65_536 + bytes[at + 1]! * 256 + bytes[at + 2]!;
    };
  }
  return (node, side) => {
    const at = node * nodeBytes + side * 4;
    if (recordBits === 32) return bytes[at]! * 16_777_216 + bytes[at + 1]! * 65_536 + bytes[at + 2]! * 256 + bytes[at + 3]!;
    // 28: the byte in the middle holds the four highest bits of both.
    const middle = bytes[node * nodeBytes + 3]!;
    return (side === 0 ? Math.floor(middle / 16) : middle % 16) * 16_777_216 + bytes[at]! * 65_536 + bytes[at + 1]! * 256 + bytes[at + 2]!;
  };
}

function damaged(path: string, reason: string): GeoError {
  return new GeoError('ERR_GEO_FILE_DAMAGED', `${path} is no sound MMDB: ${reason}; download it again`, { path });
}
