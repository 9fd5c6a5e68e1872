import { join } from 'node:path';
import { VerifyError, throwIfAborted } from '../error.ts';
import { closeFile, openRegularFile, readBytes } from '../record/segment-file.ts';

/** Where the files of a tiled log come from. */
export interface TileSource {
  /** For messages. */
  readonly name: string;
  /**
   * Returns the file at `path`, undefined where there is none, or 'too_large' where it has more than `maxBytes`.
   *
   * @throws VerifyError where it cannot be told.
   */
  read(path: string, maxBytes: number): Promise<Uint8Array | 'too_large' | undefined>;
}

const TIMEOUT_MS = 30_000;

/** The files of a tiled log in a directory. */
export function directoryTiles(directory: string): TileSource {
  return {
    name: directory,
    read(path, maxBytes) {
      return new Promise((resolve) => resolve(readFile(join(directory, path), maxBytes)));
    },
  };
}

function readFile(path: string, maxBytes: number): Uint8Array | 'too_large' | undefined {
  const file = openRegularFile(path);
  if (file === undefined) return undefined;
  try {
    return file.size > maxBytes ? 'too_large' : readBytes(file, 0, file.size);
  } finally {
    closeFile(file);
  }
}

/** The files of a tiled log over HTTP: GET only, no redirects, each within a time and a size. */
export function httpTiles(prefix: URL, signal: AbortSignal | undefined): TileSource {
  const base = prefix.href.replace(/\/*$/, '/');
  return {
    name: prefix.href,
    async read(path, maxBytes) {
      throwIfAborted(signal);
      const url = base + path;
      try {
        // Following a redirect would let a log server choose what else this machine asks.
        const timeout = AbortSignal.timeout(TIMEOUT_MS);
        const response = await fetch(url, { redirect: 'error', signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]) });
        if (response.status === 404 || response.status === 410 || response.status === 403) {
          await response.body?.cancel();
          return undefined;
        }
        if (response.status !== 200) throw new Error(`status ${response.status}`);
        return await readBody(response, maxBytes);
      } catch (cause) {
        throwIfAborted(signal);
        const reason = cause instanceof Error ? (cause.cause instanceof Error ? cause.cause.message : cause.message) : String(cause);
        throw new VerifyError('ERR_VERIFY_FETCH_FAILED', `cannot fetch ${url}: ${reason}. Try again, or verify a copy of the tiles`, { cause });
      }
    },
  };
}

/** Reads a body, decompressed, as long as it is within the limit: neither a stream without end nor a zip bomb fills the memory. */
async function readBody(response: Response, maxBytes: number): Promise<Uint8Array | 'too_large'> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    const bytes = chunk as Uint8Array;
    length += bytes.length;
    if (length > maxBytes) return 'too_large';
    chunks.push(bytes);
  }
  return Buffer.concat(chunks, length);
}
