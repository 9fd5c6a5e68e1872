import { LogError, systemCode } from '../error.ts';
import { SegmentSpoiled } from './next-segment.ts';

/** What to tell a caller whose entries could not be written. */
export function asLogError(error: unknown): LogError {
  if (error instanceof LogError) return error;
  if (error instanceof SegmentSpoiled) return asLogError(error.cause);
  const code = systemCode(error);
  const message = error instanceof Error ? error.message : String(error);
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG') {
    return new LogError('ERR_LOG_STORAGE_FULL', `the record could not be extended: ${message}. Make room; nothing that was acknowledged is lost`, { cause: error });
  }
  return new LogError('ERR_LOG_WRITE_FAILED', `the record could not be extended: ${message}`, { cause: error });
}
