import { EVENTS, REQUIRED } from '../events/event-name.ts';
import type { DetectReport } from '../report.ts';
import { nextSteps } from './advice.ts';
import { plain } from './plain.ts';

const VERDICT = { pass: 'PASS', fail: 'FAIL', skip: 'SKIP' } as const;
const TICK = { logged: '✓', not_logged: '✗', declared_only: '✗', dead_code: '✗' } as const;
const STATUS = { logged: 'logged', not_logged: 'not logged', declared_only: 'declared, never logged', dead_code: 'written, never called' } as const;

/** The report for people. `color` adds ECMA-48 colours. */
export function formatText(report: DetectReport, color = false): string {
  const paint = (code: number, text: string): string => (color ? `\u001b[${code}m${text}\u001b[0m` : text);
  const lines: string[] = [];
  const hue = report.result === 'pass' ? 32 : report.result === 'fail' ? 31 : 33;
  lines.push(`${paint(hue, VERDICT[report.result])}  ${plain(report.detail)}`, `      ${report.check} (${report.severity}), confidence ${report.confidence}, required ${report.ratio.required}, all ${report.ratio.all}`, '');
  for (const event of EVENTS) {
    const { status, sink, evidence } = report.events[event];
    const [first] = evidence;
    const place = first === undefined ? '' : plain(`${first.file}:${first.line}`);
    const optional = REQUIRED.includes(event) ? '' : ' (not required)';
    const tick = paint(status === 'logged' ? 32 : REQUIRED.includes(event) ? 31 : 33, TICK[status]);
    lines.push(`  ${tick} ${event.padEnd(19)}${(status === 'logged' ? place : STATUS[status] + optional).padEnd(44)} ${status === 'logged' ? `→ ${plain(sink ?? '')}` : place}`.trimEnd());
  }
  lines.push('', 'Storage');
  if (report.storage.length === 0) lines.push('  none');
  for (const item of report.storage) {
    lines.push(`  ${item.class.padEnd(12)} ${plain(item.name)}: ${plain(item.mechanism)} (${item.confidence})`);
    for (const evidence of item.evidence.slice(0, 3)) lines.push(`               ${plain(`${evidence.file}:${evidence.line}`)}  ${plain(evidence.why)}`);
    for (const carveOut of item.carveOuts) lines.push(`               but: ${plain(carveOut)}`);
  }
  if (report.loggers.length > 0) {
    lines.push('', 'Loggers');
    for (const logger of report.loggers.slice(0, 5)) lines.push(`  ${logger.library}  ${plain(`${logger.file}:${logger.line}`)}  ${plain(logger.config).slice(0, 100)}`);
  }
  lines.push('', `Compliance: ${report.compliance.subject ? 'subject' : 'not subject'}; ${plain(report.compliance.reason)}`);
  if (report.result === 'fail') {
    const steps = nextSteps(report);
    if (steps.length > 0) lines.push('', 'Next');
    for (const step of steps) lines.push(`  ${plain(step.what)}${step.lines.length > 0 ? ':' : '.'}`, ...step.lines.map((line) => `      ${plain(line)}`));
  }
  for (const note of report.notes) lines.push('', `Note: ${plain(note)}`);
  const { read, parsed, skipped, passedOver } = report.files;
  lines.push('', `Files: ${read} read, ${parsed} parsed, ${skipped} passed over`);
  for (const item of passedOver.slice(0, 8)) lines.push(`  ${item.count} ${plain(item.reason)}, ${plain(item.first)}${item.count > 1 ? ' for instance' : ''}`);
  return `${lines.join('\n')}\n`;
}
