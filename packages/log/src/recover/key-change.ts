import { decodeUtf8Strict, ed25519Verify, encodeUtf8, parseBase64, parseVerifierKey } from '@indelible/tlog';
import type { Disk } from '../disk/disk.ts';
import { LogError } from '../error.ts';
import type { LogFile } from '../record/log-file.ts';
import { isSealNote, parseSealLine } from '../record/seal-line.ts';
import { readControlLinesBackwards } from './control-lines.ts';
import { listSegmentNumbers, openSegment, type Segment } from './segments.ts';

const DOMAIN = 'indelible/key-change/v1';

/** The details of a `key_changed` entry (docs/spec/record.md §7). */
export interface KeyChange {
  readonly from: string;
  readonly to: string;
  /** Signature by the old key, base64. */
  readonly fromSig: string;
  /** Signature by the new key, base64. */
  readonly toSig: string;
}

/** What both keys sign when one hands over to the other. */
export function formatKeyChange(origin: string, from: string, to: string, timestamp: string): Uint8Array {
  return encodeUtf8(`${DOMAIN}\n${origin}\n${from}\n${to}\n${timestamp}\n`);
}

/** The change of key, signed by both keys, that the last sealed entry before `end` (default: all) is; undefined where it is another entry. */
export async function readKeyChange(disk: Disk, segment: Segment, origin: string, end?: number): Promise<KeyChange | undefined> {
  const to = end ?? (await disk.size(segment.name)) ?? 0;
  const key = parseVerifierKey(segment.header.key);
  for await (const line of readControlLinesBackwards(disk, segment.name, segment.bodyStart, to)) {
    const seal = parseSealLine(line.bytes, key);
    if (seal === undefined || seal.offset + seal.length !== line.start || !(await isSealNote(seal.note, key))) continue;
    const covered = await disk.read(segment.name, seal.offset, seal.length);
    const lastLine = covered.subarray(covered.lastIndexOf(0x0a, covered.length - 2) + 1, covered.length - 1);
    return openKeyChange(lastLine, origin, segment.header.key);
  }
  return undefined;
}

/** Whether the last sealed entry of a segment hands over to the key `vkey`, signed by both keys. */
export async function findKeyChange(disk: Disk, segment: Segment, origin: string, vkey: string): Promise<boolean> {
  return (await readKeyChange(disk, segment, origin))?.to === vkey;
}

/**
 * The key of the last segment, reached from the genesis key by changes that both keys have signed. A segment by any other key is
 * none of this log. Says which key wrote last, not that the record is sound.
 */
export async function findLastKey(disk: Disk, file: LogFile, logDigest: string): Promise<string> {
  let vkey = file.key;
  let last: Segment | undefined;
  for (const number of await listSegmentNumbers(disk)) {
    const segment = await openSegment(disk, number, logDigest);
    if (segment === undefined) continue;
    if (segment.header.key !== vkey) {
      if (last === undefined || !(await findKeyChange(disk, last, file.origin, segment.header.key))) continue;
      vkey = segment.header.key;
    }
    last = segment;
  }
  return vkey;
}

/**
 * A key that has handed over must not write again: what it sealed would stand behind the end of its segment, and be lost.
 *
 * @throws LogError `ERR_LOG_KEY_MISMATCH` where the record ends, for this key, with its own retirement.
 */
export async function refuseRetiredKey(disk: Disk, end: { readonly segment: Segment; readonly file: LogFile; readonly keyChanged: boolean; readonly length: number }): Promise<void> {
  if (end.keyChanged) return; // the end of the segment is the retirement of the key before ours
  const change = await readKeyChange(disk, end.segment, end.file.origin, end.length);
  if (change === undefined) return;
  throw new LogError('ERR_LOG_KEY_MISMATCH', `the key ${change.from} of the log ${end.file.origin} was retired: it handed over to ${change.to}. Use the new key`, { fatal: true });
}

async function openKeyChange(entry: Uint8Array, origin: string, from: string): Promise<KeyChange | undefined> {
  try {
    const { event, timestamp, details } = JSON.parse(decodeUtf8Strict(entry)) as { event: string; timestamp: string; details: KeyChange };
    if (event !== 'key_changed' || details.from !== from) return undefined;
    const message = formatKeyChange(origin, from, details.to, timestamp);
    const bySigner = (vkey: string, sig: string): Promise<boolean> => ed25519Verify(parseVerifierKey(vkey).publicKey, message, parseBase64(sig, 64));
    return (await bySigner(from, details.fromSig)) && (await bySigner(details.to, details.toSig)) ? details : undefined;
  } catch {
    return undefined;
  }
}
