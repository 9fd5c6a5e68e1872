import { createSigningKey, parseSigningKey, type Signer } from '@indelible/log';
import { formatCheckpoint } from '@indelible/tlog';
import { buildTiles } from '../support/build-tiles.ts';
import { signText } from '../support/sign-text.ts';
import { readTree, type Changes } from '../support/tiles-directory.ts';
import { readEntries, type TilesEvidence } from '../support/tiles-evidence.ts';
import { changed, forgedEntry, type Mutation } from './mutation.ts';

const ALONE = 'it checks one checkpoint by itself, never that it continues another';

/**
 * Another history in the same place, made with care: tiles, root and entries fit each other. What tells is the key, or the
 * checkpoint kept elsewhere.
 */
export const HISTORY_MUTATIONS: readonly Mutation[] = [
  { name: 'an older checkpoint in place of the newest', accepted: { '@sigstore/verify': ALONE }, change: (log) => changed('checkpoint', log.older) },
  { name: 'rolled back to an older size, with nothing left of the rest', accepted: { '@sigstore/verify': ALONE }, change: (log) => rewritten(log, (entries) => entries.slice(0, 200)) },
  { name: 'entry 7 changed, everything made anew and signed by the log', accepted: { '@sigstore/verify': ALONE }, change: (log) => rewritten(log, (entries) => entries.with(7, forgedEntry(entries[7]!))) },
  { name: 'entry 7 removed, everything made anew and signed by the log', accepted: { '@sigstore/verify': ALONE }, change: (log) => rewritten(log, (entries) => entries.toSpliced(7, 1)) },
  { name: 'an entry inserted, everything made anew and signed by the log', accepted: { '@sigstore/verify': ALONE }, change: (log) => rewritten(log, (entries) => entries.toSpliced(7, 0, entries[1]!)) },
  { name: 'the last entry before the kept checkpoint changed, signed by the log', accepted: { '@sigstore/verify': ALONE }, change: (log) => rewritten(log, (entries) => entries.with(299, forgedEntry(entries[299]!))) },
  { name: 'the log emptied, signed by the log', unread: true, change: (log) => rewritten(log, () => []) },
  { name: 'entry 7 changed, everything made anew and signed by another key', change: (log) => rewritten(log, (entries) => entries.with(7, forgedEntry(entries[7]!)), parseSigningKey(createSigningKey(log.origin).secret)) },
  { name: 'the same entries under another key', change: (log) => rewritten(log, (entries) => entries, parseSigningKey(createSigningKey(log.origin).secret)) },
  { name: 'the same entries as a log of another name', change: (log) => rewritten(log, (entries) => entries, log.signer, 'log.example/other') },
];

/** Every file of a log whose entries were changed, signed. */
export async function rewritten(log: TilesEvidence, edit: (entries: Uint8Array[]) => Uint8Array[], signer: Signer = log.signer, origin: string = log.origin): Promise<Changes> {
  const entries = edit(readEntries(log));
  const { files, rootHash } = buildTiles(entries);
  const checkpoint = await signText(formatCheckpoint({ origin, treeSize: entries.length, rootHash, extensions: [] }), signer);
  const removed = [...readTree(log.directory).keys()].map((path): [string, undefined] => [path, undefined]);
  return new Map([...removed, ...files, ...changed('checkpoint', checkpoint)]);
}
