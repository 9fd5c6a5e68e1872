import { createHash } from 'node:crypto';
import { TreeRange, formatBase64, parseVerifierKey } from '@indelible/tlog';
import { SegmentSpoiled, openNextSegment } from '../commit/next-segment.ts';
import type { Disk } from '../disk/disk.ts';
import { LogError, systemCode } from '../error.ts';
import type { Signer } from '../signer/signer.ts';
import { checkOrigin } from './origin.ts';
import { LOG_FILE, encodeLogFile, type After, type LogFile } from './log-file.ts';
import { formatSegmentName } from './segment-name.ts';

/**
 * Creates an empty record in a directory that has none: log.json and the first segment's header, both durable when it returns.
 *
 * @throws LogError `ERR_LOG_ALREADY_EXISTS` where there is one.
 */
export async function createRecord(disk: Disk, signer: Signer, options: { readonly nowMs: number; readonly after?: After }): Promise<LogFile> {
  const origin = parseVerifierKey(signer.vkey).name;
  checkOrigin(origin);
  const created = new Date(options.nowMs).toISOString();
  const file: LogFile = { origin, key: signer.vkey, created, ...(options.after === undefined ? {} : { after: options.after }) };
  const bytes = encodeLogFile(file);
  const first = formatSegmentName(0);
  if (disk.exists(first) && !disk.exists(LOG_FILE)) throw new LogError('ERR_LOG_ALREADY_EXISTS', `the directory has a file ${first} already: choose an empty directory`);
  let handle;
  try {
    handle = await disk.create(LOG_FILE);
  } catch (cause) {
    if (systemCode(cause) !== 'EEXIST') throw cause;
    throw new LogError('ERR_LOG_ALREADY_EXISTS', `there is a log here already: ${LOG_FILE} exists. Open it, or choose another directory`, { cause });
  }
  try {
    handle.write([bytes]);
    await handle.sync();
  } finally {
    await handle.close();
  }
  const logDigest = formatBase64(new Uint8Array(createHash('sha256').update(bytes).digest()));
  try {
    const open = await openNextSegment(disk, { file, logDigest, signer, edge: new TreeRange(), seal: undefined, number: 0, nowMs: options.nowMs });
    await open.file.close();
  } catch (error) {
    throw error instanceof SegmentSpoiled ? error.cause : error;
  }
  return file;
}
