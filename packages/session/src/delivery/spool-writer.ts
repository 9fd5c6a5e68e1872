import { open, truncate, unlink, type FileHandle } from 'node:fs/promises';
import { SessionError } from '../error.ts';
import { codeOf } from './send-batch.ts';
import { syncDirectory } from './spool-directory.ts';
import { spoolFile, type SpoolFile } from './spool-files.ts';
import type { SpoolCodec } from './spool-line.ts';

/** A file is given up to the reader at this size, so that disk is given back while an outage is delivered. */
const FILE_BYTES = 8 << 20;
/** What one write takes at most. */
const WRITE_CHARS = 1 << 20;

interface Waiting {
  readonly text: string;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Where the chain of lines ends. */
export interface SpoolEnd {
  readonly seq: number;
  readonly mac: string;
}

/** Appends to the spool. What is added together is synced together. A file in which a write failed is never written to again. */
export class SpoolWriter {
  readonly #directory: string;
  readonly #codec: SpoolCodec;
  readonly #maxBytes: number;
  /** Those that hold something, in order; shared with the reader. */
  readonly #files: SpoolFile[];
  #lastNumber: number;
  #end: SpoolEnd;
  #file: SpoolFile | undefined;
  #handle: FileHandle | undefined;
  #queue: Waiting[] = [];
  #flushing: Promise<void> | undefined;

  constructor(directory: string, codec: SpoolCodec, maxBytes: number, files: SpoolFile[], end: SpoolEnd) {
    this.#directory = directory;
    this.#codec = codec;
    this.#maxBytes = maxBytes;
    this.#files = files;
    this.#lastNumber = files.at(-1)?.number ?? 0;
    this.#end = end;
  }

  /** The last line that is durable. */
  get end(): SpoolEnd {
    return this.#end;
  }

  /**
   * Resolves when the event is durable.
   *
   * @throws SessionError `ERR_SESSION_SPOOL_FULL`, `ERR_SESSION_SPOOL_WRITE_FAILED`
   */
  add(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ text, resolve, reject });
      this.#flushing ??= this.#flush().finally(() => {
        this.#flushing = undefined;
      });
    });
  }

  async #flush(): Promise<void> {
    await Promise.resolve(); // whoever adds in the same turn comes along
    while (this.#queue.length > 0) {
      let chars = 0;
      const count = this.#queue.findIndex(({ text }) => (chars += text.length) > WRITE_CHARS);
      const batch = this.#queue.splice(0, count < 1 ? (count === 0 ? 1 : this.#queue.length) : count);
      const failure = await this.#writeTwice(batch.map(({ text }) => text));
      for (const { resolve, reject } of batch) {
        if (failure === undefined) resolve();
        else reject(failure);
      }
    }
  }

  /** A file may be at fault rather than the disk: then the next one takes it. */
  async #writeTwice(texts: readonly string[]): Promise<SessionError | undefined> {
    let failure: SessionError | undefined;
    for (let attempt = 0; attempt < 2 && failure?.code !== 'ERR_SESSION_SPOOL_FULL'; attempt++) {
      try {
        await this.#write(texts);
        return undefined;
      } catch (error) {
        failure = asSpoolError(this.#directory, error);
        await this.#abandon();
      }
    }
    return failure;
  }

  async #write(texts: readonly string[]): Promise<void> {
    if (this.#file !== undefined && this.#file.end >= FILE_BYTES) await this.#closeFile();
    const isNew = this.#handle === undefined;
    let { seq, mac } = this.#end;
    let lines = '';
    if (isNew) lines = this.#codec.formatHeader(seq + 1, mac);
    for (const text of texts) {
      const made = this.#codec.formatLine(++seq, mac, text);
      lines += made.line;
      ({ mac } = made);
    }
    const bytes = Buffer.from(lines);
    const used = this.#files.reduce((sum, file) => sum + file.end, 0);
    if (used + bytes.length > this.#maxBytes) {
      throw new SessionError('ERR_SESSION_SPOOL_FULL', `the spool ${this.#directory} holds ${used} bytes, more do not fit into maxBytes ${this.#maxBytes}: see why the log is away`);
    }
    const file = this.#file ?? (await this.#createFile());
    const handle = this.#handle!;
    await handle.appendFile(bytes);
    await handle.datasync();
    const { size, nlink } = await handle.stat();
    if (size !== file.end + bytes.length) file.damaged = true;
    if (nlink === 0 || size !== file.end + bytes.length) {
      throw new SessionError('ERR_SESSION_SPOOL_WRITE_FAILED', `spool file ${file.name} was changed or deleted by another program while it was being written (${size} bytes instead of ${file.end + bytes.length}): a spool belongs to one process alone`);
    }
    if (isNew) {
      await syncDirectory(this.#directory);
      this.#files.push(file);
    }
    file.end = size;
    this.#end = { seq, mac };
  }

  async #createFile(): Promise<SpoolFile> {
    const { file, handle } = await this.#openNext();
    file.first = this.#end.seq + 1;
    this.#handle = handle;
    this.#file = file;
    return file;
  }

  /** The next number that nobody has: a file belongs to the process that made it. */
  async #openNext(): Promise<{ file: SpoolFile; handle: FileHandle }> {
    for (;;) {
      const file = spoolFile(this.#directory, ++this.#lastNumber);
      try {
        return { file, handle: await open(file.path, 'ax', 0o600) };
      } catch (error) {
        if (codeOf(error) !== 'EEXIST') throw error;
      }
    }
  }

  /** After a failure nobody knows what of the last write is on disk. The header of the next file says that it does not count. */
  async #abandon(): Promise<void> {
    const file = this.#file;
    await this.#closeFile().catch(() => undefined);
    if (file === undefined) return;
    if (file.end === 0) await unlink(file.path).catch(() => undefined);
    else if (!file.damaged) await truncate(file.path, file.end).catch(() => undefined); // what nobody was told about need not be there
  }

  async #closeFile(): Promise<void> {
    const handle = this.#handle;
    if (this.#file !== undefined) this.#file.closed = true;
    this.#file = undefined;
    this.#handle = undefined;
    await handle?.close();
  }

  /** Ends the file that is being written, unless a write is under way; the next event begins another one. */
  async retire(): Promise<void> {
    if (this.#flushing === undefined) await this.#closeFile();
  }

  async close(): Promise<void> {
    await this.#flushing;
    await this.#closeFile();
  }
}

const FULL: ReadonlySet<string | undefined> = new Set(['ENOSPC', 'EDQUOT']);

function asSpoolError(directory: string, error: unknown): SessionError {
  if (error instanceof SessionError) return error;
  const code = codeOf(error);
  if (FULL.has(code)) return new SessionError('ERR_SESSION_SPOOL_FULL', `the disk of the spool ${directory} is full (${code}): make room, or see why the log is away`, undefined, error);
  return new SessionError('ERR_SESSION_SPOOL_WRITE_FAILED', `the spool ${directory} could not be written (${code ?? String(error)}): check the disk`, undefined, error);
}
