import { readFileSync, statSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { LogError, systemCode } from './error.ts';

const MAX_PIN_BYTES = 16_384;

/** The pin's place by default: beside the signing key. */
export function pinPath(signingKeyPath: string): string {
  return `${signingKeyPath}.pin`;
}

/** Reads a pin: the note of a seal, or undefined where none was written yet. */
export function readPin(path: string): string | undefined {
  try {
    if (!statSync(path).isFile()) throw new LogError('ERR_LOG_ROLLED_BACK', `the pin ${path} is not a regular file: verify the log against a seal kept elsewhere, then remove it`, { path });
    const bytes = readFileSync(path);
    if (bytes.length === 0 || bytes.length > MAX_PIN_BYTES) {
      throw new LogError('ERR_LOG_ROLLED_BACK', `the pin ${path} is damaged (${bytes.length} bytes): verify the log against a seal kept elsewhere, then delete the pin`, { path });
    }
    return bytes.toString('utf8');
  } catch (error) {
    if (error instanceof LogError) throw error;
    if (systemCode(error) === 'ENOENT') return undefined;
    throw new LogError('ERR_LOG_ROLLED_BACK', `the pin ${path} cannot be read (${systemCode(error) ?? String(error)}), so a roll-back would not be noticed: give this user read and write access to it`, { cause: error, path });
  }
}

/** Replaces a pin in one step: written, synced, renamed. */
export async function writePin(path: string, note: string): Promise<void> {
  const temporary = `${path}.new`;
  const file = await open(temporary, 'w', 0o600);
  try {
    await file.writeFile(note);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
}

const INTERVAL_MS = 1_000;

/** Keeps the newest seal in a file, at most once a second and at the end. Never ahead of what is durable. */
export class PinKeeper {
  readonly #path: string;
  readonly #onError: (error: unknown) => void;
  #newest: string | undefined;
  #kept: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(path: string, onError: (error: unknown) => void) {
    this.#path = path;
    this.#onError = onError;
  }

  read(): string | undefined {
    return readPin(this.#path);
  }

  /**
   * Notes a seal that is durable on the record: the first at once, later ones within a second. The timer keeps the process alive
   * for that second, so that one which forgets to close its log still leaves a pin that is up to date.
   */
  keep(note: string): void {
    const first = this.#newest === undefined;
    this.#newest = note;
    if (first) this.#write();
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#write();
    }, INTERVAL_MS);
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#write();
    await this.#writing;
  }

  #write(): void {
    this.#writing = this.#writing.then(async () => {
      const note = this.#newest;
      if (note === undefined || note === this.#kept) return;
      try {
        await writePin(this.#path, note);
        this.#kept = note;
      } catch (error) {
        this.#onError(new LogError('ERR_LOG_WRITE_FAILED', `the pin ${this.#path} could not be written: ${error instanceof Error ? error.message : String(error)}. The log goes on; a roll-back to an older state than the pin's would not be noticed`, { cause: error, path: this.#path }));
      }
    });
  }
}
