import { bundlePath, decodeBundle, encodeBundle } from '@indelible/tlog';
import { readEvidence, type TilesEvidence } from '../support/tiles-evidence.ts';
import type { Changes } from '../support/tiles-directory.ts';
import { changed, flipped, swapped, type Mutation } from './mutation.ts';

const FIRST = bundlePath(0);
const SECOND = bundlePath(1);
const LAST = bundlePath(2, 88);

/** What was done to the entries; the tiles above them are untouched, and lead to the signed root. */
export const ENTRY_MUTATIONS: readonly Mutation[] = [
  { name: 'a bit of entry 7 flipped', entries: [7], change: (log) => editEntries(log, FIRST, (entries) => entries.with(7, flipped(entries[7]!, 60))) },
  { name: 'a bit of entry 300 flipped', entries: [300], change: (log) => editEntries(log, SECOND, (entries) => entries.with(44, flipped(entries[44]!, 60))) },
  { name: 'a bit of the last entry flipped', entries: [599], change: (log) => editEntries(log, LAST, (entries) => entries.with(87, flipped(entries[87]!, 60))) },
  { name: 'the first byte of an entry changed', entries: [7], change: (log) => editEntries(log, FIRST, (entries) => entries.with(7, flipped(entries[7]!, 0))) },
  { name: 'a space added to an entry, which means the same as JSON', entries: [7], change: (log) => editEntries(log, FIRST, (entries) => entries.with(7, spaced(entries[7]!))) },
  { name: 'a newline added to an entry', entries: [7], change: (log) => editEntries(log, FIRST, (entries) => entries.with(7, Uint8Array.of(...entries[7]!, 10))) },
  { name: 'an entry emptied', entries: [7], change: (log) => editEntries(log, FIRST, (entries) => entries.with(7, new Uint8Array(0))) },
  { name: 'two entries of a bundle exchanged', entries: [10, 11], change: (log) => editEntries(log, FIRST, (entries) => swapped(entries, 10, 11)) },
  { name: 'an entry written over by a copy of another', entries: [10], change: (log) => editEntries(log, FIRST, (entries) => entries.with(10, entries[11]!)) },
  { name: 'an entry cut out of a bundle', unread: true, entries: [11], change: (log) => editEntries(log, FIRST, (entries) => entries.toSpliced(10, 1)) },
  { name: 'an entry cut out, the last one doubled in its place', entries: [10], change: (log) => editEntries(log, FIRST, (entries) => [...entries.toSpliced(10, 1), entries[255]!]) },
  { name: 'an entry inserted into a partial bundle', unread: true, entries: [520], change: (log) => editEntries(log, LAST, (entries) => entries.toSpliced(8, 0, entries[0]!)) },
  { name: 'the last entry cut off its bundle', unread: true, entries: [598], change: (log) => editEntries(log, LAST, (entries) => entries.slice(0, -1)) },
  { name: 'the length before an entry changed by one', unread: true, entries: [0], change: (log) => edit(log, FIRST, (bytes) => bytes.with(1, bytes[1]! ^ 1)) },
  { name: 'a bundle cut by one byte', unread: true, entries: [599], change: (log) => edit(log, LAST, (bytes) => bytes.slice(0, -1)) },
  { name: 'a byte behind the last entry of a bundle', unread: true, entries: [599], change: (log) => edit(log, LAST, (bytes) => Uint8Array.of(...bytes, 0)) },
  { name: 'an empty entry behind the last one of a bundle', unread: true, entries: [599], change: (log) => edit(log, LAST, (bytes) => Uint8Array.of(...bytes, 0, 0)) },
  { name: 'a bundle emptied', unread: true, entries: [7], change: () => changed(FIRST, '') },
  { name: 'a bundle removed', unread: true, entries: [300], change: () => changed(SECOND, undefined) },
  { name: 'the tail cut off: the partial bundle removed', unread: true, entries: [599], change: () => changed(LAST, undefined) },
  { name: 'two bundles exchanged', entries: [7, 300], change: (log) => new Map([...changed(FIRST, readEvidence(log, SECOND)), ...changed(SECOND, readEvidence(log, FIRST))]) },
  { name: 'the partial bundle under the name of a smaller one', unread: true, entries: [599], change: (log) => new Map([...changed(LAST, undefined), ...changed(bundlePath(2, 87), readEvidence(log, LAST))]) },
  { name: 'the partial bundle of an older size in its place', unread: true, entries: [599], change: (log) => changed(LAST, readEvidence(log, bundlePath(1, 44))) },
  { name: 'a bit of entry 65,600 of 70,000 flipped', log: 'large', entries: [65_600], change: (log) => editEntries(log, bundlePath(256), (entries) => entries.with(64, flipped(entries[64]!, 60))) },
  { name: 'a bit of the last entry of 70,000 flipped', log: 'large', entries: [69_999], change: (log) => editEntries(log, bundlePath(273, 112), (entries) => entries.with(111, flipped(entries[111]!, 60))) },
];

function edit(log: TilesEvidence, path: string, change: (bytes: Uint8Array) => Uint8Array): Changes {
  return changed(path, change(readEvidence(log, path)));
}

function editEntries(log: TilesEvidence, path: string, change: (entries: Uint8Array[]) => Uint8Array[]): Changes {
  return edit(log, path, (bytes) => encodeBundle(change(decodeBundle(bytes))));
}

function spaced(entry: Uint8Array): Uint8Array {
  return Uint8Array.of(entry[0]!, 0x20, ...entry.subarray(1));
}
