import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  compareBaseline, detect as examine, EVENTS, formatAuditbuffet, formatBaseline, formatExplanation, formatMarkdown, formatSarif, formatText, makeBaseline, parseBaseline,
  parseDetectConfig, type BaselineComparison, type DetectConfig, type DetectReport, type EventName,
} from '@indelible/detect';
import type { Command, Invocation } from '../command.ts';
import { CliError, errorCode, usageError, type ExitStatus } from '../error.ts';
import { Progress } from '../progress.ts';
import { replaceFile } from '../replace-file.ts';

const FORMATS = ['text', 'json', 'sarif', 'markdown', 'auditbuffet'] as const;
const CONFIG = 'indelible-detect.json';

/** Gives the verdict of the published check on a codebase. */
export const detect: Command = {
  name: 'detect',
  summary: 'say whether a codebase logs its session operations',
  operands: ['[PATH]'],
  description:
    'Reads the JavaScript and TypeScript under PATH (default: the current directory) and gives the verdict of the published check ' +
    'session-operations-logged: which of login, logout, timeout, extension and concurrent_warning are logged, and whether what keeps them is append-only. ' +
    'Runs nothing, installs nothing, sends nothing. The same files give the same answer. A file indelible-detect.json in PATH is the configuration where --config names none.',
  options: {
    format: { type: 'string', value: 'FORM', summary: `form of the report: ${FORMATS.join(', ')} (default: text; --json is --format json)` },
    'fail-on': { type: 'string', value: 'RESULT', summary: 'which result ends with status 1: fail (default), skip (fail and skip), never' },
    config: { type: 'string', value: 'FILE', summary: 'statements about sinks and compliance, each with its reason' },
    baseline: { type: 'string', value: 'FILE', summary: 'what was accepted before: only a worse result ends with status 1' },
    'update-baseline': { type: 'boolean', summary: 'write this result to the file of --baseline' },
    explain: { type: 'string', value: 'EVENT', summary: `show every place of one event: ${EVENTS.join(', ')}` },
    'assume-compliance': { type: 'boolean', summary: 'take it that audit requirements hold, whatever the code says' },
    'no-skip': { type: 'boolean', summary: 'never answer skip: without requirements, judge all the same' },
  },
  examples: ['indelible detect', 'indelible detect services/api --format sarif > detect.sarif', 'indelible detect --explain timeout'],
  exits: { 0: 'pass or skip', 1: 'fail', 2: 'could not run: no such folder, no code in it, a configuration that cannot be used' },
  run: runDetect,
};

async function runDetect(invocation: Invocation): Promise<ExitStatus> {
  const { out, err } = invocation;
  const path = invocation.operands[0] ?? '.';
  const format = oneOf(invocation.text('format') ?? (invocation.json ? 'json' : 'text'), FORMATS, 'format');
  const failOn = oneOf(invocation.text('fail-on') ?? 'fail', ['fail', 'skip', 'never'] as const, 'fail-on');
  const explain = invocation.text('explain');
  const event = explain === undefined ? undefined : eventNamed(explain);
  const baselineFile = invocation.text('baseline');
  if (invocation.flag('update-baseline') && baselineFile === undefined) throw usageError('--update-baseline needs --baseline FILE', 'detect');
  const config = readConfig(invocation.text('config'), path);
  const progress = new Progress('reading');
  let report: DetectReport;
  try {
    report = examine(path, {
      ...(config === undefined ? {} : { config }), assumeCompliance: invocation.flag('assume-compliance'), noSkip: invocation.flag('no-skip'),
      onProgress: (done, total) => progress.update(done, total),
    });
  } finally {
    progress.end();
  }
  if (baselineFile !== undefined && invocation.flag('update-baseline')) await replaceFile(baselineFile, formatBaseline(makeBaseline(report)));
  const comparison = baselineFile === undefined ? undefined : compareBaseline(report, parseBaseline(readInput(baselineFile, 'baseline'), baselineFile));
  await out.write(event !== undefined && format === 'text' ? formatExplanation(report, event) : render(report, format, comparison, out.isTerminal));
  if (comparison !== undefined) for (const line of [...comparison.worse.map((item) => `worse than the baseline: ${item}`), ...comparison.expired.map((item) => `the baseline is outdated: ${item}; run with --update-baseline`)]) await err.write(`indelible: ${line}\n`);
  return status(report, failOn, comparison);
}

function render(report: DetectReport, format: (typeof FORMATS)[number], comparison: BaselineComparison | undefined, color: boolean): string {
  switch (format) {
    case 'json': return `${JSON.stringify(report)}\n`;
    case 'sarif': return formatSarif(report, version(), comparison !== undefined && comparison.worse.length === 0 ? { justification: 'accepted in the baseline' } : undefined);
    case 'markdown': return formatMarkdown(report);
    case 'auditbuffet': return formatAuditbuffet(report, version());
    default: return formatText(report, color && process.env['NO_COLOR'] === undefined);
  }
}

function status(report: DetectReport, failOn: 'fail' | 'skip' | 'never', comparison: BaselineComparison | undefined): ExitStatus {
  if (failOn === 'never' || report.result === 'pass') return 0;
  if (report.result === 'skip') return failOn === 'skip' ? 1 : 0;
  return comparison !== undefined && comparison.worse.length === 0 ? 0 : 1;
}

function readConfig(file: string | undefined, path: string): DetectConfig | undefined {
  if (file !== undefined) return parseDetectConfig(readInput(file, 'configuration'), file);
  const own = join(path, CONFIG);
  return existsSync(own) ? parseDetectConfig(readInput(own, 'configuration'), own) : undefined;
}

function readInput(file: string, what: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new CliError('ERR_CLI_NOT_FOUND', `the ${what} ${file} cannot be read (${errorCode(cause) ?? 'unknown'}); check the path`, { cause });
  }
}

function eventNamed(name: string): EventName {
  const wanted = name === 'extend' ? 'extension' : name;
  return oneOf(wanted, EVENTS, 'explain');
}

function oneOf<Word extends string>(given: string, words: readonly Word[], option: string): Word {
  const found = words.find((word) => word === given);
  if (found === undefined) throw usageError(`--${option} takes ${words.join(', ')}, not "${given}"`, 'detect');
  return found;
}

function version(): string {
  const { version: own } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };
  return own;
}

