import { appendFile } from 'node:fs/promises';

/** A place for seals outside the log: a file (one JSON string a line), an `https:` address (POST), or a function. */
export type SealDestination = string | URL | ((note: string, treeSize: number) => void | Promise<void>);

/** One place that hangs must not hold up the log's end for ever. */
const TIMEOUT_MS = 10_000;

/**
 * Brings the newest seal to places where whoever can rewrite the log cannot rewrite it: what an auditor compares with.
 * One delivery at a time; seals that come meanwhile are represented by the newest, which covers them all.
 */
export class SealDelivery {
  readonly #destination: SealDestination;
  readonly #onError: (error: unknown) => void;
  #newest: { readonly note: string; readonly treeSize: number } | undefined;
  #delivered: string | undefined;
  #running: Promise<void> | undefined;

  constructor(destination: SealDestination, onError: (error: unknown) => void) {
    this.#destination = destination;
    this.#onError = onError;
  }

  /** Delivers a seal unless it was delivered. Never rejects: a failure goes to `onError`, and the next seal tries again. */
  deliver(note: string, treeSize: number): Promise<void> {
    this.#newest = { note, treeSize };
    this.#running ??= this.#deliverNewest().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #deliverNewest(): Promise<void> {
    try {
      for (let seal = this.#newest; seal !== undefined && seal.note !== this.#delivered; seal = this.#newest) {
        await withTimeout(this.#send(seal.note, seal.treeSize));
        this.#delivered = seal.note;
      }
    } catch (error) {
      this.#onError(error);
    }
  }

  async #send(note: string, treeSize: number): Promise<void> {
    const destination = this.#destination;
    if (typeof destination === 'function') {
      await destination(note, treeSize);
    } else if (destination instanceof URL || /^https?:\/\//.test(destination)) {
      const headers = { 'content-type': 'text/plain; charset=utf-8' };
      const response = await fetch(destination, { method: 'POST', headers, body: note, signal: AbortSignal.timeout(TIMEOUT_MS) });
      await response.body?.cancel();
      if (!response.ok) throw new Error(`the seal over ${treeSize} entries was not taken by ${new URL(destination).origin}: HTTP ${response.status}`);
    } else {
      await appendFile(destination, `${JSON.stringify(note)}\n`, { mode: 0o640 });
    }
  }
}

async function withTimeout(work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`a seal could not be delivered: no answer after ${TIMEOUT_MS} ms`)), TIMEOUT_MS);
  });
  try {
    await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
