import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CliError, errorCode } from './error.ts';

/**
 * Puts a file in place in one step: whoever reads it sees all of it or what was there before. Durable when it returns.
 *
 * @throws CliError `ERR_CLI_INPUT_INVALID` where its directory is missing; system errors, which name what the caller named.
 */
export async function replaceFile(path: string, contents: string): Promise<void> {
  const temporary = `${path}.new-${process.pid}`;
  const file = await create(temporary, path);
  try {
    await file.writeFile(contents);
    await file.sync();
    await file.close();
    await rename(temporary, path);
  } catch (error) {
    await file.close().catch(() => undefined);
    await rm(temporary, { force: true });
    throw error instanceof Error ? Object.assign(error, { path }) : error;
  }
}

async function create(temporary: string, path: string): Promise<FileHandle> {
  try {
    return await open(temporary, 'w', 0o644);
  } catch (error) {
    const directory = dirname(path);
    if (errorCode(error) === 'ENOENT') throw new CliError('ERR_CLI_INPUT_INVALID', `there is no directory ${directory}: make it, or write to another place`, { cause: error });
    throw error instanceof Error ? Object.assign(error, { path: directory }) : error;
  }
}
