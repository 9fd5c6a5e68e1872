import { createHash } from 'node:crypto';
import { constants, type BigIntStats } from 'node:fs';
import { open, realpath, stat, unlink } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { SessionError } from '../error.ts';
import { codeOf } from './send-batch.ts';

/** Releases a lock. */
export type Release = () => Promise<void>;

const WAIT_MS = 10_000; // a rolling restart fits in
const RETRY_MS = 50;
const BSD_O_EXLOCK = 0x20; // open(2) of macOS and the BSDs takes an flock with the open

/**
 * Takes a spool for this process. The kernel gives it back when the process ends, however it ends; no file has to be removed by hand.
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
    await pause(RETRY_MS);
  }
}

async function tryLock(directory: string): Promise<Release | undefined> {
  switch (process.platform) {
    case 'linux':
    case 'android':
      return lockAcrossNamespaces(directory);
    case 'win32':
      return listen(`\\\\.\\pipe\\indelible-spool-${digest((await realpath(directory)).toLowerCase())}`);
    default:
      return flock(join(directory, 'lock'));
  }
}

/**
 * Two locks. A name in the abstract space of unix(7), which one process has at a time; but each container has such a space of its own.
 * And a socket in the directory, which all see that see the directory, and for which the kernel answers as long as its process lives,
 * however busy that is.
 */
async function lockAcrossNamespaces(directory: string): Promise<Release | undefined> {
  const release = await listen(`\0indelible-spool-${identify(await stat(directory, { bigint: true }))}`);
  if (release === undefined) return undefined;
  // The address of a socket has 107 bytes at most; directories may be deeper than that.
  const handle = await open(directory, 'r');
  const path = `/proc/self/fd/${handle.fd}/owner`;
  const releaseBoth = async (owned: Release | undefined): Promise<void> => {
    await owned?.();
    await handle.close();
    await release();
  };
  try {
    const owned = await own(path);
    if (owned !== undefined) return () => releaseBoth(owned);
    await releaseBoth(undefined);
    return undefined;
  } catch (error) {
    if (HOLDS_NO_SOCKETS.has(codeOf(error) ?? '')) return () => releaseBoth(undefined);
    await releaseBoth(undefined);
    throw error;
  }
}

const HOLDS_NO_SOCKETS: ReadonlySet<string> = new Set(['ENOTSUP', 'EOPNOTSUPP', 'EPERM', 'ENOSYS', 'ENOENT', 'EACCES']);
const SETTLE_MS = 50;

/** Takes the socket. One that a process left behind when it was killed refuses connections, and is taken away. */
async function own(path: string): Promise<Release | undefined> {
  const first = await listen(path);
  if (first !== undefined) return first;
  const dead = await inode(path);
  if (await answers(path)) return undefined;
  await pause(SETTLE_MS * Math.random()); // it may not have been listening yet
  if ((await answers(path)) || (await inode(path)) !== dead) return undefined;
  await unlink(path).catch((error: unknown) => {
    if (codeOf(error) !== 'ENOENT') throw error;
  });
  const taken = await listen(path);
  if (taken === undefined) return undefined;
  const ours = await inode(path);
  await pause(2 * SETTLE_MS); // somebody who found the same socket dead may just be taking ours away
  if ((await inode(path)) === ours) return taken;
  await taken();
  return undefined;
}

/** Whether a process listens there. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const settle = (answer: boolean) => (): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', settle(true));
    socket.once('error', (error) => settle(codeOf(error) !== 'ECONNREFUSED' && codeOf(error) !== 'ENOENT')());
  });
}

async function inode(path: string): Promise<bigint | undefined> {
  try {
    return (await stat(path, { bigint: true })).ino;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
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
