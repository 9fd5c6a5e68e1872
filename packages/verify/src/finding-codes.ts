/** How much a finding weighs: an error is proof against the log, a warning wants a look, a note is for the record. */
export type Severity = 'error' | 'warning' | 'note';

/** What a code stands for, wherever it is found. */
export interface FindingRule {
  readonly severity: Severity;
  /** True where the log must not be called sound, although nothing speaks against it. */
  readonly withholdsSound?: true;
  /** What it means, in one sentence. */
  readonly meaning: string;
  /** What to do about it. */
  readonly action: string;
}

/** Names of everything that a verification can find. */
export type FindingCode =
  | 'checkpoint_invalid'
  | 'clock_step'
  | 'dead_bytes_changed'
  | 'entries_missing'
  | 'foreign_bytes'
  | 'fork'
  | 'header_invalid'
  | 'history_changed'
  | 'history_rewritten'
  | 'join_mismatch'
  | 'kept_seal_unknown'
  | 'key_change_invalid'
  | 'key_changed'
  | 'key_mismatch'
  | 'key_not_proven'
  | 'log_file_changed'
  | 'log_file_invalid'
  | 'not_a_segment'
  | 'nothing_sealed'
  | 'recovery'
  | 'reserved_line'
  | 'rolled_back'
  | 'root_mismatch'
  | 'seal_damaged'
  | 'seal_replayed'
  | 'segment_damaged'
  | 'segment_misplaced'
  | 'segment_missing'
  | 'segment_short'
  | 'tile_changed'
  | 'tile_missing'
  | 'unsealed_bytes'
  | 'version_unknown';

const EVIDENCE = 'Keep a copy of the log as it is; compare it with a mirror or a backup from the index named on.';

