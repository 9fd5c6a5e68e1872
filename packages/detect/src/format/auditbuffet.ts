import { createHash } from 'node:crypto';
import type { DetectReport } from '../report.ts';

/**
 * The report as a telemetry record with this one check. Holds no code, no path and no address; nothing is sent. `submission_id` follows
 * from the content, so that the same codebase gives the same bytes; `generated_at` is for whoever submits it to fill in.
 */
export function formatAuditbuffet(report: DetectReport, version: string): string {
  const passed = report.result === 'pass';
  const applicable = report.result !== 'skip';
  const score = applicable ? (passed ? 100 : 0) : null;
  const check = {
    id: 'finserv-session-security.session-lifecycle.session-operations-logged',
    label: 'Session operations logged', category_slug: 'session-lifecycle', result: report.result, severity: report.severity,
    detail: passed ? null : withoutAddresses(report.detail).slice(0, 500),
  };
  const counts = { total: 1, pass: passed ? 1 : 0, fail: report.result === 'fail' ? 1 : 0, skip: applicable ? 0 : 1, error: 0 };
  const record = {
    schema_version: '1.0.0', payload_type: 'audit_telemetry', submission_id: uuidOf(JSON.stringify([check, report.ratio, report.storageClass])), generated_at: null, project_id: null,
    audit: { slug: 'finserv-session-security', display_name: 'Financial services session security', version: '1.2.0', prompt_hash: null },
    build_tool: `indelible detect ${version}`,
    stack_summary: { framework: null, version: null, language: 'typescript', database: null, orm: null, auth: null, hosting: null, ui: null, project_type: null, project_size: null },
    scoring: { overall_score: score, grade: score === null ? null : score >= 90 ? 'A' : 'F', total_checks: 1, counts, categories: [{ slug: 'session-lifecycle', weight: 1, score }] },
    checks: [check],
    meta: { ratio: report.ratio, storage_class: report.storageClass, confidence: report.confidence },
  };
  return `${JSON.stringify(record, null, 2)}\n`;
}

function withoutAddresses(text: string): string {
  return text.replace(/\b[a-z][a-z0-9+.-]*:\/\/\S+/gi, '[address]').replace(/(?:[\w@.-]+\/)+[\w@.-]+\.\w+(?::\d+)?/g, '[file]');
}

function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
