import { EVENTS, REQUIRED, type EventName } from './events/event-name.ts';
import type { Confidence, DetectReport, EventReport, Evidence, StorageReport } from './report.ts';
import type { Compliance } from './compliance.ts';

/** What the verdict is made of. */
export interface Findings {
  readonly events: Readonly<Record<EventName, EventReport>>;
  /** The class of each counted event's storage, and how it is said. */
  readonly kept: readonly { readonly event: EventName; readonly phrase: string; readonly class: StorageReport['class']; readonly confidence: Confidence }[];
  readonly compliance: Compliance;
  readonly hasSessions: boolean;
  readonly filesRead: number;
  readonly assumeCompliance: boolean;
  readonly noSkip: boolean;
  readonly stated: { readonly subject: boolean; readonly reason: string } | undefined;
  readonly consoleOnly: readonly EventName[];
}

/** The verdict of the published check. */
export type Verdict = Pick<DetectReport, 'result' | 'detail' | 'confidence' | 'ratio' | 'storageClass' | 'compliance'>;

/** Decides, to the letter of the check. */
export function decide(findings: Findings): Verdict {
  const logged = EVENTS.filter((event) => findings.events[event].status === 'logged');
  const required = REQUIRED.filter((event) => logged.includes(event));
  const ratio = { required: `${required.length}/4`, all: `${logged.length}/5` };
  const worst = worstOf(findings.kept);
  const storageClass = worst?.class ?? 'none';
  const compliance = complianceOf(findings);
  const base = { ratio, storageClass, compliance } as const;
  if (required.length === 4 && storageClass === 'append-only') {
    return { ...base, result: 'pass', confidence: worst!.confidence, detail: `${logged.length} of 5 event types logged: ${logged.join(', ')} — stored ${phrases(findings.kept)}` };
  }
  if (!compliance.subject && !findings.noSkip) return { ...base, result: 'skip', confidence: findings.hasSessions ? 'medium' : 'high', detail: compliance.reason };
  return { ...base, result: 'fail', ...failure(findings, logged, required, worst) };
}

function failure(findings: Findings, logged: readonly EventName[], required: readonly EventName[], worst: Findings['kept'][number] | undefined): { detail: string; confidence: Confidence } {
  if (logged.length === 0) {
    const dead = EVENTS.filter((event) => findings.events[event].status === 'dead_code');
    const why = dead.length > 0 ? `code that would log ${list(dead)} is never called` : findings.consoleOnly.length > 0 ? `${list(findings.consoleOnly)} only on the console, which is not a log` : 'no session logging found';
    return { detail: `0 session event types logged — ${why}`, confidence: 'high' };
  }
  if (required.length < 4) {
    const missing = REQUIRED.filter((event) => !required.includes(event));
    const storage = worst === undefined || worst.class === 'append-only' ? '' : `; stored ${phrases(findings.kept)}`;
    if (required.length === 0) return { detail: `0 of 4 required event types logged (${list(logged)} only — ${list(missing)} missing)${storage}`, confidence: 'high' };
    return { detail: `${required.length} of 4 required event types logged (${required.join(', ')} only — ${list(missing)} missing)${storage}`, confidence: 'high' };
  }
  if (worst?.class === 'mutable') return { detail: `4 of 4 required event types logged — but stored ${phrases(findings.kept.filter((item) => item.class === 'mutable'))}`, confidence: worst.confidence };
  return { detail: `4 of 4 required event types logged — stored ${phrases(findings.kept.filter((item) => item.class === 'unknown'))}: append-only not proven`, confidence: 'low' };
}

const RANK = { mutable: 0, unknown: 1, 'append-only': 2 } as const;
const SURE = { low: 0, medium: 1, high: 2 } as const;

function worstOf(kept: Findings['kept']): Findings['kept'][number] | undefined {
  return kept.toSorted((a, b) => RANK[a.class] - RANK[b.class] || SURE[a.confidence] - SURE[b.confidence])[0];
}

function phrases(kept: Findings['kept']): string {
  return [...new Set(kept.map(({ phrase }) => phrase))].join(' and ');
}

/** `a`, `a and b`, `a, b and c`. */
function list(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

function complianceOf(findings: Findings): DetectReport['compliance'] {
  const { frameworks, domain, auditFeature } = findings.compliance;
  const evidence: Evidence[] = [...frameworks, ...domain, ...auditFeature].slice(0, 10);
  const files = `${findings.filesRead} file${findings.filesRead === 1 ? '' : 's'}`;
  if (findings.stated !== undefined) return { subject: findings.stated.subject, reason: `stated in the configuration: ${findings.stated.reason}`, evidence };
  if (findings.assumeCompliance) return { subject: true, reason: 'assumed, as asked for', evidence };
  if (!findings.hasSessions) return { subject: false, reason: `no user sessions: nothing in ${files} signs a user in or out`, evidence };
  if (frameworks.length > 0) return { subject: true, reason: `${frameworks[0]!.why} in ${frameworks[0]!.file}:${frameworks[0]!.line}`, evidence };
  if (domain.length > 0) return { subject: true, reason: `${domain[0]!.why} in ${domain[0]!.file}:${domain[0]!.line}`, evidence };
  if (auditFeature.length > 0) return { subject: true, reason: `${auditFeature[0]!.why} in ${auditFeature[0]!.file}:${auditFeature[0]!.line}`, evidence };
  return { subject: false, reason: `not subject to audit or compliance requirements: no framework is named, no regulated domain and no audit feature was found in ${files}`, evidence };
}
