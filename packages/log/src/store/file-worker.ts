import type { KeyObject } from 'node:crypto';
import { sign } from 'node:crypto';
import { join } from 'node:path';
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { Cache } from '../cache/cache.ts';
import { DirectoryCacheFiles } from '../cache/cache-files.ts';
import type { Placement } from '../commit/batch.ts';
import { Committer } from '../commit/committer.ts';
import type { LeftBehind } from '../commit/next-segment.ts';
import { NodeDisk } from '../disk/node-disk.ts';
import { LogError, systemCode, type LogErrorCode } from '../error.ts';
import type { SyncedUpTo } from '../recover/recover.ts';
import type { Signer } from '../signer/signer.ts';
import { readBatchFrame } from './batch-frame.ts';
import { LOOK_AT_MESSAGES } from './frame-tags.ts';
import { RingReader } from './ring.ts';

// The thread that writes the record: everything between a batch of encoded entries and its place happens here.

/** What the thread is started with. */
export interface WorkerOptions {
  readonly directory: string;
  readonly segmentBytes: number;
  readonly vkey: string;
  /** Absent where the key is with somebody else: then the main thread asks for each signature. */
  readonly privateKey: KeyObject | undefined;
  readonly pin: string | undefined;
  /** Where a sync has failed earlier in the life of this process. */
  readonly syncedUpTo: SyncedUpTo | undefined;
  /** The ring through which batches come. */
  readonly memory: SharedArrayBuffer;
}

interface NextKey {
  readonly vkey: string;
  readonly privateKey: KeyObject | undefined;
}

/** Messages to the thread. */
export type ToWorker =
  | { readonly type: 'wake' }
  | { readonly type: 'next key'; readonly id: number; readonly next: NextKey }
  | { readonly type: 'signed'; readonly id: number; readonly signature?: Uint8Array; readonly error?: string }
  | { readonly type: 'close' };

/** Messages from the thread. */
export type FromWorker =
  | { readonly type: 'opened'; readonly origin: string; readonly sealedSize: number; readonly seal: string | undefined }
  | { readonly type: 'failed'; readonly code: LogErrorCode; readonly message: string }
  | {
      readonly type: 'placed';
      readonly placed: readonly { readonly id: number; readonly placement: Placement }[];
      /** The newest seal, where there is a new one. */
      readonly sealed: { readonly note: string; readonly treeSize: number } | undefined;
    }
  | { readonly type: 'rejected'; readonly id: number; readonly code: LogErrorCode; readonly message: string; readonly fatal: boolean }
  | { readonly type: 'recovered'; readonly left: LeftBehind }
  | { readonly type: 'sync failed'; readonly place: SyncedUpTo }
  | { readonly type: 'progress'; readonly entries: number; readonly total: number }
  | { readonly type: 'sign'; readonly id: number; readonly vkey: string; readonly bytes: Uint8Array }
  | { readonly type: 'closed' };

const port = parentPort!;
const options = workerData as WorkerOptions;

function post(message: FromWorker): void {
  port.postMessage(message);
}

const ring = new RingReader(options.memory);

/** How long the thread waits for more before it lets its event loop take over: a busy caller comes back sooner. */
const LINGER_MS = 5;

// ---- messages

const nextKeys = new Map<number, NextKey>();
const signatures = new Map<number, { readonly signature?: Uint8Array; readonly error?: string }>();
let closing = false;

function receive(message: ToWorker): void {
  switch (message.type) {
    case 'next key':
      nextKeys.set(message.id, message.next);
      break;
    case 'signed':
      signatures.set(message.id, message);
      break;
    case 'close':
      closing = true;
      break;
    case 'wake':
      break;
  }
}

function receiveAll(): void {
  for (let got = receiveMessageOnPort(port); got !== undefined; got = receiveMessageOnPort(port)) receive(got.message as ToWorker);
}

// ---- signatures

let nextAsk = 1;

/**
 * Signs here where the key is here; else asks the main thread and goes on looking for the answer. Batches gather in the ring
 * meanwhile: a slow signer makes them larger.
 */
function signerFor({ vkey, privateKey }: NextKey): Signer {
  if (privateKey !== undefined) return { vkey, privateKey, sign: (message) => Promise.resolve(new Uint8Array(sign(null, message, privateKey))) };
  return {
    vkey,
    sign: async (message) => {
      const id = nextAsk++;
      post({ type: 'sign', id, vkey, bytes: message });
      for (;;) {
        receiveAll();
        const answer = signatures.get(id);
        if (answer === undefined) {
          await nap();
          continue;
        }
        signatures.delete(id);
        if (answer.signature === undefined) throw new Error(answer.error ?? 'no signature came');
        return answer.signature;
      }
    },
  };
}

