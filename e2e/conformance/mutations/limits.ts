import { bundlePath, tilePath } from '@indelible/tlog';
import { readEvidence } from '../support/tiles-evidence.ts';
import { rewritten } from './history.ts';
import { changed, forgedEntry, type Mutation } from './mutation.ts';
import { strangersLines } from './signature.ts';

/** Changes that every verifier must put up with: the specifications say so. */
export const HARMLESS: readonly Mutation[] = [
  { name: 'nothing changed', change: () => new Map() },
  { name: 'nothing changed in the log of 70,000', log: 'large', entries: [40_000], change: () => new Map() },
  { name: 'a signature line of an unknown key added', change: (log) => changed('checkpoint', log.checkpoint + strangersLines(log, 1)) },
  { name: '15 signature lines of unknown keys added', change: (log) => changed('checkpoint', log.checkpoint + strangersLines(log, 15)) },
  { name: 'a signature line of an unknown key before the good one', change: (log) => changed('checkpoint', `${log.text}\n${strangersLines(log, 1)}${log.checkpoint.slice(log.text.length + 1)}`) },
  { name: 'the partial tiles of older sizes removed', change: () => new Map([...changed(tilePath(0, 1, 44), undefined), ...changed(bundlePath(1, 44), undefined)]) },
  { name: 'a file beyond the end of the tree', change: (log) => changed(bundlePath(3), readEvidence(log, bundlePath(0))) },
];

/** What no verifier can find with nothing but the key and the kept checkpoint: the reason for keeping a newer one. */
export const UNDETECTABLE: readonly Mutation[] = [
  { name: 'an entry behind the kept checkpoint changed by whoever holds the key', change: (log) => rewritten(log, (entries) => entries.with(400, forgedEntry(entries[400]!))) },
  { name: 'the log rolled back to the size of the kept checkpoint', change: (log) => rewritten(log, (entries) => entries.slice(0, 300)) },
];
