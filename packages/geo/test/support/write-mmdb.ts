import { writeFileSync } from 'node:fs';

/** A value to write. Numbers become uint32, or double where they are no whole number; bigints uint64. */
export type Value = string | number | bigint | boolean | Uint8Array | readonly Value[] | { readonly [key: string]: Value };

/** A database to write: its networks as bits from the root ('' is every address), the last one winning. */
export interface Database {
  readonly recordBits?: 24 | 28 | 32;
  readonly ipVersion?: 4 | 6;
  readonly type?: string;
  readonly buildSeconds?: number;
  readonly networks: readonly (readonly [bits: string, value: Value])[];
  /** Instead of the data section that the values make. */
  readonly data?: Uint8Array;
  readonly metadata?: Readonly<Record<string, Value>>;
}

type Node = [Node | number | undefined, Node | number | undefined];

/** The bits of an IPv4 network in a tree of IPv6. */
export function bitsOf(network: string, ipVersion: 4 | 6 = 6): string {
  const [address = '', prefix = '32'] = network.split('/');
  const bits = address.split('.').map((part) => Number(part).toString(2).padStart(8, '0')).join('').slice(0, Number(prefix));
  return ipVersion === 6 ? '0'.repeat(96) + bits : bits;
}

/** The bytes of an MMDB file, as the MaxMind DB file format 2.0 prescribes. */
export function encodeMmdb(database: Database): Buffer {
  const { recordBits = 24, ipVersion = 6, networks } = database;
  const chunks: Buffer[] = [];
  const root: Node = [undefined, undefined];
  let dataBytes = 0;
  for (const [bits, value] of networks) {
    const chunk = encode(value);
    put(root, bits, dataBytes);
    chunks.push(chunk);
    dataBytes += chunk.length;
  }
  const nodes: Node[] = [];
  collect(root, nodes);
  const index = new Map(nodes.map((node, at) => [node, at]));
  const number = (side: Node | number | undefined): number =>
    side === undefined ? nodes.length : typeof side === 'number' ? nodes.length + 16 + side : (index.get(side) ?? 0);
  const tree = Buffer.concat(nodes.map(([left, right]) => encodeNode(number(left), number(right), recordBits)));
  const metadata = encode({
    binary_format_major_version: 2,
    binary_format_minor_version: 0,
    build_epoch: BigInt(database.buildSeconds ?? 1_780_000_000),
    database_type: database.type ?? 'Test',
    description: { en: 'made by a test' },
    ip_version: ipVersion,
    languages: ['en'],
    node_count: nodes.length,
    record_size: recordBits,
    ...database.metadata,
  });
  return Buffer.concat([tree, Buffer.alloc(16), database.data ?? Buffer.concat(chunks), Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1'), metadata]);
}

/** The same in a file. */
export function writeMmdb(path: string, database: Database): string {
  writeFileSync(path, encodeMmdb(database));
  return path;
}

/** The type and length before a value. */
export function control(type: number, size: number): Buffer {
  const first = size < 29 ? size : size < 285 ? 29 : size < 65_821 ? 30 : 31;
  const more = first === 29 ? [size - 29] : first === 30 ? [Math.floor((size - 285) / 256), (size - 285) % 256] : [];
  return Buffer.from(type <= 7 ? [type * 32 + first, ...more] : [first, type - 7, ...more]);
}

/** A pointer of three bytes to a place in the data section. */
export function pointer(target: number): Buffer {
  const value = target - 2_048;
  if (value < 0) return Buffer.from([0x20 + Math.floor(target / 256), target % 256]);
  return Buffer.from([0x28 + Math.floor(value / 65_536), Math.floor(value / 256) % 256, value % 256]);
}

export function encode(value: Value): Buffer {
  if (typeof value === 'string') return Buffer.concat([control(2, Buffer.byteLength(value)), Buffer.from(value)]);
  if (typeof value === 'boolean') return control(14, value ? 1 : 0);
  if (typeof value === 'bigint') return Buffer.concat([control(9, 8), Buffer.from(value.toString(16).padStart(16, '0'), 'hex')]);
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(Number.isInteger(value) ? 4 : 8);
    if (Number.isInteger(value)) bytes.writeUInt32BE(value);
    else bytes.writeDoubleBE(value);
    return Buffer.concat([control(bytes.length === 4 ? 6 : 3, bytes.length), bytes]);
  }
  if (value instanceof Uint8Array) return Buffer.concat([control(4, value.length), value]);
  if (Array.isArray(value)) return Buffer.concat([control(11, value.length), ...value.map((item: Value) => encode(item))]);
  const entries = Object.entries(value as Record<string, Value>);
  return Buffer.concat([control(7, entries.length), ...entries.flatMap(([key, item]) => [encode(key), encode(item)])]);
}

function put(root: Node, bits: string, data: number): void {
  if (bits === '') {
    root[0] = data;
    root[1] = data;
    return;
  }
  let node = root;
  for (const bit of bits.slice(0, -1)) {
    const side = bit === '1' ? 1 : 0;
    const next = node[side];
    const child: Node = typeof next === 'object' ? next : [next, next];
    node[side] = child;
    node = child;
  }
  node[bits.endsWith('1') ? 1 : 0] = data;
}

function collect(node: Node, nodes: Node[]): void {
  nodes.push(node);
  for (const side of node) if (typeof side === 'object') collect(side, nodes);
}

function encodeNode(left: number, right: number, recordBits: number): Buffer {
  const bytes = Buffer.alloc(recordBits / 4);
  if (recordBits === 28) {
    bytes.writeUIntBE(left % 2 ** 24, 0, 3);
    bytes.writeUInt8(Math.floor(left / 2 ** 24) * 16 + Math.floor(right / 2 ** 24), 3);
    bytes.writeUIntBE(right % 2 ** 24, 4, 3);
  } else {
    bytes.writeUIntBE(left, 0, recordBits / 8);
    bytes.writeUIntBE(right, recordBits / 8, recordBits / 8);
  }
  return bytes;
}
