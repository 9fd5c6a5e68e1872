import { createHash } from 'node:crypto';
import { EVENTS, REQUIRED } from '../events/event-name.ts';
import type { DetectReport, Place } from '../report.ts';
import { nextSteps } from './advice.ts';

const RULE = 'finserv-session-security.session-lifecycle.session-operations-logged';

/** The report as SARIF 2.1.0, for code scanning: one result where the check fails, none otherwise. */
export function formatSarif(report: DetectReport, version: string, suppressed?: { readonly justification: string }): string {
  const help = ['Log login, logout, timeout and extension of every session, in a storage that cannot be changed.', ...nextSteps(report).map((step) => [`**${step.what}**`, ...(step.lines.length === 0 ? [] : ['```', ...step.lines, '```'])].join('\n'))].join('\n\n');
  const sarif = {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'indelible detect', version, rules: [
              {
                id: RULE, name: 'SessionOperationsLogged',
                shortDescription: { text: 'Session operations are logged to append-only storage' },
                fullDescription: { text: 'Login, logout, timeout and extension of sessions are logged, and the storage of the log is append-only.' },
                help: { text: 'Log login, logout, timeout and extension of every session, in a storage that cannot be changed.', markdown: help },
                defaultConfiguration: { level: 'note' },
                properties: { tags: ['security', 'audit', 'session'], precision: report.confidence },
              },
            ],
          },
        },
        columnKind: 'utf16CodeUnits',
        originalUriBaseIds: { '%SRCROOT%': { description: { text: 'The folder that was examined.' } } },
        results: report.result === 'fail' ? [result(report, suppressed)] : [],
      },
    ],
  };
  return `${JSON.stringify(sarif, null, 2)}\n`;
}

function result(report: DetectReport, suppressed: { readonly justification: string } | undefined): object {
  const [anchor, ...related] = places(report);
  return {
    ruleId: RULE, ruleIndex: 0, kind: 'fail', level: 'note',
    message: { text: report.detail },
    locations: [location(anchor ?? { file: 'package.json', line: 1, snippet: '' })],
    relatedLocations: related.slice(0, 20).map((place, id) => ({ id, ...location(place), message: { text: place.why } })),
    partialFingerprints: { 'sessionOperationsLogged/v1': fingerprint(report) },
    ...(suppressed === undefined ? {} : { suppressions: [{ kind: 'external', justification: suppressed.justification }] }),
    properties: { ratio: report.ratio, storageClass: report.storageClass, confidence: report.confidence },
  };
}

/** What stays the same while the finding does: which events are missing, and how the rest is kept. No line numbers. */
function fingerprint(report: DetectReport): string {
  const missing = REQUIRED.filter((event) => report.events[event].status !== 'logged');
  return createHash('sha256').update(JSON.stringify([RULE, missing, report.storageClass])).digest('hex').slice(0, 32);
}

function places(report: DetectReport): (Place & { why: string })[] {
  const logged = EVENTS.filter((event) => report.events[event].status === 'logged').flatMap((event) => report.events[event].evidence.map((item) => ({ ...item, why: `${event}: ${item.why}` })));
  const rest = EVENTS.filter((event) => report.events[event].status !== 'logged').flatMap((event) => report.events[event].evidence.map((item) => ({ ...item, why: `${event}: ${item.why}` })));
  const storage = report.storage.flatMap((item) => item.evidence);
  return [...logged, ...rest, ...storage, ...report.compliance.evidence];
}

function location(place: Place): { physicalLocation: object } {
  return { physicalLocation: { artifactLocation: { uri: place.file.split('/').map(encodeURIComponent).join('/'), uriBaseId: '%SRCROOT%' }, region: { startLine: Math.max(1, place.line) } } };
}
