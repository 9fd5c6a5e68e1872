import { existsSync } from 'node:fs';
import { pinPath, type After } from '@indelible/log';
import { parseCheckpoint, parseNote } from '@indelible/tlog';
import { verifyLog, type Finding } from '@indelible/verify';
import { usageError } from './error.ts';
import { readKeptSeal } from './kept-seal.ts';
import { tryReadPin } from './pin-state.ts';
import { Progress } from './progress.ts';
import { formatBytes } from './quantity.ts';
import { defaultKeyPath, verifiableDirectory } from './store-argument.ts';
import { visibleText } from './visible-text.ts';

const MAX_REASON_CHARACTERS = 1_000;
const MAX_FINDINGS = 50;
const MAX_FINDING_CHARACTERS = 500;

/** What the old log is compared with; the pin beside its key is found where `init` puts it. */
export interface PredecessorEvidence {
  /** Its public key. */
  readonly key?: string | undefined;
  /** A seal kept elsewhere, or the file that holds it. */
  readonly since?: string | undefined;
  /** The file of its pin. */
  readonly pin?: string | undefined;
}

/** What a new log says about the one it follows: its last seal that holds, and everything that speaks against it. */
export async function readPredecessor(old: string, reason: string, evidence: PredecessorEvidence): Promise<After> {
  if (reason.trim() === '' || reason.length > MAX_REASON_CHARACTERS) throw usageError(`--reason needs a sentence of up to ${MAX_REASON_CHARACTERS} characters`, 'init');
  const directory = verifiableDirectory(old, 'init');
  const { key } = evidence;
  const kept = evidence.since === undefined ? undefined : readKeptSeal(evidence.since);
  const pinFile = evidence.pin ?? pinPath(defaultKeyPath(directory));
  const pin = evidence.pin === undefined ? tryReadPin(pinFile) : readKeptSeal(evidence.pin).note;
  // One that was named is the caller's mistake if it is none; one that lies there and is damaged must not stop a rescue.
  const usable = pin !== undefined && (evidence.pin !== undefined || isSeal(pin));
  const progress = new Progress('verifying the old log', { format: formatBytes });
  const { origin, seal, findings } = await verifyLog(directory, {
    ...(key === undefined ? {} : { key }),
    ...(kept === undefined ? {} : { since: kept.note, ...(kept.file === undefined ? {} : { sinceAt: kept.file }) }),
    ...(usable ? { pin } : {}),
    onProgress: (done, total) => progress.update(done, total),
  }).finally(() => progress.end());
  const said = findings.slice(0, MAX_FINDINGS).map(formatFinding);
  if (findings.length > MAX_FINDINGS) said.push(`and ${findings.length - MAX_FINDINGS} more`);
  if (!usable && existsSync(pinFile)) said.push('the pin beside the signing key of the old log is damaged or cannot be read, and was not compared');
  return { origin: origin ?? '', seal: seal?.note ?? '', reason: visibleText(reason), findings: said };
}

function isSeal(note: string): boolean {
  try {
    parseCheckpoint(parseNote(note).text);
    return true;
  } catch {
    return false;
  }
}

function formatFinding({ severity, code, where, meaning }: Finding): string {
  const index = where.index === undefined ? '' : ` from entry ${where.index}`;
  return visibleText(`${severity} ${code}${index}: ${meaning}`).slice(0, MAX_FINDING_CHARACTERS);
}
