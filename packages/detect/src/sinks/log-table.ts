/** A name in snake case: `AuditLog`, `audit-log` and `auditLogs` begin alike. */
export function snakeCase(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').replace(/([A-Z]+)([A-Z][a-z])/g, '$1_$2').replace(/[^A-Za-z0-9]+/g, '_').toLowerCase();
}

const LOG = /(?:^|_)(?:audit|audits|auditoria|auditlog|auditlogs|logs?|logg|history|histories|historico|trail|trails|ledger|journal|bitacora|activity|activities|atividades?|events?|eventlog|syslog|accesses|acessos?)(?:_|$)|log$|logs$|(?:^|_)logins?$|(?:^|_)(?:login|auth|security|access|session)_(?:attempts?|records?|entries|entry|tracking|tracks?|actions?|activit(?:y|ies))(?:_|$)|riwayat|protokoll/;
const NOT_LOG = /notification|analytic|blog|catalog|dialog|changelog|email|mail|webhook|calendar|product|chat|error_?log|page_?view|sms|sync_log|blogs|backlog|workout|order_|payment|price|stock|invento|outbox|telemetry|metric|impression|campaign|feed|message|conversation|transcript|ai_|llm|prompt|crawl|job_|cron|api_?usage|usage_/;

/** Whether a table of this name is a log. */
export function isLogTable(name: string): boolean {
  const snake = snakeCase(name);
  return LOG.test(snake) && !NOT_LOG.test(snake);
}
