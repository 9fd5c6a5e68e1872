import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Worker } from 'node:worker_threads';
import { DirectoryCacheReader } from '../cache/cache-reader.ts';
import type { Placement } from '../commit/batch.ts';
import { NodeDisk } from '../disk/node-disk.ts';
import { LogError, systemCode, type LogErrorCode } from '../error.ts';
import { RecordReader } from '../read/record-reader.ts';
import type { SyncedUpTo } from '../recover/recover.ts';
import type { Signer } from '../signer/signer.ts';
import { prepareBatchFrame, writeBatchFrame, type BatchFrame } from './batch-frame.ts';
import type { FromWorker, ToWorker, WorkerOptions } from './file-worker.ts';
import { DEFAULT_LOCK_WAIT_MS, acquireWriterLock, type WriterLock } from './lock.ts';
import { LOOK_AT_MESSAGES } from './frame-tags.ts';
import { RingWriter, createRing } from './ring.ts';
import { DEFAULT_SEGMENT_BYTES } from './segment-bytes.ts';
import type { OpenStore, Store, StoreContext } from './store.ts';

/** Options of the file store. */
export interface FileStoreOptions {
  /** Size at which a segment is closed. Default 256 MiB. */
  readonly segmentBytes?: number;
  /** How long to wait for another process to let go of the log. Default 10 s: a rolling restart fits in. */
  readonly lockWaitMs?: number;
}

/**
 * A record in a directory, made by `indelible init DIR`. Writing, syncing and hashing happen on a thread of its own.
 */
export function fileStore(directory: string, options: FileStoreOptions = {}): Store {
  if (typeof directory !== 'string' || directory === '') {
    throw new LogError('ERR_LOG_OPTION_INVALID', 'fileStore: name the directory that holds log.json');
  }
  const path = resolve(directory);
  const memory: SyncMemory = { syncedUpTo: undefined };
  return {
    async open(context: StoreContext): Promise<OpenStore> {
      const lock = await lockDirectory(path, options.lockWaitMs ?? DEFAULT_LOCK_WAIT_MS);
      try {
        return await FileSession.open(path, lock, context, options.segmentBytes ?? DEFAULT_SEGMENT_BYTES, memory);
      } catch (error) {
        await lock.release();
        throw error;
      }
    },
  };
}

async function lockDirectory(path: string, waitMs: number): Promise<WriterLock> {
  try {
    return await acquireWriterLock(path, waitMs);
  } catch (cause) {
    if (cause instanceof LogError) throw cause;
    throw directoryError(path, cause);
  }
}

/** What to tell somebody whose directory cannot be used. */
export function directoryError(path: string, cause: unknown, access: 'read' | 'read and write' = 'read and write'): LogError {
  const code = systemCode(cause);
  if (code === 'ENOENT' || code === 'ERR_LOG_NOT_FOUND') return new LogError('ERR_LOG_NOT_FOUND', `there is no log in ${path}: run \`indelible init ${path}\` first, or check the path`, { cause, path });
  if (code === 'ENOTDIR') return new LogError('ERR_LOG_NOT_FOUND', `${path} is not a directory: name the directory that holds log.json`, { cause, path });
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return new LogError('ERR_LOG_DIRECTORY_UNREADABLE', `${path} cannot be used (${code}): give this user ${access} access to the directory and its files`, { cause, path });
  }
  return new LogError('ERR_LOG_WRITE_FAILED', `${path} cannot be used: ${cause instanceof Error ? cause.message : String(cause)}`, { cause, path });
}

/** What must not be forgotten when the log is opened again: after a failed sync a later one may lie. */
interface SyncMemory {
  syncedUpTo: SyncedUpTo | undefined;
}

/** A program given on the command line (`node --input-type=module -e …`) has a flag that would keep any thread with a file from starting. */
function workerFlags(): { execArgv?: string[] } {
  return process.execArgv.some((flag) => flag.startsWith('--input-type')) ? { execArgv: [] } : {};
}

/** Room for what is on its way to the thread that writes: several groups of large entries. */
const RING_BYTES = 16 * 1024 * 1024;

const MAX_ID = 0xffff_ffff; // a frame's tag is 32 bits

