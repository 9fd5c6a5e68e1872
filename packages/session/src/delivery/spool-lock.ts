import { createHash } from 'node:crypto';
import { constants, type BigIntStats } from 'node:fs';
import { open, realpath, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { SessionError } from '../error.ts';
import { codeOf } from './send-batch.ts';

/** Releases a lock. */
export type Release = () => Promise<void>;

const WAIT_MS = 10_000; // a rolling restart fits in
const RETRY_MS = 50;
const BSD_O_EXLOCK = 0x20; // open(2) of macOS and the BSDs takes an flock with the open

/**
 * Takes a spool for this process. The kernel gives it back when the process ends, however it ends; no file remembers it.
 *
 * @throws SessionError `ERR_SESSION_SPOOL_LOCKED` where another process has not let go of it after ten seconds.
 */
export async function lockSpool(directory: string, waitMs: number = WAIT_MS): Promise<Release> {
  const until = performance.now() + waitMs;
  for (;;) {
    const release = await tryLock(directory);
    if (release !== undefined) return release;
    if (performance.now() >= until) {
      throw new SessionError('ERR_SESSION_SPOOL_LOCKED', `another process uses the spool ${directory}: give each process a directory of its own, for instance one named after its worker number, and the same one after a restart`);
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

async function tryLock(directory: string): Promise<Release | undefined> {
  switch (process.platform) {
    case 'linux':
    case 'android':
      return listen(`\0indelible-spool-${identify(await stat(directory, { bigint: true }))}`); // abstract name space, unix(7)
    case 'win32':
      return listen(`\\\\.\\pipe\\indelible-spool-${digest((await realpath(directory)).toLowerCase())}`);
    default:
      return flock(join(directory, 'lock'));
  }
}

/** The same for one directory, however it is reached. */
function identify({ dev, ino }: BigIntStats): string {
  return digest(`${dev}:${ino}`);
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

function listen(path: string): Promise<Release | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (error) => {
      if (codeOf(error) === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    // exclusive: in a cluster, a worker must not share the socket of another one through their primary.
    server.listen({ path, exclusive: true }, () => {
      server.unref();
      resolve(() => new Promise<void>((released) => server.close(() => released())));
    });
  });
}

async function flock(path: string): Promise<Release | undefined> {
  try {
    const handle = await open(path, constants.O_CREAT | constants.O_RDWR | constants.O_NONBLOCK | BSD_O_EXLOCK, 0o600);
    return () => handle.close();
  } catch (error) {
    if (codeOf(error) === 'EAGAIN' || codeOf(error) === 'EWOULDBLOCK') return undefined;
    throw error;
  }
}
