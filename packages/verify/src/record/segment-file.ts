import { closeSync, constants, fstatSync, lstatSync, openSync, readSync, statSync } from 'node:fs';
import { VerifyError, systemCode, unreadable } from '../error.ts';

/** A segment file that is open for reading. */
export interface OpenFile {
  readonly fd: number;
  readonly path: string;
  /** Its size when it was opened: a log may grow while it is verified. */
  readonly size: number;
}

/**
 * Opens a regular file; returns undefined where there is none of this name or it is a directory, a pipe or a device, which could
 * block the reader or never end.
 *
 * @throws VerifyError `ERR_VERIFY_SOURCE_UNREADABLE`.
 */
export function openRegularFile(path: string): OpenFile | undefined {
  return open(path, true);
}

/**
 * Opens a segment; as `openRegularFile`, but a symbolic link counts as nothing there: what it points to is no part of the directory.
 *
 * @throws VerifyError `ERR_VERIFY_SOURCE_UNREADABLE`.
 * @see docs/spec/record.md §1
 */
export function openSegmentFile(path: string): OpenFile | undefined {
  return open(path, false);
}

function open(path: string, followLinks: boolean): OpenFile | undefined {
  let fd: number;
  try {
    if (!(followLinks ? statSync(path) : lstatSync(path)).isFile()) return undefined;
    // Between the two calls the name may come to mean a pipe: O_NONBLOCK lets the open return, fstat finds out.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | (followLinks ? 0 : constants.O_NOFOLLOW));
  } catch (cause) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(systemCode(cause) ?? '')) return undefined;
    throw unreadable(path, cause);
  }
  const stat = fstatSync(fd);
  if (stat.isFile()) return { fd, path, size: stat.size };
  closeSync(fd);
  return undefined;
}

/** Closes what `openRegularFile` or `openSegmentFile` opened. */
export function closeFile(file: OpenFile): void {
  closeSync(file.fd);
}

/**
 * Fills `target` from byte `position` of the file on.
 *
 * @throws VerifyError `ERR_VERIFY_SOURCE_CHANGED` when the file has become shorter, `ERR_VERIFY_SOURCE_UNREADABLE`.
 */
export function readExactly(file: OpenFile, target: Uint8Array, position: number): void {
  for (let done = 0; done < target.length; ) {
    let count: number;
    try {
      count = readSync(file.fd, target, done, target.length - done, position + done);
    } catch (cause) {
      throw unreadable(file.path, cause);
    }
    if (count === 0) {
      throw new VerifyError('ERR_VERIFY_SOURCE_CHANGED', `${file.path} became shorter than ${position + done + 1} bytes while it was being read: verify a copy`);
    }
    done += count;
  }
}

/** Returns the bytes from `from` to `to` of the file, both within it; for small pieces. */
export function readBytes(file: OpenFile, from: number, to: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(Math.max(0, to - from));
  readExactly(file, bytes, from);
  return bytes;
}