interface Waiting {
  readonly resolve: (placement: Placement) => void;
  readonly reject: (error: LogError) => void;
}

/** The main thread's end of an open file store. */
class FileSession implements OpenStore {
  readonly #directory: string;
  readonly #lock: WriterLock;
  readonly #context: StoreContext;
  readonly #worker: Worker;
  readonly #ring: RingWriter;
  readonly #waiting = new Map<number, Waiting>();
  /** Batches for which the ring had no room, in order. */
  readonly #backlog: { readonly id: number; readonly frame: BatchFrame | undefined }[] = [];
  readonly #syncMemory: SyncMemory;
  #reader: RecordReader | undefined;
  #lastId = 0;
  #signer: Signer;
  #nextSigner: Signer | undefined;
  #stopped: LogError | undefined;
  #opened: { resolve: () => void; reject: (error: LogError) => void } | undefined;
  #closed: (() => void) | undefined;
  origin = '';
  sealedSize = 0;
  seal: string | undefined;

  private constructor(directory: string, lock: WriterLock, context: StoreContext, worker: Worker, memory: SharedArrayBuffer, syncMemory: SyncMemory) {
    this.#directory = directory;
    this.#lock = lock;
    this.#context = context;
    this.#worker = worker;
    this.#ring = new RingWriter(memory);
    this.#signer = context.signer;
    this.#syncMemory = syncMemory;
  }

  static async open(directory: string, lock: WriterLock, context: StoreContext, segmentBytes: number, syncMemory: SyncMemory): Promise<FileSession> {
    try {
      mkdirSync(join(directory, 'cache'), { recursive: true, mode: 0o750 });
    } catch (cause) {
      throw directoryError(directory, cause);
    }
    const { signer, pin } = context;
    const memory = createRing(RING_BYTES);
    const { syncedUpTo } = syncMemory;
    const workerData: WorkerOptions = { directory, segmentBytes, vkey: signer.vkey, privateKey: signer.privateKey, pin, syncedUpTo, memory };
    const worker = new Worker(new URL('./file-worker.js', import.meta.url), { workerData, name: 'indelible-log', ...workerFlags() });
    const session = new FileSession(directory, lock, context, worker, memory, syncMemory);
    worker.on('message', (message: FromWorker) => session.#receive(message));
    worker.on('error', (cause) => session.#workerFailed(cause));
    worker.on('exit', () => session.#workerExited());
    await new Promise<void>((resolve, reject) => {
      session.#opened = { resolve, reject };
    });
    worker.unref(); // an idle log does not keep a process alive
    return session;
  }

  append(lines: readonly string[], nextSigner?: Signer): Promise<Placement> {
    if (this.#stopped !== undefined) return Promise.reject(this.#stopped);
    this.#lastId = this.#lastId === MAX_ID ? 1 : this.#lastId + 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      if (this.#waiting.size === 0) this.#worker.ref();
      this.#waiting.set(id, { resolve, reject });
      if (nextSigner !== undefined) {
        this.#nextSigner = nextSigner;
        this.#send({ type: 'next key', id, next: { vkey: nextSigner.vkey, privateKey: nextSigner.privateKey } });
      }
      this.#offer(id, prepareBatchFrame(lines));
    });
  }

  /** Puts a batch into the ring, or behind those that wait for room in it. */
  #offer(id: number, frame: BatchFrame | undefined): void {
    if (frame !== undefined && frame.room > this.#ring.maxFrameBytes) {
      this.#waiting.get(id)?.reject(new LogError('ERR_LOG_QUEUE_FULL', `a batch of ${frame.room} bytes is more than goes on the record at once: append less at a time`));
      this.#answered(id);
      return;
    }
    if (this.#backlog.length > 0 || !this.#put(id, frame)) this.#backlog.push({ id, frame });
  }

  #put(id: number, frame: BatchFrame | undefined): boolean {
    const done = frame === undefined ? this.#ring.write(LOOK_AT_MESSAGES, 0, () => 0) : this.#ring.write(id, frame.room, (target) => writeBatchFrame(frame, target));
    if (done && this.#ring.wake() === 'message') this.#worker.postMessage({ type: 'wake' } satisfies ToWorker);
    return done;
  }

  #drainBacklog(): void {
    while (this.#backlog.length > 0 && this.#put(this.#backlog[0]!.id, this.#backlog[0]!.frame)) this.#backlog.shift();
  }

  reader(): RecordReader {
    this.#reader ??= new RecordReader(new NodeDisk(this.#directory), new DirectoryCacheReader(join(this.#directory, 'cache')));
    return this.#reader;
  }

  async close(): Promise<void> {
    if (this.#closed === undefined && this.#worker.threadId !== -1) {
      this.#worker.ref();
      const closed = new Promise<void>((resolve) => {
        this.#closed = resolve;
      });
      this.#send({ type: 'close' });
      await closed;
    }
    await this.#lock.release();
  }

  #send(message: ToWorker): void {
    this.#worker.postMessage(message);
    this.#offer(LOOK_AT_MESSAGES, undefined);
  }

  #receive(message: FromWorker): void {
    switch (message.type) {
      case 'opened':
        this.origin = message.origin;
        this.sealedSize = message.sealedSize;
        this.seal = message.seal;
        this.#opened?.resolve();
        this.#opened = undefined;
        break;
      case 'failed':
        this.#stop(new LogError(message.code, message.message, { fatal: true }));
        break;
      case 'placed':
        if (message.sealed !== undefined) {
          this.sealedSize = message.sealed.treeSize;
          this.seal = message.sealed.note;
          this.#context.onSeal(message.sealed.note, message.sealed.treeSize);
        }
        for (const { id, placement } of message.placed) {
          this.#waiting.get(id)?.resolve(placement);
          this.#answered(id);
        }
        this.#drainBacklog();
        break;
      case 'rejected':
        this.#waiting.get(message.id)?.reject(new LogError(message.code, message.message, { fatal: message.fatal }));
        this.#answered(message.id);
        if (message.fatal) this.#stop(new LogError(message.code, message.message, { fatal: true }));
        else this.#drainBacklog();
        break;
      case 'sync failed':
        this.#syncMemory.syncedUpTo = message.place;
        break;
      case 'recovered':
        this.#context.onRecovered(message.left);
        break;
      case 'progress':
        this.#context.onProgress?.(message.entries, message.total);
        break;
      case 'sign':
        void this.#sign(message.id, message.vkey, message.bytes);
        break;
      case 'closed':
        this.#closed?.();
        break;
    }
  }

