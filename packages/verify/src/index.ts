export { VerifyError } from './error.ts';
export { FINDING_CODES } from './finding-codes.ts';
export { formatReport } from './format-report.ts';
export { verifyLog } from './verify-log.ts';
export type { VerifyErrorCode } from './error.ts';
export type { Finding, Where } from './finding.ts';
export type { FindingCode, FindingRule, Severity } from './finding-codes.ts';
export type { Coverage, Report, Verdict } from './report.ts';
export type { VerifyOptions } from './verify-log.ts';
