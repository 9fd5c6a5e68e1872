import { parentPort } from 'node:worker_threads';
import { VerifyError, type VerifyErrorCode } from '../error.ts';
import { scanRange, type RangeResult, type RangeTask } from './scan-range.ts';

/** What a worker is asked. */
export interface RangeRequest {
  readonly id: number;
  readonly task: RangeTask;
}

/** What it answers. */
export interface RangeReply {
  readonly id: number;
  readonly result?: RangeResult | undefined;
  readonly error?: { readonly code: VerifyErrorCode; readonly message: string };
}

// The entry point of a worker thread: one range after another, on one core.
parentPort?.on('message', ({ id, task }: RangeRequest) => {
  parentPort?.postMessage(answer(id, task));
});

function answer(id: number, task: RangeTask): RangeReply {
  try {
    return { id, result: scanRange(task) };
  } catch (error) {
    const code = error instanceof VerifyError ? error.code : 'ERR_VERIFY_WORKER_FAILED';
    return { id, error: { code, message: error instanceof Error ? error.message : String(error) } };
  }
}