  #answered(id: number): void {
    this.#waiting.delete(id);
    if (this.#waiting.size === 0) this.#letGo();
  }

  /** An idle log does not keep a process alive; one that is being closed does, or the process would end before. */
  #letGo(): void {
    if (this.#closed === undefined) this.#worker.unref();
  }

  /** Signs for the worker where the key is not in this process's hands. */
  async #sign(id: number, vkey: string, bytes: Uint8Array): Promise<void> {
    try {
      if (this.#nextSigner?.vkey === vkey) this.#signer = this.#nextSigner;
      this.#send({ type: 'signed', id, signature: await this.#signer.sign(bytes) });
    } catch (error) {
      this.#send({ type: 'signed', id, error: error instanceof Error ? error.message : String(error) });
    }
  }

  #workerFailed(cause: unknown): void {
    const message = cause instanceof Error ? cause.message : String(cause);
    const hint = /Cannot find module|MODULE_NOT_FOUND|ENOENT/.test(message) ? '. If the application is bundled, leave @indelible/log out of the bundle (mark it external)' : '';
    this.#stop(new LogError('ERR_LOG_WORKER_FAILED', `the thread that writes the record failed: ${message}${hint}`, { cause, fatal: true }));
  }

  #workerExited(): void {
    this.#closed?.();
    this.#stop(new LogError('ERR_LOG_CLOSED' satisfies LogErrorCode, 'the log is closed', { fatal: true }));
  }

  #stop(error: LogError): void {
    if (this.#stopped !== undefined) return;
    this.#stopped = error;
    this.#opened?.reject(error);
    this.#opened = undefined;
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
    this.#backlog.length = 0;
    this.#letGo();
    if (error.code !== 'ERR_LOG_CLOSED') this.#context.onStopped(error);
  }
}
