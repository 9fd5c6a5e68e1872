import { formatReport, verifyLog, type Verdict } from '@indelible/verify';
import type { Command, Invocation } from '../command.ts';
import type { ExitStatus } from '../error.ts';
import { readKeptSeal } from '../kept-seal.ts';
import { Progress } from '../progress.ts';
import { formatBytes } from '../quantity.ts';
import { storeArgument, verifiableDirectory } from '../store-argument.ts';
import { readVerifierKey } from '../verifier-key.ts';

const STATUS: Readonly<Record<Verdict, ExitStatus>> = { sound: 0, not_sound: 1, not_proven: 2 };

/** Verifies a log, and says exactly what that proves. */
export const verify: Command = {
  name: 'verify',
  summary: 'verify a log, and say what that proves',
  operands: ['[STORE]'],
  description:
    'Hashes every entry again, checks every seal and signature, and reports what is proven. STORE is the directory of a log, a directory of ' +
    'tiles, or the https:// address of tiles. Give the public key from a place that whoever runs the log cannot change: the key that lies ' +
    'inside proves consistency only. With a seal that was kept elsewhere it also shows that nothing before it was rewritten or cut off.',
  options: {
    key: { type: 'string', value: 'VKEY|FILE', summary: 'public key of the log, as init printed it, or a file that holds it; else INDELIBLE_KEY' },
    since: { type: 'string', value: 'SEAL|FILE', summary: 'a seal kept elsewhere: its text, a file that holds it, or a file that sealTo writes (last line)' },
    pin: { type: 'string', value: 'FILE', summary: 'the pin that the writer keeps beside its signing key: the log must continue it too' },
  },
  examples: [
    'indelible verify audit --key bank.example/audit+4f2f3cbb+AUnZ… --since /mnt/elsewhere/audit.seal',
    'indelible verify https://logs.example.com/audit/ --key audit.vkey --json',
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
  const source = /^https?:\/\//i.test(store) ? store : verifiableDirectory(store, 'verify');
  const key = invocation.text('key') ?? process.env['INDELIBLE_KEY'] ?? '';
  const since = invocation.text('since');
  const pin = invocation.text('pin');
  const kept = since === undefined ? undefined : readKeptSeal(since);
  const progress = new Progress('verifying', { format: formatBytes });
  const report = await verifyLog(source, {
    ...(key === '' ? {} : { key: readVerifierKey(key) }),
    ...(kept === undefined ? {} : { since: kept.note, ...(kept.file === undefined ? {} : { sinceAt: kept.file }) }),
    ...(pin === undefined ? {} : { pin: readKeptSeal(pin).note }),
    onProgress: (done, total) => progress.update(done, total),
  }).finally(() => progress.end());
  await out.write(json ? `${JSON.stringify(report)}\n` : formatReport(report));
  return STATUS[report.verdict];
}
