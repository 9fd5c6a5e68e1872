import type { Evidence } from './report.ts';

/** A text in which compliance may be named. */
export interface ComplianceText {
  readonly path: string;
  readonly text: string;
  readonly kind: 'document' | 'manifest' | 'code' | 'schema';
}

/** Whether the application is subject to audit or compliance requirements, and where that shows. */
export interface Compliance {
  readonly frameworks: readonly Evidence[];
  readonly domain: readonly Evidence[];
  readonly auditFeature: readonly Evidence[];
}

const FRAMEWORK = /\bPCI(?:[ -]?DSS)?\b(?![ -]?(?:e\b|express|bus|device))|\bSOC[ -]?[12]\b|\bISO(?:\/IEC)?[ -]?2700[12]\b|\bH(?:IPAA|ipaa)\b|\bHITECH\b|\bHITRUST\b|\bG(?:DPR|dpr)\b|\bDSGVO\b|\bLGPD\b|\bSOX\b|\bSarbanes[- ]Oxley\b|\bDORA\b(?!\s+metrics)|\bFINRA\b|\bFedRAMP\b|\bNIST(?: SP)? ?800-\d+|\bGLBA\b|\bPSD2\b|\bMiFID\b|\bFERPA\b|\bCCPA\b|\bPIPEDA\b|\bNIS ?2\b|\b21 CFR Part 11\b|\bBaFin\b|\bMAS TRM\b|\bRBI (?:guidelines|compliance)|\bCJIS\b/;
const DISCLAIMED = /\b(?:not|isn't|without|no|never|un)\b[^.]{0,24}$/i;
const STRONG_DOMAIN = /^(?:patients?|prescriptions?|diagnos(?:is|es)|medical_?records?|loans?|loan_?applications?|mortgages?|kyc(?:_\w+)?|aml(?:_\w+)?|ledger(?:_?entries|_?accounts?)?|bank_?accounts?|bank_?transfers?|wire_?transfers?|insurance_?(?:claims?|polic(?:y|ies))|brokerage_?accounts?|health_?records?|ehr|phi_\w+|credit_?(?:scores?|applications?|cards?)|portfolio_?holdings|trading_?accounts?|securities|remittances?|clinical_?notes?|lab_?results?|beneficiar(?:y|ies))$/;
const WEAK_DOMAIN = /^(?:payments?|transactions?|transfers?|invoices?|payouts?|wallets?|accounts?_?balances?|balances?|payroll|salar(?:y|ies)|claims?|polic(?:y|ies)_holders?|deposits?|withdrawals?|tax_?returns?)$/;
const AUDIT = /audit(?:[-_ ]?(?:log|trail|event|entr|record|service|action|logger|table))|\b(?:audits?)\b\s*(?:log|trail)|(?:^|\/)audit(?:[-_.\w]*)?\.[cm]?[jt]sx?$|security[-_ ]?(?:audit|log|event)s?|\b\w+_audits?\b|\baudit_\w+/i;
const MAX_EVIDENCE = 5;
/** Files that speak about somebody else. */
const NOT_OURS = /(?:^|\/)(?:LICEN[CS]E|NOTICE|CHANGELOG|HISTORY|THIRD[-_]PARTY|node_modules)[\w.-]*|(?:^|\/)(?:blog|posts|articles|prompts?|\.claude|\.cursor|agents?|skills)\//i;

/** Collects what shows that audit or compliance requirements hold. Every finding has its line. */
export class ComplianceFinder {
  readonly #frameworks: Evidence[] = [];
  readonly #strong: Evidence[] = [];
  readonly #weak: Map<string, Evidence> = new Map();
  readonly #audit: Evidence[] = [];

  /** Reads one text. */
  read(text: ComplianceText): void {
    if (NOT_OURS.test(text.path)) return;
    if (this.#frameworks.length < MAX_EVIDENCE) this.#readFrameworks(text);
    if (text.kind === 'code' && this.#audit.length < MAX_EVIDENCE) {
      const inPath = /(?:^|\/)[\w.-]*audit[-_]?(?:log|trail|event|service|logger)?[\w.-]*\.[cm]?[jt]sx?$/i.test(text.path);
      const found = inPath ? 0 : text.text.search(AUDIT);
      if (found !== -1 && !/npm audit|\baudit-ci\b/.test(text.text.slice(Math.max(0, found - 20), found + 20))) this.#audit.push(evidence(text, found, 'audit feature'));
    }
    if (text.kind === 'schema') {
      const found = text.text.search(/\baudit\w*/i);
      if (found !== -1 && this.#audit.length < MAX_EVIDENCE) this.#audit.push(evidence(text, found, 'audit table'));
    }
  }

  /** Notes a table or route of the application. */
  domainWord(name: string, at: { readonly path: string; readonly text: string; readonly at: number }): void {
    const word = name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase();
    if (STRONG_DOMAIN.test(word)) {
      if (this.#strong.length < MAX_EVIDENCE) this.#strong.push(evidence(at, at.at, `regulated domain: ${name}`));
    } else if (WEAK_DOMAIN.test(word) && !this.#weak.has(word.replace(/s$/, ''))) this.#weak.set(word.replace(/s$/, ''), evidence(at, at.at, `regulated domain: ${name}`));
  }

  /** What was found. */
  result(): Compliance {
    // One weak word alone is any shop; two are somebody's money.
    const domain = [...this.#strong, ...(this.#strong.length > 0 || this.#weak.size >= 2 ? this.#weak.values() : [])].slice(0, MAX_EVIDENCE);
    return { frameworks: this.#frameworks, domain, auditFeature: this.#audit };
  }

  #readFrameworks(text: ComplianceText): void {
    const quick = text.kind === 'code' ? codeComments(text) : text.text;
    const match = FRAMEWORK.exec(quick);
    if (match === null || DISCLAIMED.test(quick.slice(Math.max(0, match.index - 40), match.index))) return;
    if (text.kind === 'code' && /^GDPR$/.test(match[0]) && /cookie/i.test(quick.slice(Math.max(0, match.index - 80), match.index + 80))) return;
    this.#frameworks.push(evidence(text, match.index, `names ${match[0]}`));
  }
}

/** Of code, what may hold a claim: everything. A string that a user reads names a framework as well as a comment does. */
function codeComments(text: ComplianceText): string {
  return text.text;
}

function evidence(text: { readonly path: string; readonly text: string }, at: number, why: string): Evidence {
  let line = 1;
  for (let i = text.text.indexOf('\n'); i !== -1 && i < at; i = text.text.indexOf('\n', i + 1)) line++;
  const begin = text.text.lastIndexOf('\n', at - 1) + 1;
  const end = text.text.indexOf('\n', at);
  return { file: text.path, line, snippet: text.text.slice(begin, end === -1 ? begin + 300 : Math.min(end, begin + 300)).trim().slice(0, 160), why };
}
