import { formatBase64, parseCheckpoint, parseNote } from '@indelible/tlog';
import type { Finding, FindingList } from './finding.ts';

/** `sound`: proven; `not_sound`: something speaks against the log; `not_proven`: nothing does, but the proof has a gap. */
export type Verdict = 'sound' | 'not_sound' | 'not_proven';

/** How much was looked at. */
export interface Coverage {
  /** Entries whose hashes lead to an accepted seal. */
  readonly entries: number;
  /** Bytes of all segments, or of all tiles and bundles. */
  readonly bytes: number;
  readonly segments: number;
  /** Seals accepted. */
  readonly seals: number;
  /** Signatures that hold: of seals, segment headers, changes of key, and kept seals. */
  readonly signaturesChecked: number;
  /** Recording time of the first and last entry, RFC 3339; as the log says, proven by nothing. */
  readonly firstTime: string | null;
  readonly lastTime: string | null;
  /** Longest time between two entries that follow each other. */
  readonly longestSilenceMs: number;
  readonly heartbeats: number;
  readonly clockSteps: number;
  /** `log_recovered` entries. */
  readonly recoveries: number;
  /** Bytes among the sealed ones that are no part of the record. */
  readonly foreignBytes: number;
  /** Bytes behind the last seal. */
  readonly unsealedBytes: number;
  /** Bytes behind the valid ends of closed segments. */
  readonly deadBytes: number;
  /** Bytes that could not be checked because of an error before them. */
  readonly uncheckedBytes: number;
}

/** What a verification found, and what it therefore claims. */
export interface Report {
  readonly verdict: Verdict;
  /** The claim in plain words: exactly what is proven, no more. */
  readonly claim: string;
  readonly origin: string | null;
  /** `proven`: the key was given, and the log is signed by it. */
  readonly key: { readonly text: string | null; readonly proven: boolean };
  /** The last accepted seal; `rootHash` in base64. */
  readonly seal: { readonly treeSize: number; readonly rootHash: string; readonly note: string } | null;
  readonly coverage: Coverage;
  /** Errors first, then warnings, then notes; each in the order of the log. */
  readonly findings: readonly Finding[];
  /** How many more there are. */
  readonly findingsOmitted: number;
  /** What this verification says nothing about. */
  readonly notChecked: readonly string[];
}

/** A kept seal that the log continues. */
export interface ProvenSince {
  readonly treeSize: number;
  readonly place: string;
}

/** What a report is made of, before anything is concluded. */
export interface Evidence {
  /** What was verified. */
  readonly kind: 'record' | 'tiles';
  /** Whether what comes before the first error is proven; tiles prove nothing before the root over all of them holds. */
  readonly rootHolds: boolean;
  readonly origin: string | null;
  readonly key: { readonly text: string | null; readonly proven: boolean };
  /** Note of the last accepted seal. */
  readonly note: string | undefined;
  /** Size of the tree under it. */
  readonly size: number;
  readonly coverage: Coverage;
  readonly findings: FindingList;
  readonly since: readonly ProvenSince[];
  readonly notChecked: readonly string[];
}

/** Concludes a verdict and a claim from what was found. */
export function concludeReport(evidence: Evidence): Report {
  const { origin, key, note, coverage, findings, since, notChecked } = evidence;
  const verdict = findings.hasErrors ? 'not_sound' : findings.soundWithheld || !key.proven ? 'not_proven' : 'sound';
  const all = findings.all();
  return {
    ...{ verdict, claim: `${claimOf(verdict, evidence, all)}${evidence.kind === 'tiles' ? '; tiles were verified, not a record directory' : ''}`, origin, key, seal: note === undefined ? null : sealOf(note), coverage },
    ...{ findings: all, findingsOmitted: findings.omitted },
    notChecked: [...notChecked, ...alwaysUnchecked(since.length > 0)],
  };
}

function sealOf(note: string): Report['seal'] {
  const { treeSize, rootHash } = parseCheckpoint(parseNote(note).text);
  return { treeSize, rootHash: formatBase64(rootHash), note };
}

function alwaysUnchecked(hasSince: boolean): string[] {
  const whole = 'Whether the holder of the key rewrote the log and signed it again, or cut it back to an older seal: only a seal kept elsewhere (--since) shows that.';
  const after = 'Whether entries after the seal kept elsewhere were rewritten or cut off by the holder of the key.';
  return [hasSince ? after : whole, 'Whether what the entries say is true and complete: they are proven to be what was recorded, in that order.'];
}

function claimOf(verdict: Verdict, { size, since, key, rootHolds }: Evidence, findings: readonly Finding[]): string {
  if (verdict === 'not_sound') return claimAgainst(findings, rootHolds);
  const unfit = findings.find(({ code }) => code === 'nothing_sealed' || code === 'version_unknown' || code === 'reserved_line');
  if (unfit !== undefined) return `cannot tell: ${unfit.meaning}`;
  const newest = since.reduce<ProvenSince | undefined>((best, seal) => (best === undefined || seal.treeSize > best.treeSize ? seal : best), undefined);
  const kept = newest === undefined ? 'detects no rewriting by the holder of the key: no seal kept elsewhere was given' : claimSince(newest);
  return `${key.proven ? '' : 'consistent, key not proven; '}${entries(size)} as sealed by the key of the log; ${kept}`;
}

function claimSince({ treeSize, place }: ProvenSince): string {
  const seal = `detects rewriting since seal ${count(treeSize)} ${place}`;
  return treeSize === 0 ? seal : `${seal}; ${entries(treeSize)} unchanged`;
}

function claimAgainst(findings: readonly Finding[], rootHolds: boolean): string {
  const errors = findings.filter(({ severity }) => severity === 'error');
  const indexes = errors.map(({ where }) => where.index ?? 0);
  const first = Math.min(...indexes);
  const worst = errors.find(({ where }) => (where.index ?? 0) === first) ?? errors[0]!;
  if (!rootHolds) return `not sound: ${worst.meaning}`;
  const intact = first > 0 && !errors.some(({ code }) => code === 'key_mismatch') ? `; ${entries(first)} as sealed` : '';
  return `not sound from entry ${count(first)} on: ${worst.meaning}${intact}`;
}

function entries(size: number): string {
  return size === 1 ? 'entry 0' : `entries 0–${count(size - 1)}`;
}

/** A number for people: 41,200. */
export function count(value: number): string {
  return String(value).replaceAll(/\B(?=(?:\d{3})+$)/g, ',');
}
