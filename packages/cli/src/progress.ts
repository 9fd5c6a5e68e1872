import { formatCount } from './quantity.ts';

const SHOW_AFTER_MS = 1_000;
const REDRAW_MS = 100;
const WIDTH = 30;

/** A bar on a terminal for work that takes longer than a second. Anywhere else it does nothing. */
export class Progress {
  readonly #what: string;
  readonly #format: (total: number) => string;
  readonly #stream: NodeJS.WriteStream | undefined;
  readonly #startedMs: number = performance.now();
  #drawnMs = 0;

  /** `quiet`: show nothing, for instance because stdout is the same terminal and in use. `format` shows the total. */
  constructor(what: string, options: { readonly quiet?: boolean; readonly format?: (total: number) => string } = {}) {
    this.#what = what;
    this.#format = options.format ?? formatCount;
    this.#stream = process.stderr.isTTY && options.quiet !== true ? process.stderr : undefined;
  }

  /** Reports how far it is. Cheap; call it often. */
  update(done: number, total: number): void {
    if (this.#stream === undefined) return;
    const nowMs = performance.now();
    if (nowMs - this.#startedMs < SHOW_AFTER_MS || nowMs - this.#drawnMs < REDRAW_MS) return;
    this.#drawnMs = nowMs;
    const part = total > 0 ? Math.min(1, done / total) : 0;
    const filled = Math.round(part * WIDTH);
    const bar = '#'.repeat(filled) + '.'.repeat(WIDTH - filled);
    this.#stream.write(`\r${this.#what} [${bar}] ${Math.floor(part * 100)} % of ${this.#format(total)}\u001b[K`);
  }

  /** Takes the bar away. */
  end(): void {
    if (this.#drawnMs > 0) this.#stream?.write('\r\u001b[K');
  }
}