/** Called with each message that the event loop delivers, while somebody waits for one. */
let onMessage: (() => void) | undefined;

port.on('message', (message: ToWorker) => {
  receive(message);
  onMessage?.();
});

/** Waits until the main thread rings: blocking at first, then with the event loop. */
async function nap(): Promise<void> {
  if (ring.wait(LINGER_MS) || !ring.fallAsleep()) return;
  await new Promise<void>((resolve) => {
    onMessage = resolve;
  });
  onMessage = undefined;
  ring.wakeUp();
}

// ---- acknowledgements: those of one seal go in one message

let placed: { id: number; placement: Placement }[] = [];

let sealed: { readonly note: string; readonly treeSize: number } | undefined;

function answerSoon(): void {
  if (placed.length > 0 || sealed !== undefined) return;
  queueMicrotask(() => {
    post({ type: 'placed', placed, sealed });
    placed = [];
    sealed = undefined;
  });
}

function acknowledge(id: number, placement: Placement): void {
  answerSoon();
  placed.push({ id, placement });
}

function describe(error: unknown): { code: LogErrorCode; message: string; fatal: boolean } {
  if (error instanceof LogError) return { code: error.code, message: error.message, fatal: error.fatal };
  const code = systemCode(error);
  const message = error instanceof Error ? error.message : String(error);
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return { code: 'ERR_LOG_DIRECTORY_UNREADABLE', message: `the record in ${options.directory} cannot be written (${message}): give this user read and write access to the directory and its files`, fatal: true };
  }
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return { code: 'ERR_LOG_STORAGE_FULL', message: `the record could not be extended (${message}): make room`, fatal: true };
  }
  return { code: 'ERR_LOG_WRITE_FAILED', message: `the record could not be written: ${message}`, fatal: true };
}

// ---- the committer

let committer: Committer | undefined;
let idle = true;

/** Takes what lies in the ring. Called between one group and the next, and when the thread wakes up. */
function takeBatches(): void {
  for (let frame = ring.read(); frame !== undefined; frame = ring.read()) {
    receiveAll();
    if (frame.tag === LOOK_AT_MESSAGES) continue;
    const id = frame.tag;
    const next = nextKeys.get(id);
    nextKeys.delete(id);
    idle = false;
    committer!.append(readBatchFrame(frame.bytes), next === undefined ? undefined : signerFor(next)).then(
      (placement) => acknowledge(id, placement),
      (error: unknown) => post({ type: 'rejected', id, ...describe(error) }),
    );
  }
  ring.release();
}

/** Takes what comes while something else is done on another thread. */
async function takeDuring(work: Promise<void>): Promise<void> {
  do takeBatches();
  while (!ring.fallAsleep());
  onMessage = takeBatches;
  try {
    await work;
  } finally {
    onMessage = undefined;
    ring.wakeUp();
  }
}

async function run(): Promise<void> {
  committer = await Committer.open({
    disk: new NodeDisk(options.directory),
    cache: (file) => new Cache(new DirectoryCacheFiles(join(options.directory, 'cache')), file.origin),
    signer: signerFor(options),
    ...(options.pin === undefined ? {} : { pin: options.pin }),
    segmentBytes: options.segmentBytes,
    onSeal: (note, treeSize) => {
      answerSoon();
      sealed = { note, treeSize };
    },
    onRecovered: (left) => post({ type: 'recovered', left }),
    onSyncFailed: ({ segment, length }) => post({ type: 'sync failed', place: { segment, length } }),
    ...(options.syncedUpTo === undefined ? {} : { syncedUpTo: options.syncedUpTo }),
    onProgress: (entries, total) => post({ type: 'progress', entries, total }),
    nowMs: Date.now,
    intake: { take: takeBatches, takeDuring },
  });
  post({ type: 'opened', origin: committer.origin, sealedSize: committer.sealedSize, seal: committer.seal });
  for (;;) {
    idle = true;
    takeBatches();
    await committer.idle();
    if (!idle) continue;
    if (closing) break;
    committer.flush();
    await nap();
    receiveAll();
  }
  await committer.close();
  post({ type: 'closed' });
}

run()
  .catch((error: unknown) => post({ type: 'failed', ...describe(error) }))
  .finally(() => port.close());
