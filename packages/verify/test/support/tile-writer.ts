import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Tree, makeNote, type FixtureKey } from './record-writer.mjs';

const WIDTH = 256;

const sha256 = (...parts: (string | Uint8Array)[]): Buffer => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};

function numberPath(index: number): string {
  const digits = String(index).padStart(Math.ceil(String(index).length / 3) * 3, '0');
  const groups = digits.match(/.{3}/g)!;
  return groups.map((group, i) => (i === groups.length - 1 ? group : `x${group}`)).join('/');
}

/** The path of a tile or bundle, as C2SP tlog-tiles writes it. */
export function pathOf(level: number | 'entries', index: number, width: number): string {
  return `tile/${level}/${numberPath(index)}${width === WIDTH ? '' : `.p/${width}`}`;
}

function rootOf(hashes: Buffer[]): Buffer {
  if (hashes.length === 1) return hashes[0]!;
  const middle = hashes.length / 2;
  return sha256('\x01', rootOf(hashes.slice(0, middle)), rootOf(hashes.slice(middle)));
}

/** All files of a tiled log, from its entries alone. */
export function makeTiles(entries: readonly string[], key: FixtureKey): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  const tree = new Tree();
  for (const entry of entries) tree.add(entry);
  files.set('checkpoint', Buffer.from(makeNote(key, entries.length, tree.root)));
  for (let i = 0; i < entries.length; i += WIDTH) {
    const bundle = entries.slice(i, i + WIDTH).map((entry) => {
      const bytes = Buffer.from(entry);
      return Buffer.concat([Buffer.from([Math.floor(bytes.length / 256), bytes.length % 256]), bytes]);
    });
    files.set(pathOf('entries', i / WIDTH, bundle.length), Buffer.concat(bundle));
  }
  let hashes = entries.map((entry) => sha256('\0', entry));
  for (let level = 0; hashes.length > 0; level++) {
    const above: Buffer[] = [];
    for (let i = 0; i < hashes.length; i += WIDTH) {
      const tile = hashes.slice(i, i + WIDTH);
      files.set(pathOf(level, i / WIDTH, tile.length), Buffer.concat(tile));
      if (tile.length === WIDTH) above.push(rootOf(tile));
    }
    hashes = above;
  }
  return files;
}

/** Writes files below a directory. */
export function writeFiles(directory: string, files: ReadonlyMap<string, Uint8Array>): void {
  for (const [path, bytes] of files) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), bytes);
  }
}
