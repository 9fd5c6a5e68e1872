import { expect } from 'vitest';
import { LogError, type LogErrorCode } from '@indelible/log';

/** Fails the test unless `work` throws or rejects with this code; returns the error. */
export async function expectError(code: LogErrorCode, work: () => unknown): Promise<LogError> {
  let outcome: unknown;
  try {
    outcome = await work();
  } catch (error) {
    expect(error, `expected ${code}`).toBeInstanceOf(LogError);
    expect((error as LogError).code, (error as LogError).message).toBe(code);
    return error as LogError;
  }
  expect.fail(`${code} was expected, but the result is ${JSON.stringify(outcome)}`);
}
