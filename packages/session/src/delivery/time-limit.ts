import { SessionError } from '../error.ts';

/**
 * The outcome of `work`, or a failure once `limitMs` are over: then nobody waits for it any longer, and what becomes of it is
 * heard by nobody. A log that hangs is cut off so. An append that succeeds all the same does no harm: it is repeated under its id.
 *
 * @throws SessionError `ERR_SESSION_TIME_LIMIT`, or whatever `work` fails with.
 */
export function withTimeLimit<T>(work: () => Promise<T>, limitMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new SessionError('ERR_SESSION_TIME_LIMIT', `the log did not answer within ${limitMs} ms: see whether it hangs, or give it more time`));
    }, limitMs);
    const settle = (then: () => void): void => {
      clearTimeout(timer);
      then();
    };
    start(work).then(
      (value) => settle(() => resolve(value)),
      (error: unknown) => settle(() => reject(error as Error)),
    );
  });
}

/** What is thrown becomes the rejection. */
async function start<T>(work: () => Promise<T>): Promise<T> {
  return work();
}