/** Severity, meaning and remedy of every finding. `docs/reference/findings.md` says the same at more length. */
export const FINDING_CODES: Readonly<Record<FindingCode, FindingRule>> = {
  history_changed: {
    severity: 'error',
    meaning: 'Entries are not the ones that were sealed: something was changed, inserted, removed or reordered.',
    action: EVIDENCE,
  },
  entries_missing: {
    severity: 'error',
    meaning: 'The log once held entries that are not in it any more, or that no seal covers any more.',
    action: EVIDENCE,
  },
  seal_damaged: {
    severity: 'error',
    meaning: 'A line that claims to be a seal of this log is not one: damaged or forged.',
    action: EVIDENCE,
  },
  header_invalid: {
    severity: 'error',
    meaning: 'The first segment does not begin with a valid header signed by the genesis key.',
    action: EVIDENCE,
  },
  segment_missing: {
    severity: 'error',
    meaning: 'A segment is not there, or only a link to it, although what is there shows that it was.',
    action: 'Look for the missing file in a backup; the later segments prove how much it held.',
  },
  segment_misplaced: {
    severity: 'error',
    meaning: 'A file holds another segment than its name says.',
    action: 'Find out who renamed it; under its right name the log may be sound.',
  },
  segment_damaged: {
    severity: 'error',
    meaning: 'A file is no segment any more, but holds seals of this log beyond its end: its header was damaged.',
    action: EVIDENCE,
  },
  segment_short: {
    severity: 'error',
    meaning: 'A segment is shorter than its successor says: it was truncated or replaced by an older copy.',
    action: EVIDENCE,
  },
  fork: {
    severity: 'error',
    meaning: 'Two segments, both validly signed, follow the same one: there are two histories.',
    action: 'Two writers held the key, or the directory was restored from a backup and continued. Compare both with a seal kept elsewhere.',
  },
  join_mismatch: {
    severity: 'error',
    meaning: 'A segment does not begin where the one before it ends.',
    action: EVIDENCE,
  },
  log_file_changed: {
    severity: 'error',
    meaning: 'log.json is not the file to which the signed segment headers commit.',
    action: 'Restore log.json from a backup; its origin and key decide what is verified.',
  },
  log_file_invalid: {
    severity: 'error',
    meaning: 'log.json is missing or not in the form that the format prescribes.',
    action: 'Restore log.json from a backup.',
  },
  key_mismatch: {
    severity: 'error',
    meaning: 'The log is not signed by the key that was given.',
    action: 'Check that the key belongs to this log. If it does, the log was rewritten and signed by somebody else.',
  },
  key_change_invalid: {
    severity: 'error',
    meaning: 'The signing key changes in a way that the old key did not agree to, or agreed to and did not happen.',
    action: 'Treat everything behind the change as unproven.',
  },
  rolled_back: {
    severity: 'error',
    meaning: 'The log is smaller than a seal kept elsewhere says: entries were cut off.',
    action: 'Recover the entries from a mirror or a backup; everything between the two sizes is gone.',
  },
  history_rewritten: {
    severity: 'error',
    meaning: 'The log is not a continuation of a seal kept elsewhere: the entries before it were rewritten.',
    action: 'The log at hand is not the one that was sealed. Keep both, and compare with a mirror.',
  },
  kept_seal_unknown: {
    severity: 'error',
    meaning: 'The seal kept elsewhere is of another log, or signed by a key that this log never had.',
    action: 'Check that seal and log belong together. If they do, the log was rewritten under another key.',
  },
  checkpoint_invalid: {
    severity: 'error',
    meaning: 'The checkpoint of the tiles is malformed, or its signature does not hold.',
    action: 'Export the tiles again, or compare with the log they were made of.',
  },
  root_mismatch: {
    severity: 'error',
    meaning: 'The entries do not have the root that the checkpoint signs.',
    action: EVIDENCE,
  },
  tile_changed: {
    severity: 'error',
    meaning: 'A tile or bundle is malformed, or does not fit the entries.',
    action: 'Export the tiles again, or compare with the log they were made of.',
  },
  tile_missing: {
    severity: 'error',
    meaning: 'A tile or bundle that the checkpoint calls for is not there.',
    action: 'Export the tiles again, or compare with the log they were made of.',
  },
  nothing_sealed: {
    severity: 'warning',
    withholdsSound: true,
    meaning: 'There is no sealed entry: nothing speaks against the log, and nothing for it.',
    action: 'A new log is like this until its first event. An old one was emptied: compare with a seal kept elsewhere.',
  },
  key_not_proven: {
    severity: 'warning',
    withholdsSound: true,
    meaning: 'No key was given that signs the log; one that is found inside can be replaced by whoever rewrites the log.',
    action: 'Verify again with --key and the line that `indelible init` printed.',
  },
  version_unknown: {
    severity: 'warning',
    withholdsSound: true,
    meaning: 'The log has a format version that this release does not know.',
    action: 'Verify with a newer release.',
  },
  reserved_line: {
    severity: 'warning',
    withholdsSound: true,
    meaning: 'There is a control line that a later version of the format will define; this release cannot tell what it does.',
    action: 'Verify with a newer release; if there is none, somebody put the line there.',
  },
  not_a_segment: {
    severity: 'warning',
    meaning: 'A file has the name of a segment but no valid signed header: no part of the record.',
    action: 'After a crash it may stay. If it was planted, find out by whom; it has no effect.',
  },
  foreign_bytes: {
    severity: 'warning',
    meaning: 'Bytes in a segment are neither entries under a seal nor seals: skipped, no effect on what is sealed.',
    action: 'Find out which program writes to the file.',
  },
  seal_replayed: {
    severity: 'warning',
    meaning: 'A copy of an earlier seal was written into the log again: skipped, no effect.',
    action: 'Find out which program writes to the file.',
  },
  dead_bytes_changed: {
    severity: 'warning',
    meaning: 'What stands behind the valid end of a segment is not what stood there when it was closed. It is no part of the record.',
    action: 'Find out which program writes to the file.',
  },
  unsealed_bytes: {
    severity: 'note',
    meaning: 'Bytes behind the last seal are not on the record: a batch in flight, a crash, or foreign.',
    action: 'None while the log is being written. The next start reports them.',
  },
  recovery: {
    severity: 'note',
    meaning: 'A segment was closed early and the log continued in a new one.',
    action: 'Compare with the restarts you know of.',
  },
  key_changed: {
    severity: 'note',
    meaning: 'The signing key was changed, with the signatures of both keys.',
    action: 'Compare with the rotations you know of.',
  },
  clock_step: {
    severity: 'note',
    meaning: 'An entry is more than a second older than the one before it: a clock was set back, or two clocks differ.',
    action: 'Compare with the clock changes you know of; the order of the entries is proven, their times are not.',
  },
};
