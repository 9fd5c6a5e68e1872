import { errorCode } from './error.ts';

const FLUSH_BYTES = 65_536;

/**
 * A stream that is written to in order and in large pieces. When its reader has gone (EPIPE) it is `closed`, and everything more
 * is dropped without a word: `indelible tail | head` is no error.
 */
export class Output {
  readonly isTerminal: boolean;
  readonly #stream: NodeJS.WritableStream;
  readonly #mask: (text: string) => string;
  #parts: Uint8Array[] = [];
  #bytes = 0;
  #scheduled = false;
  #flushing: Promise<void> = Promise.resolve();
  #closed = false;
  #failure: Error | undefined;

  /** `mask` is applied to every text on its way, not to bytes. */
  constructor(stream: NodeJS.WritableStream & { readonly isTTY?: boolean }, mask: (text: string) => string = (text) => text) {
    this.#stream = stream;
    this.#mask = mask;
    this.isTerminal = stream.isTTY === true;
    stream.on('error', (error) => {
      this.#closed = true;
      if (errorCode(error) !== 'EPIPE' && errorCode(error) !== 'ERR_STREAM_DESTROYED') this.#failure ??= error;
    });
  }

  /** Nobody reads any more. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Why not everything could be written, a full disk say; a reader that has gone is no failure. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Adds a piece; it goes out soon. Await it to wait for a slow reader. */
  write(piece: string | Uint8Array): Promise<void> {
    if (this.#closed) return Promise.resolve();
    const bytes = typeof piece === 'string' ? Buffer.from(this.#mask(piece)) : piece;
    this.#parts.push(bytes);
    this.#bytes += bytes.length;
    if (this.#bytes >= FLUSH_BYTES) return this.flush();
    if (!this.#scheduled) {
      this.#scheduled = true;
      setImmediate(() => void this.flush());
    }
    return this.#flushing;
  }

  /** Waits until everything written so far has been taken. */
  flush(): Promise<void> {
    this.#scheduled = false;
    const piece = Buffer.concat(this.#parts);
    this.#parts = [];
    this.#bytes = 0;
    if (piece.length > 0) this.#flushing = this.#flushing.then(() => this.#send(piece));
    return this.#flushing;
  }

  #send(piece: Uint8Array): Promise<void> {
    if (this.#closed) return Promise.resolve();
    return new Promise((resolve) => {
      this.#stream.write(piece, () => resolve()); // a failure comes as an 'error' event too
    });
  }
}
