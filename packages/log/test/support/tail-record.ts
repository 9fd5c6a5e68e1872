import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createLog, fileStore, openLog, type Signer } from '@indelible/log';
import { testEvent, testNumber } from './events.ts';
import { directoryFiles, readRecord } from './record-oracle.ts';

/** A small closed log whose last two batches lie open for every kind of damage. */
export interface TailRecord {
  readonly directory: string;
  readonly signer: Signer;
  /** The last segment's file. */
  readonly segment: string;
  readonly bytes: Buffer;
  /** Number of entries under each seal, and where the seal's line ends in the segment. */
  readonly seals: readonly { readonly size: number; readonly end: number }[];
  /** Where the second last batch begins. */
  readonly from: number;
  /** All entries. */
  readonly entries: readonly string[];
  /** The last seal's note. */
  readonly pin: string;
}

/** Makes the log: three batches of its own life and two of events. */
export async function makeTailRecord(directory: string, signer: Signer): Promise<TailRecord> {
  await createLog(directory, { signer });
  const log = await openLog({ store: fileStore(directory), signer, heartbeatMs: 0, app: 'tail', instance: 'tail' });
  await log.appendAll([testEvent(0), testEvent(1)]);
  await log.appendAll([testEvent(2), testEvent(3)]);
  await log.appendAll([testEvent(4), testEvent(5)]);
  await log.close(); // log_stopped is the last batch
  const segment = join(directory, '000000.ndjson');
  const bytes = readFileSync(segment);
  const { entries } = readRecord(directoryFiles(directory), signer.vkey);
  const seals = [];
  for (let at = 0; at !== -1; ) {
    const start = bytes.indexOf('\n{"indelible":"seal"', at);
    if (start === -1) break;
    const end = bytes.indexOf(0x0a, start + 1) + 1;
    const { note } = JSON.parse(bytes.subarray(start + 1, end).toString()) as { note: string };
    seals.push({ size: Number(note.split('\n')[1]), end });
    at = end - 1;
  }
  if (entries.filter((entry) => testNumber(entry) !== undefined).length !== 6) throw new Error('the tail record is not what it should be');
  return { directory, signer, segment, bytes, seals, from: seals.at(-3)!.end, entries, pin: log.seal! };
}
