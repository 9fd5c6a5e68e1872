import { fileStore, openLog, openReader, type RecordReader } from '@indelible/log';
import { sweepOnce, type SweepResult } from '@indelible/session';
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
  const { timeouts, open } = await sweepRecord(reader, directory, key, graceMs, invocation);
  if (invocation.json) await invocation.out.write(`${JSON.stringify({ timeouts, open })}\n`);
  else await invocation.out.write(`${timeouts === 0 ? 'Nothing was due' : `Recorded ${counted(timeouts, 'timeout')}`}; ${counted(open, 'session')} open\n`);
  return 0;
}

/** Looks first, without the writer's lock: most sweeps find nothing, and then leave no trace. */
async function sweepRecord(reader: RecordReader, directory: string, key: KeySource, graceMs: number | undefined, { text, err }: Invocation): Promise<SweepResult> {
  const preview = sweepPreview(reader);
  const found = await sweepOnce(preview.port, { policy: policyOf(graceMs ?? LEAST_GRACE_MS), onError: warnOnce(err) });
  if (found.timeouts === 0) return found;
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
    return await sweepOnce(log, { policy: policyOf(graceMs ?? Math.max(LEAST_GRACE_MS, preview.longestIdleMs() / 10)), onError: warnOnce(err) });
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
