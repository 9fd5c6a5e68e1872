import { createHash } from 'node:crypto';
import { closeSync, constants, openSync, realpathSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { LogError, systemCode } from '../error.ts';

/** How long a second writer waits for the first to go: a rolling restart fits in. */
export const DEFAULT_LOCK_WAIT_MS = 10_000;

const RETRY_MS = 50;
const DARWIN_O_EXLOCK = 0x20; // open(2) on macOS and the BSDs: take an flock with the open, in one step

/** The right to write a log. Ends with `release`, and with the process however it ends: the kernel gives it back. */
export interface WriterLock {
  release(): Promise<void>;
}

/**
 * Takes the writer's lock of a directory.
 *
 * No file is left behind by a process that was killed: on Linux the lock is a socket in the abstract name space (unix(7)), on
 * Windows a named pipe, elsewhere an flock taken by open(2). On Linux it is seen by all processes of one network name space;
 * behind it stands the check that every commit makes (docs/adr/0005-writer-lock.md).
 *
 * @throws LogError `ERR_LOG_LOCKED` when another process has not let go of it after `waitMs`.
 */
export async function acquireWriterLock(directory: string, waitMs: number = DEFAULT_LOCK_WAIT_MS): Promise<WriterLock> {
  const until = Date.now() + waitMs;
  for (;;) {
    const lock = await tryLock(directory);
    if (lock !== undefined) return lock;
    if (Date.now() >= until) {
      const waited = waitMs >= 1000 ? ` after ${Math.round(waitMs / 1000)} s` : '';
      throw new LogError(
        'ERR_LOG_LOCKED',
        `another process writes to the log in ${directory} and has not let go of it${waited}. One process writes a log: ` +
          'where several workers must record, run `indelible serve` and point the workers at it, or use the Postgres store; ' +
          'until your release has them, let one process write and send it the events of the others',
        { path: directory },
      );
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

/** Whether some process holds the lock now. Asks without waiting; a moment later it may be otherwise. */
export async function isLocked(directory: string): Promise<boolean> {
  const lock = await tryLock(directory);
  if (lock === undefined) return true;
  await lock.release();
  return false;
}

function tryLock(directory: string): Promise<WriterLock | undefined> {
  switch (process.platform) {
    case 'linux':
    case 'android':
      return tryListen(`\0indelible-${directoryName(directory)}`);
    case 'win32':
      return tryListen(`\\\\.\\pipe\\indelible-${directoryName(directory)}`);
    default:
      return Promise.resolve(tryFlock(join(directory, 'log.json')));
  }
}

/** One name for one directory, however it is reached. */
function directoryName(directory: string): string {
  const { dev, ino } = statSync(directory);
  const identity = process.platform === 'win32' ? realpathSync.native(directory).toLowerCase() : `${dev}:${ino}`;
  return createHash('sha256').update(identity).digest('hex').slice(0, 32);
}

function tryListen(path: string): Promise<WriterLock | undefined> {
  return new Promise((resolve, reject) => {
    const server: Server = createServer((connection) => connection.destroy());
    server.on('error', (error) => {
      if (systemCode(error) === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    // `exclusive`: a cluster worker must not be handed the socket that its primary holds for another worker.
    server.listen({ path, exclusive: true }, () => {
      server.unref();
      resolve({ release: () => new Promise((done) => server.close(() => done())) });
    });
  });
}

function tryFlock(path: string): WriterLock | undefined {
  try {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | DARWIN_O_EXLOCK);
    return {
      release: () => {
        closeSync(fd);
        return Promise.resolve();
      },
    };
  } catch (error) {
    if (systemCode(error) === 'EAGAIN' || systemCode(error) === 'EWOULDBLOCK') return undefined;
    throw error;
  }
}
