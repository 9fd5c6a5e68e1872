import type { SegmentDescription } from '@indelible/log';
import { formatBytes, formatCount, formatDuration, formatEntries } from './quantity.ts';
import { visibleText } from './visible-text.ts';

/** What `indelible status` finds; with `--json` exactly this. */
export interface LogStatus {
  readonly directory: string;
  readonly origin: string;
  readonly genesisKey: string;
  readonly created: string;
  /** Sealed entries. */
  readonly entries: number;
  readonly seal?: { readonly treeSize: number; readonly rootHash: string };
  /** The newest sealed entry: when it was recorded. */
  readonly newest?: { readonly event: string; readonly time: string; readonly ageMs: number };
  readonly maxAgeMs?: number;
  readonly tooOld: boolean;
  /** Whether a process holds the writer's lock. */
  readonly locked: boolean;
  readonly segments: readonly (SegmentDescription & { readonly appendOnly: boolean | null })[];
  /** null where it could not be found out. */
  readonly appendOnly: { readonly directory: boolean | null; readonly files: Readonly<Record<string, boolean | null>> };
  readonly cache: { readonly state: 'complete' | 'behind' | 'ahead' | 'unfinished' | 'missing'; readonly entries?: number };
  readonly pin: { readonly file: string; readonly state: 'fits' | 'missing' | 'ahead' | 'differs' | 'foreign'; readonly treeSize?: number };
}

/** The status for people. */
export function formatStatus(status: LogStatus): string {
  const rows: (readonly [string, string])[] = [
    ['origin', visibleText(status.origin)],
    ['entries', `${formatCount(status.entries)} sealed`],
    ['newest', formatNewest(status)],
    ['seal', status.seal === undefined ? 'none yet' : `over ${formatEntries(status.seal.treeSize)}, root ${status.seal.rootHash}`],
    ['writer', status.locked ? 'a process holds the lock' : 'none'],
    ...status.segments.map((segment, i) => [i === 0 ? 'segments' : '', formatSegment(segment)] as const),
    ['append-only', formatAppendOnly(status)],
    ['cache', formatCache(status.cache)],
    ['pin', formatPin(status.pin)],
  ];
  return `${visibleText(status.directory)}\n${rows.map(([name, value]) => `  ${name.padEnd(13)}${value}\n`).join('')}`;
}

function formatNewest({ newest, tooOld, maxAgeMs }: LogStatus): string {
  const limit = tooOld && maxAgeMs !== undefined ? `: older than ${formatDuration(maxAgeMs)}, nobody records` : '';
  if (newest === undefined) return `nothing is sealed yet${limit === '' ? '' : ': nobody has recorded'}`;
  return `${newest.time}, ${formatDuration(newest.ageMs)} ago (${visibleText(newest.event)})${limit}`;
}

function formatSegment({ name, bytes, first, leftBehind, reason }: SegmentDescription): string {
  const size = `${name}  ${formatBytes(bytes).padStart(10)}`;
  if (first === undefined) return `${size}  is no segment of this log`;
  const closed = reason === undefined || reason === 'full' ? '' : `, closed: ${reason}`;
  const left = leftBehind === 0 ? '' : `, ${formatCount(leftBehind)} bytes ${reason === undefined ? 'behind the last seal' : 'left behind'}`;
  return `${size}  from entry ${formatCount(first)}${closed}${left}`;
}

function formatAppendOnly({ appendOnly }: LogStatus): string {
  const all: (readonly [string, boolean | null])[] = [['the directory', appendOnly.directory], ...Object.entries(appendOnly.files)];
  const without = all.filter(([, set]) => set !== true).map(([name]) => name);
  if (without.length === 0) return 'yes: the directory and every file';
  if (all.every(([, set]) => set === null)) return 'unknown on this system';
  return without.length === all.length ? 'no' : `partly: not ${without.join(', ')}`;
}

function formatCache({ state, entries = 0 }: LogStatus['cache']): string {
  switch (state) {
    case 'complete':
      return 'complete';
    case 'behind':
      return `up to entry ${formatCount(entries)}; the next start reads the rest`;
    case 'ahead':
      return `says ${formatEntries(entries)}, more than are sealed; the next start makes it anew`;
    case 'unfinished':
      return 'not noted as complete; the next start makes it anew';
    case 'missing':
      return 'missing; the next start makes it anew';
  }
}

function formatPin({ file, state, treeSize = 0 }: LogStatus['pin']): string {
  const size = formatEntries(treeSize);
  switch (state) {
    case 'fits':
      return `${visibleText(file)} over ${size}`;
    case 'missing':
      return `none at ${visibleText(file)}`;
    case 'ahead':
      return `${visibleText(file)} is over ${size}: the record WAS ROLLED BACK or damaged; run indelible verify`;
    case 'differs':
      return `${visibleText(file)} has another root at ${size}: the record WAS REWRITTEN; run indelible verify`;
    case 'foreign':
      return `${visibleText(file)} is no seal of this log`;
  }
}
