import { formatReport, verifyLog, verifyProof, type Verdict } from '@indelible/verify';
import type { Command, Invocation } from '../command.ts';
import { usageError, type ExitStatus } from '../error.ts';
import { readKeptSeal } from '../kept-seal.ts';
import { Progress } from '../progress.ts';
import { readEntryProof, type EntryProof } from '../entry-proof.ts';
import { formatBytes } from '../quantity.ts';
import { storeArgument, verifiableDirectory } from '../store-argument.ts';
import { readVerifierKey } from '../verifier-key.ts';
import { visibleText } from '../visible-text.ts';

const STATUS: Readonly<Record<Verdict, ExitStatus>> = { sound: 0, not_sound: 1, not_proven: 2 };

/** Verifies a log, and says exactly what that proves. */
export const verify: Command = {
  name: 'verify',
  summary: 'verify a log, and say what that proves',
  operands: ['[STORE]'],
  description:
    'Hashes every entry again, checks every seal and signature, and reports what is proven. STORE is the directory of a log, a directory of ' +
    'tiles, the https:// address of tiles, or a file that `indelible prove` wrote. Give the public key from a place that whoever runs the log cannot change: the key that lies ' +
    'inside proves consistency only. With a seal that was kept elsewhere it also shows that nothing before it was rewritten or cut off.',
  options: {
    key: { type: 'string', value: 'VKEY|FILE', summary: 'public key of the log, as init printed it, or a file that holds it; else INDELIBLE_KEY' },
    since: { type: 'string', value: 'SEAL|FILE', summary: 'a seal kept elsewhere: its text, a file that holds it, or a file that sealTo writes (last line)' },
    entry: { type: 'string', value: 'FILE', summary: 'with a .tlog-proof: the file with the line of the entry that it proves' },
    pin: { type: 'string', value: 'FILE', summary: 'the pin that the writer keeps beside its signing key: the log must continue it too' },
  },
  examples: [
    'indelible verify audit --key bank.example/audit+4f2f3cbb+AUnZ… --since /mnt/elsewhere/audit.seal',
    'indelible verify https://logs.example.com/audit/ --key audit.vkey --json',
    'indelible verify login.tlog-proof --entry login.json --key audit.vkey',
  ],
  exits: {
    0: 'sound: proven with the key that was given',
    1: 'not sound: something was changed, removed or inserted; the report says what and where',
    2: 'not proven: no key was given, nothing is sealed yet, or the log cannot be read',
  },
  run: runVerify,
};

async function runVerify(invocation: Invocation): Promise<ExitStatus> {
  const { out, json } = invocation;
  const store = storeArgument(invocation, 'verify');
  const proof = readEntryProof(store, invocation.text('entry'));
  if (proof !== undefined) return runVerifyProof(invocation, proof);
  const source = /^https?:\/\//i.test(store) ? store : verifiableDirectory(store, 'verify');
  const key = givenKey(invocation);
  const since = invocation.text('since');
  const pin = invocation.text('pin');
  const kept = since === undefined ? undefined : readKeptSeal(since);
  const progress = new Progress('verifying', { format: formatBytes });
  const report = await verifyLog(source, {
    ...(key === undefined ? {} : { key }),
    ...(kept === undefined ? {} : { since: kept.note, ...(kept.file === undefined ? {} : { sinceAt: kept.file }) }),
    ...(pin === undefined ? {} : { pin: readKeptSeal(pin).note }),
    onProgress: (done, total) => progress.update(done, total),
  }).finally(() => progress.end());
  await out.write(json ? `${JSON.stringify(report)}\n` : formatReport(report));
  return STATUS[report.verdict];
}

/** A proof of one entry, without the log. */
async function runVerifyProof(invocation: Invocation, { proof, entry }: EntryProof): Promise<ExitStatus> {
  for (const option of ['since', 'pin'] as const) {
    if (invocation.text(option) !== undefined) throw usageError(`--${option} goes with a log, not with the proof of one entry`, 'verify');
  }
  const key = givenKey(invocation);
  const report = await verifyProof(proof, { entry, ...(key === undefined ? {} : { key }) });
  const advice = key === undefined ? '. Give the public key with --key' : '';
  await invocation.out.write(invocation.json ? `${JSON.stringify(report)}\n` : `${report.verdict.toUpperCase().replace('_', ' ')}: ${visibleText(report.claim)}${advice}\n`);
  return STATUS[report.verdict];
}

function givenKey(invocation: Invocation): string | undefined {
  const key = invocation.text('key') ?? process.env['INDELIBLE_KEY'] ?? '';
  return key === '' ? undefined : readVerifierKey(key);
}
