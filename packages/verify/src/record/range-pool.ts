import { Worker } from 'node:worker_threads';
import { VerifyError } from '../error.ts';
import type { RangeReply, RangeRequest } from './range-worker.ts';
import type { RangeResult, RangeTask } from './scan-range.ts';

interface Job {
  readonly resolve: (result: RangeResult | undefined) => void;
  readonly reject: (error: VerifyError) => void;
}

/**
 * Worker threads that hash ranges, each one range at a time. Owned by one verification, which closes it.
 */
export class RangePool {
  readonly #workers: Worker[] = [];
  readonly #idle: Worker[] = [];
  readonly #waiting: RangeRequest[] = [];
  readonly #jobs = new Map<number, Job>();
  #lastId = 0;
  #failure: VerifyError | undefined;

  /** Starts `size` threads. */
  constructor(size: number) {
    for (let i = 0; i < size; i++) {
      const worker = new Worker(new URL('./range-worker.js', import.meta.url));
      worker.on('message', (reply: RangeReply) => this.#finish(worker, reply));
      worker.on('error', (cause) => this.#fail(new VerifyError('ERR_VERIFY_WORKER_FAILED', `a verifying thread failed: ${cause.message}. Try again with one core`, { cause })));
      worker.on('exit', () => this.#fail(new VerifyError('ERR_VERIFY_WORKER_FAILED', 'a verifying thread ended early. Try again with one core')));
      this.#workers.push(worker);
      this.#idle.push(worker);
    }
  }

  /**
   * Hashes a range on the next free thread.
   *
   * @throws VerifyError as `scanRange`, or `ERR_VERIFY_WORKER_FAILED`.
   */
  scan(task: RangeTask): Promise<RangeResult | undefined> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#jobs.set(id, { resolve, reject });
      this.#waiting.push({ id, task });
      this.#assign();
    });
  }

  /** Ends all threads; ranges that are not finished are rejected. */
  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }

  #assign(): void {
    while (this.#waiting.length > 0 && this.#idle.length > 0) this.#idle.pop()!.postMessage(this.#waiting.shift());
  }

  #finish(worker: Worker, { id, result, error }: RangeReply): void {
    const job = this.#jobs.get(id);
    this.#jobs.delete(id);
    this.#idle.push(worker);
    this.#assign();
    if (error === undefined) job?.resolve(result);
    else job?.reject(new VerifyError(error.code, error.message));
  }

  #fail(error: VerifyError): void {
    this.#failure ??= error;
    for (const job of this.#jobs.values()) job.reject(this.#failure);
    this.#jobs.clear();
    this.#waiting.length = 0;
  }
}
