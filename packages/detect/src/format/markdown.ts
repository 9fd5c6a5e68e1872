import { EVENTS, REQUIRED } from '../events/event-name.ts';
import type { DetectReport } from '../report.ts';
import { nextSteps } from './advice.ts';
import { markdownCode, markdownText, plain } from './plain.ts';

const STATUS = { logged: 'logged', not_logged: 'not logged', declared_only: 'declared only', dead_code: 'dead code' } as const;

/** The report as a comment on a pull request. */
export function formatMarkdown(report: DetectReport): string {
  const lines = [`### session-operations-logged: ${report.result}`, '', markdownText(report.detail), '', '| event | status | place | sink |', '| --- | --- | --- | --- |'];
  for (const event of EVENTS) {
    const { status, sink, evidence } = report.events[event];
    const [first] = evidence;
    lines.push(`| ${event}${REQUIRED.includes(event) ? '' : ' (optional)'} | ${status === 'logged' ? '✓' : '✗'} ${STATUS[status]} | ${first === undefined ? '' : markdownCode(`${first.file}:${first.line}`)} | ${markdownText(sink ?? '')} |`);
  }
  lines.push('', `Storage: **${report.storageClass}**, confidence ${report.confidence}, required ${report.ratio.required}, all ${report.ratio.all}`);
  for (const item of report.storage) lines.push(`- ${markdownText(item.name)}: ${item.class}, ${markdownText(item.mechanism)}${item.carveOuts.length === 0 ? '' : `; but ${markdownText(item.carveOuts.join('; '))}`}`);
  lines.push('', `Compliance: ${markdownText(report.compliance.reason)}`);
  if (report.result === 'fail') {
    for (const step of nextSteps(report)) {
      lines.push('', markdownText(step.what));
      if (step.lines.length > 0) lines.push('', '```', ...step.lines.map((line) => plain(line).replaceAll('```', "'''")), '```');
    }
  }
  return `${lines.join('\n')}\n`;
}
