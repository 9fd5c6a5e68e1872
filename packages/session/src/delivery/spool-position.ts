import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { SessionError } from '../error.ts';
import type { Outage } from './outage.ts';
import { syncDirectory } from './spool-directory.ts';
import type { SpoolCodec } from './spool-line.ts';

/** How far the spool has been delivered. */
export interface SpoolPosition {
  /** The log has everything up to this number. */
  readonly delivered: number;
  /** The MAC of that line: what comes next refers to it. */
  readonly prev: string;
  /** The last number that was known to be acknowledged; what is missing up to there was taken away. */
  readonly end?: number | undefined;
  /** The outage that goes on, so that one that outlives a process still ends in one `capture_gap`. */
  readonly outage?: Outage | undefined;
}

const NAME = 'position';
const SLOT_BYTES = 1_024;
const SLOT = /^\{"n":([1-9][0-9]{0,14}),"position":(\{.*\})\} ([A-Za-z0-9_-]{43}) *\n$/;

/**
 * The file that remembers the position: two places of fixed size, written by turns. A write that a crash cuts off leaves the other
 * one; and none needs room on a disk that may be full.
 */
export class PositionFile {
  readonly #handle: FileHandle;
  readonly #codec: SpoolCodec;
  #writes: number;
  #writing: Promise<unknown> = Promise.resolve();

  private constructor(handle: FileHandle, codec: SpoolCodec, writes: number) {
    this.#handle = handle;
    this.#codec = codec;
    this.#writes = writes;
  }

  /** Opens it, or makes it. A position that the spool's key did not write goes to `report`: it is as if there were none. */
  static async open(directory: string, codec: SpoolCodec, report: (error: SessionError) => void): Promise<{ file: PositionFile; position: SpoolPosition | undefined }> {
    const handle = await open(join(directory, NAME), constants.O_RDWR | constants.O_CREAT, 0o600);
    try {
      const buffer = Buffer.alloc(2 * SLOT_BYTES);
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0);
      const slots = [0, 1].map((i) => readSlot(buffer.toString('latin1', i * SLOT_BYTES, (i + 1) * SLOT_BYTES), codec));
      const newest = slots.reduce((a, b) => ((b?.n ?? 0) > (a?.n ?? 0) ? b : a));
      const isBlank = !buffer.subarray(0, bytesRead).some((byte) => byte !== 0x20 && byte !== 0);
      if (newest === undefined && !isBlank) {
        report(new SessionError('ERR_SESSION_SPOOL_DAMAGED', `the file ${NAME} of the spool is not as it was written, or was written with another key: what is in the spool is delivered from its beginning, which repeats nothing on the record`));
      }
      if (bytesRead < buffer.length) {
        await handle.write(buffer.fill(0x20, bytesRead), 0, buffer.length, 0);
        await handle.sync();
        await syncDirectory(directory);
      }
      return { file: new PositionFile(handle, codec, newest?.n ?? 0), position: newest?.position };
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** Resolves when the position is durable. */
  write(position: SpoolPosition): Promise<void> {
    const written = this.#writing.then(() => this.#write(position));
    this.#writing = written.catch(() => undefined); // one after the other: each has the place that the one before has not
    return written;
  }

  async #write(position: SpoolPosition): Promise<void> {
    const n = this.#writes + 1;
    const state = `{"n":${n},"position":${JSON.stringify(position)}}`;
    const slot = `${state} ${this.#codec.mac('position', state)}`.padEnd(SLOT_BYTES - 1) + '\n';
    await this.#handle.write(Buffer.from(slot, 'latin1'), 0, SLOT_BYTES, (n % 2) * SLOT_BYTES);
    await this.#handle.datasync();
    this.#writes = n;
  }

  async close(): Promise<void> {
    await this.#writing;
    return this.#handle.close();
  }
}

function readSlot(text: string, codec: SpoolCodec): { n: number; position: SpoolPosition } | undefined {
  const [, n = '', json = '', mac = ''] = SLOT.exec(text) ?? [];
  if (mac === '' || !codec.checks('position', `{"n":${n},"position":${json}}`, mac)) return undefined;
  return { n: Number(n), position: JSON.parse(json) as SpoolPosition };
}
