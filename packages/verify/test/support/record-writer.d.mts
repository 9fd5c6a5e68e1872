/** A signing key for fixtures. */
export interface FixtureKey {
  readonly name: string;
  readonly keyId: Buffer;
  readonly vkey: string;
  sign(message: string | Uint8Array): Buffer;
}

export function makeKey(name: string, byte: number): FixtureKey;
export function makeNote(key: FixtureKey, size: number, root: Buffer): string;
export function makeEntry(index: number, fields?: Readonly<Record<string, unknown>>): string;

export class Tree {
  size: number;
  edge: { readonly size: number; readonly hash: Buffer }[];
  readonly hashes: Buffer[];
  readonly root: Buffer;
  add(entry: string | Uint8Array): void;
  clone(): Tree;
}

export class RecordWriter {
  tree: Tree;
  segment: number;
  note: string | undefined;
  notes: string[];
  length: number;
  key: FixtureKey;
  readonly genesis: FixtureKey;
  readonly directory: string;
  readonly logDigest: string;
  readonly path: string;
  readonly fileSize: number;
  constructor(directory: string, key: FixtureKey, options?: { readonly created?: number; readonly after?: object });
  raw(bytes: string | Uint8Array): this;
  batch(entries: readonly string[], options?: { readonly between?: string | Uint8Array }): this;
  fill(count: number, fields?: Readonly<Record<string, unknown>>): this;
  next(reason?: string, options?: { readonly dead?: string | Uint8Array; readonly skip?: number }): this;
  keyChange(to: FixtureKey, index?: number): string;
  rotate(to: FixtureKey): this;
}
