export { compareBaseline, formatBaseline, makeBaseline, parseBaseline } from './baseline.ts';
export { parseDetectConfig } from './config.ts';
export { detect } from './detect.ts';
export { DetectError } from './error.ts';
export { EVENTS } from './events/event-name.ts';
export { formatAuditbuffet } from './format/auditbuffet.ts';
export { formatExplanation } from './format/explain.ts';
export { formatMarkdown } from './format/markdown.ts';
export { formatSarif } from './format/sarif.ts';
export { formatText } from './format/text.ts';

export type { Baseline, BaselineComparison } from './baseline.ts';
export type { OnProgress } from './code/load.ts';
export type { DetectConfig, SinkAssertion } from './config.ts';
export type { DetectOptions } from './detect.ts';
export type { DetectErrorCode } from './error.ts';
export type { EventName } from './events/event-name.ts';
export type { Confidence, DetectReport, EventReport, Evidence, Place, StorageClass, StorageReport } from './report.ts';
