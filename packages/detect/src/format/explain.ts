import type { EventName } from '../events/event-name.ts';
import type { DetectReport } from '../report.ts';
import { plain } from './plain.ts';

/** Why an event was counted or not: every place, its line as it is written, and the storage it ends in. */
export function formatExplanation(report: DetectReport, event: EventName): string {
  const { status, sink, evidence } = report.events[event];
  const lines = [`${event}: ${status}${sink === null ? '' : ` → ${plain(sink)}`}`];
  if (evidence.length === 0) lines.push('  no place was found that names it');
  for (const item of evidence) lines.push('', `  ${plain(`${item.file}:${item.line}`)}`, `    ${plain(item.snippet)}`, `    ${plain(item.why)}`);
  for (const storage of report.storage.filter((item) => item.events.includes(event))) {
    lines.push('', `  kept in ${plain(storage.name)}: ${storage.class}, ${plain(storage.mechanism)} (${storage.confidence})`);
    for (const item of storage.evidence) lines.push(`    ${plain(`${item.file}:${item.line}`)}  ${plain(item.why)}`, `      ${plain(item.snippet)}`);
    for (const carveOut of storage.carveOuts) lines.push(`    but: ${plain(carveOut)}`);
  }
  return `${lines.join('\n')}\n`;
}
