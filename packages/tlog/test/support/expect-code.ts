import { expect } from 'vitest';
import type { TlogErrorCode } from '@indelible/tlog';

/** Returns when `work` throws or rejects with the code, and fails the test otherwise. */
export async function expectCode(code: TlogErrorCode, work: () => unknown): Promise<void> {
  let outcome: unknown;
  try {
    outcome = await work();
  } catch (error) {
    expect(error).toMatchObject({ name: 'TlogError', code });
    return;
  }
  expect.fail(`${code} was expected, but the result is ${JSON.stringify(outcome)}`);
}

/** Tells whether `work` refuses with an error of this package; any other error is a bug and is passed on. */
export async function isRefused(work: () => unknown): Promise<boolean> {
  try {
    await work();
    return false;
  } catch (error) {
    if ((error as { name?: unknown }).name === 'TlogError') return true;
    throw error;
  }
}

/** Like `isRefused`, for the many synchronous cases. */
export function isRefusedSync(work: () => unknown): boolean {
  try {
    work();
    return false;
  } catch (error) {
    if ((error as { name?: unknown }).name === 'TlogError') return true;
    throw error;
  }
}

/** Yields every text that `text` becomes when one UTF-8 byte of it is raised by one, as bytes. */
export function* bytesPlusOne(text: string): Generator<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  for (let i = 0; i < bytes.length; i++) {
    const copy = bytes.slice();
    copy[i] = (copy[i]! + 1) % 256;
    yield copy;
  }
}

/** Yields every proper substring of `text`, the empty one included. */
export function* substrings(text: string): Generator<string> {
  yield '';
  for (let length = 1; length < text.length; length++) {
    for (let from = 0; from + length <= text.length; from++) yield text.slice(from, from + length);
  }
}
