import { readPin, type Seal } from '@indelible/log';
import { equalBytes, parseCheckpoint, parseNote } from '@indelible/tlog';

/** How a log and the pin beside its key go together. */
export interface PinState {
  readonly state: 'ahead' | 'differs' | 'fits' | 'foreign' | 'missing';
  readonly treeSize?: number;
}

/** Reads a pin as far as that is possible: undefined where it cannot be, or is none. Do it before the newest seal is read: the writer moves both on, the seal first. */
export function tryReadPin(file: string): string | undefined {
  try {
    return readPin(file);
  } catch {
    return undefined;
  }
}

/** Compares a pin with the newest seal. Its signature is not asked for. */
export function comparePin(note: string | undefined, origin: string, newest: Seal | undefined): PinState {
  if (note === undefined) return { state: 'missing' };
  const pinned = parse(note);
  if (pinned === undefined || pinned.origin !== origin) return { state: 'foreign' };
  const { treeSize } = pinned;
  if (treeSize > (newest?.treeSize ?? 0)) return { state: 'ahead', treeSize };
  if (treeSize === newest?.treeSize && !equalBytes(pinned.rootHash, newest.rootHash)) return { state: 'differs', treeSize };
  return { state: 'fits', treeSize };
}

function parse(note: string): ReturnType<typeof parseCheckpoint> | undefined {
  try {
    return parseCheckpoint(parseNote(note).text);
  } catch {
    return undefined;
  }
}
