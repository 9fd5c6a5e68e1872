import { fileStore, openLog, openReader, type RecordReader } from '@indelible/log';
import { sweepOnce, type SweepOptions, type SweepResult } from '@indelible/session';
import type { Command, Invocation } from '../command.ts';
import { usageError, type ExitStatus } from '../error.ts';
import { sweepPreview } from '../sweep-preview.ts';
import { parseDuration } from '../quantity.ts';
import { SIGNING_KEY_OPTION, findSigningKey, readSigner, type KeySource } from '../signing-key.ts';
import { storeDirectory } from '../store-argument.ts';
import { warnOnce } from '../warnings.ts';

/** Below this no tracker records extensions by mere use, unless it was told to. */
const LEAST_GRACE_MS = 60_000;

/** Records the timeouts that are due. */
export const sweep: Command = {
  name: 'sweep',
  summary: 'record the timeouts that are due',
  operands: ['[STORE]'],
  description:
    'Computes the open sessions from the record, records a timeout for each one whose deadline has passed, at that deadline, and ends. For cron, and ' +
    'for applications of which no process lives long enough to do it. An application records that a session was used only now and then, so an ' +
    'idle deadline counts as passed only GRACE after it; an absolute one at once. Where nothing is due, nothing is opened for writing. Each timeout is recorded once, whoever finds it.',
  options: {
    grace: { type: 'string', value: 'GRACE', summary: 'extendEveryMs of the application: 90s, 5m (default: a tenth of the longest idle timeout on the record, at least 60s)' },
    app: { type: 'string', value: 'NAME', summary: 'app that opens the log (default: indelible); timeouts carry the app of their login' },
    'signing-key': SIGNING_KEY_OPTION,
  },
  examples: ['indelible sweep audit', 'indelible sweep audit --grace 5m --json'],
  exits: {
    0: 'every timeout that was due is recorded, if there was one',
    1: 'the record is damaged or was rolled back; nothing was recorded',
    2: 'the log is in use, or cannot be written; run it again',
  },
  run: runSweep,
};

async function runSweep(invocation: Invocation): Promise<ExitStatus> {
  const directory = storeDirectory(invocation, 'sweep');
  const given = invocation.text('grace');
  const graceMs = given === undefined ? undefined : parseDuration(given);
  if (given !== undefined && graceMs === undefined) throw usageError('--grace needs a number and a unit: 90s, 5m, 2h or 1d', 'sweep');
  const reader = await openReader(directory);
  const key = findSigningKey(invocation, directory);
  readSigner(key); // a key that cannot be read is found today, not on the day on which something is due
  const swept = await sweepRecord(reader, directory, key, graceMs, invocation);
  const { timeouts, open } = swept;
  await invocation.out.write(invocation.json ? `${JSON.stringify({ timeouts, open })}\n` : `${inWords(swept)}\n`);
  return 0;
}

interface Swept extends SweepResult {
  /** Sessions past their idle deadline that may have been used since: their grace is not over. */
  readonly within: number;
  readonly graceMs: number;
}

function inWords({ timeouts, open, within, graceMs }: Swept): string {
  const found = `${timeouts === 0 ? 'Nothing was due' : `Recorded ${counted(timeouts, 'timeout')}`}; ${counted(open, 'session')} open`;
  if (within === 0) return found;
  return `${found}; ${within} ${within === 1 ? 'is past its' : 'are past their'} idle deadline, within the grace of ${Math.round(graceMs / 1000)} s (--grace)`;
}

/** Looks first, without the writer's lock: most sweeps find nothing, and then leave no trace. */
async function sweepRecord(reader: RecordReader, directory: string, key: KeySource, given: number | undefined, { text, err }: Invocation): Promise<Swept> {
  const preview = sweepPreview(reader);
  const optionsOf = (graceMs: number): SweepOptions => ({ policy: policyOf(graceMs), onError: warnOnce(err) });
  const past = await sweepOnce(preview.port, optionsOf(0));
  const graceMs = given ?? Math.max(LEAST_GRACE_MS, preview.longestIdleMs() / 10);
  const due = past.timeouts === 0 ? past : await sweepOnce(preview.port, optionsOf(graceMs));
  if (due.timeouts === 0) return { ...due, within: past.timeouts, graceMs };
  const log = await openLog({
    store: fileStore(directory),
    signer: readSigner(key),
    pin: key.pin,
    app: text('app') ?? 'indelible',
    heartbeatMs: 0,
    onError: warnOnce(err),
  });
  try {
    // Computed again from the record as it is now that nobody else writes to it.
    const swept = await sweepOnce(log, optionsOf(graceMs));
    return { ...swept, within: Math.max(0, past.timeouts - swept.timeouts), graceMs };
  } finally {
    await log.close();
  }
}

/** Warnings are the application's: they need its own policy. */
function policyOf(graceMs: number): { warnFrom: number; extendEveryMs: number } {
  return { warnFrom: Number.POSITIVE_INFINITY, extendEveryMs: Math.floor(graceMs) };
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
