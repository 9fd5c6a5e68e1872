import { LogError } from '../error.ts';

/** Longest origin in bytes: the name is in every seal, and a seal must stay a short line. */
const MAX_ORIGIN_BYTES = 255;

/** Refuses an origin that is too long; what else a C2SP key name must be is checked where keys are parsed. */
export function checkOrigin(origin: string): void {
  if (Buffer.byteLength(origin, 'utf8') > MAX_ORIGIN_BYTES) {
    throw new LogError('ERR_LOG_KEY_INVALID', `the origin is longer than ${MAX_ORIGIN_BYTES} bytes: give the log a shorter name`);
  }
}
