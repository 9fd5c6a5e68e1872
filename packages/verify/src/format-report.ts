import { FINDING_CODES } from './finding-codes.ts';
import type { Finding, Where } from './finding.ts';
import { count, type Coverage, type Report } from './report.ts';

const VERDICTS: Readonly<Record<Report['verdict'], string>> = { sound: 'SOUND', not_sound: 'NOT SOUND', not_proven: 'NOT PROVEN' };
/** Findings of one severity that are printed; the report itself has them all. */
const MAX_PRINTED = 20;

/** Returns the report as text for people: deterministic, plain, no colours. */
export function formatReport(report: Report): string {
  const { verdict, claim, origin, key, seal, findings, findingsOmitted, coverage, notChecked } = report;
  const lines = [
    `${VERDICTS[verdict]}  ${printable(claim)}`,
    '',
    `  origin    ${origin === null ? 'unknown' : printable(origin)}`,
    `  key       ${key.text === null ? 'none' : printable(key.text)} (${key.proven ? 'given, and it signs the log' : 'not proven'})`,
    `  seal      ${seal === null ? 'none' : `${plural(seal.treeSize, 'entry', 'entries')}, root ${seal.rootHash}`}`,
    ...formatCoverage(coverage),
  ];
  const titles = { error: 'Errors', warning: 'Warnings', note: 'Notes' } as const;
  for (const [severity, title] of Object.entries(titles)) {
    const group = findings.filter((finding) => finding.severity === severity);
    if (group.length > 0) lines.push('', title, ...formatFindings(group));
  }
  if (findingsOmitted > 0) lines.push('', `${count(findingsOmitted)} more findings are counted, not listed.`);
  lines.push('', 'Not checked', ...notChecked.map((text) => `  - ${printable(text)}`));
  return `${lines.join('\n')}\n`;
}

function formatCoverage(coverage: Coverage): string[] {
  const { entries, bytes, segments, seals, signaturesChecked, firstTime, lastTime, longestSilenceMs, heartbeats } = coverage;
  const { foreignBytes, unsealedBytes, deadBytes, uncheckedBytes } = coverage;
  const files = segments === 0 ? '' : `, ${plural(segments, 'segment')}`;
  const times = firstTime === null || lastTime === null ? [] : [`  times     ${firstTime} to ${lastTime}, longest silence ${formatDuration(longestSilenceMs)}`];
  const others = [
    ...(foreignBytes > 0 ? [`${plural(foreignBytes, 'foreign byte')}`] : []),
    ...(unsealedBytes > 0 ? [`${plural(unsealedBytes, 'byte')} behind the last seal`] : []),
    ...(deadBytes > 0 ? [`${plural(deadBytes, 'dead byte')}`] : []),
    ...(uncheckedBytes > 0 ? [`${plural(uncheckedBytes, 'byte')} not checked`] : []),
  ];
  return [
    `  checked   ${plural(entries, 'entry', 'entries')}, ${plural(seals, 'seal')}, ${plural(signaturesChecked, 'signature')}, ${plural(bytes, 'byte')}${files}`,
    ...times,
    ...(heartbeats > 0 ? [`  alive     ${plural(heartbeats, 'heartbeat')}`] : []),
    ...(others.length > 0 ? [`  besides   ${others.join(', ')}`] : []),
  ];
}

function formatFindings(findings: readonly Finding[]): string[] {
  const lines: string[] = [];
  let code = '';
  for (const finding of findings.slice(0, MAX_PRINTED)) {
    lines.push(`  ${finding.code}${formatWhere(finding.where)}: ${printable(finding.meaning)}`);
    // The same advice once is enough.
    if (finding.code !== code && finding.severity !== 'note') lines.push(`      ${FINDING_CODES[finding.code].action}`);
    code = finding.code;
  }
  if (findings.length > MAX_PRINTED) lines.push(`  … and ${count(findings.length - MAX_PRINTED)} more`);
  return lines;
}

function formatWhere({ file, segment, offset, index }: Where): string {
  const place = file ?? (segment === undefined ? undefined : `segment ${segment}`);
  const parts = [
    ...(index === undefined ? [] : [`entry ${count(index)}`]),
    ...(place === undefined ? [] : [offset === undefined ? place : `${place} at byte ${count(offset)}`]),
  ];
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`;
}

function formatDuration(durationMs: number): string {
  const seconds = durationMs / 1_000;
  if (seconds < 120) return `${Math.round(seconds * 10) / 10} s`;
  const minutes = seconds / 60;
  return minutes < 120 ? `${Math.round(minutes)} min` : `${Math.round(minutes / 6) / 10} h`;
}

function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** Text from a log may hold escape sequences for the terminal that shows it. */
function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '\uFFFD');
}
