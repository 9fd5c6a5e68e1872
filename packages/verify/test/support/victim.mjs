// A small log with everything in it that the format knows, and the tools to tamper with a copy of it.
import { cpSync, existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RecordWriter, makeEntry, makeKey } from './record-writer.mjs';

export const ORIGIN = 'bank.example/audit';
export const KEY = makeKey(ORIGIN, 1);
export const NEXT_KEY = makeKey(ORIGIN, 2);
/** A key of the same name in the wrong hands. */
export const ATTACKER = makeKey(ORIGIN, 66);
export const ATTACKER_NEXT = makeKey(ORIGIN, 67);

/**
 * Entries 0–2, 3–6, 7 | 8–9, foreign line, 10–12, 13 | 14–18, 19 (change of key) | 20–21, 22–24.
 * Segment 1 ends torn, with dead bytes.
 */
export function writeVictim(directory, { key = KEY, nextKey = NEXT_KEY, user } = {}) {
  const fields = user === undefined ? {} : { userId: user };
  const writer = new RecordWriter(directory, key);
  writer.fill(3, fields).fill(4, fields).fill(1, fields).next();
  writer.fill(2, fields).raw('some other program\n').fill(3, fields);
  writer.batch([makeEntry(13, { event: 'heartbeat', userId: undefined, sessionId: undefined })]);
  writer.next('torn', { dead: '{"id":"019390a0-half' });
  writer.fill(5, fields).rotate(nextKey);
  return writer.fill(2, fields).fill(3, fields);
}

/** Tree size of the victim. */
export const SIZE = 25;

/** A copy of a log that is about to be tampered with. */
export class Copy {
  constructor(original, directory) {
    rmSync(directory, { recursive: true, force: true });
    cpSync(original, directory, { recursive: true });
    this.directory = directory;
  }

  path(segment) {
    return join(this.directory, typeof segment === 'string' ? segment : `${String(segment).padStart(6, '0')}.ndjson`);
  }

  read(segment) {
    return readFileSync(this.path(segment));
  }

  write(segment, bytes) {
    writeFileSync(this.path(segment), bytes);
  }

  remove(segment) {
    rmSync(this.path(segment));
  }

  exists(segment) {
    return existsSync(this.path(segment));
  }

  get files() {
    return readdirSync(this.directory).filter((name) => name.endsWith('.ndjson') || name === 'log.json');
  }

  /** Changes the lines of a segment, as text without their LFs. */
  lines(segment, change) {
    const lines = this.read(segment).toString('utf8').split('\n');
    this.write(segment, change(lines).join('\n'));
  }

  /** Changes one line of a segment. */
  line(segment, number, change) {
    this.lines(segment, (lines) => lines.map((line, i) => (i === number ? change(line) : line)));
  }

  /** Replaces text that must be there. */
  replace(segment, number, from, to) {
    this.line(segment, number, (line) => {
      const changed = line.replace(from, to);
      if (changed === line) throw new Error(`${String(from)} is not in line ${number} of segment ${segment}: ${line}`);
      return changed;
    });
  }

  append(segment, bytes) {
    this.write(segment, Buffer.concat([this.read(segment), Buffer.from(bytes)]));
  }

  truncate(segment, length) {
    this.write(segment, this.read(segment).subarray(0, length));
  }
}
