import type { Changes } from '../support/tiles-directory.ts';
import type { TilesEvidence } from '../support/tiles-evidence.ts';
import type { Verdict, VerifierName } from '../support/verifiers.ts';

/** A change of a directory of tiles. */
export interface Mutation {
  /** What was done, as a row of the table. */
  readonly name: string;
  /** The log of 600 entries by default; the one of 70,000, whose tiles have three levels, where it matters. */
  readonly log?: 'small' | 'large';
  /** Entries that it touches, for a verifier that looks at single entries. */
  readonly entries?: readonly number[];
  /** Verifiers that rightly do not mind, and why. All others must reject. */
  readonly accepted?: Readonly<Partial<Record<VerifierName, string>>>;
  /** Whether a verifier that is given entries and proofs gets none to judge, because the files do not yield any. */
  readonly unread?: true;
  readonly change: (evidence: TilesEvidence) => Changes | Promise<Changes>;
}

/** What a verifier must make of it. */
export function expectedVerdict(mutation: Mutation, verifier: VerifierName): Verdict['verdict'] {
  if (mutation.accepted?.[verifier] !== undefined) return 'accepted';
  return mutation.unread === true && verifier === '@sigstore/verify' ? 'unread' : 'rejected';
}

/** Sizes of the two logs, of the checkpoint kept elsewhere, and of one older than that. */
export const SIZES = { small: 600, large: 70_000, kept: 300, older: 200 } as const;

/** A change of one file. */
export function changed(path: string, contents: Uint8Array | string | undefined): Changes {
  return new Map([[path, typeof contents === 'string' ? new TextEncoder().encode(contents) : contents]]);
}

/** `bytes` with the lowest bit of one byte flipped. */
export function flipped(bytes: Uint8Array, at: number): Uint8Array {
  return bytes.with(at, bytes[at]! ^ 1);
}

/** `items` with two of them exchanged. */
export function swapped<T>(items: readonly T[], one: number, other: number): T[] {
  return items.with(one, items[other]!).with(other, items[one]!);
}

/** An entry with another digit in its last number: what it says is different, what it looks like is not. */
export function forgedEntry(entry: Uint8Array): Uint8Array {
  return flipped(entry, entry.length - 3);
}
