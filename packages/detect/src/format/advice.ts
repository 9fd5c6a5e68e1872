import { EVENTS, REQUIRED, recordedName, type EventName } from '../events/event-name.ts';
import type { DetectReport } from '../report.ts';

/** A next step: a sentence, and the lines to add. */
export interface Step {
  readonly what: string;
  readonly lines: readonly string[];
}

const WHERE: Readonly<Record<EventName, string>> = {
  login: 'where a user has been authenticated',
  logout: 'where a session is ended',
  timeout: 'where a session is found or made expired',
  extension: 'where a deadline is moved: a refreshed token, a rolling cookie, "stay signed in"',
  concurrent_warning: 'where a login finds another open session of the same user',
};

/** What to do next, with Indelible and without it. */
export function nextSteps(report: DetectReport): Step[] {
  const steps: Step[] = [];
  const missing = EVENTS.filter((event) => report.events[event].status !== 'logged');
  const dead = missing.filter((event) => report.events[event].status === 'dead_code');
  if (dead.length > 0) steps.push({ what: `Call what is already written for ${dead.join(', ')}: nothing does`, lines: [] });
  const required = missing.filter((event) => REQUIRED.includes(event));
  if (required.length > 0) {
    steps.push({
      what: 'Log what is missing, with Indelible',
      lines: ["import { logSessionEvent } from '@indelible/session';", ...required.map((event) => `await logSessionEvent(userId, '${recordedName(event)}', { sessionId, ip, userAgent }); // ${WHERE[event]}`)],
    });
    steps.push({ what: 'or with the logger you have', lines: required.map((event) => `auditLogger.info({ event: '${event}', userId, sessionId, ip });`) });
  }
  if (report.storageClass === 'mutable') {
    const table = report.storage.find((item) => item.class === 'mutable' && /table/.test(item.mechanism));
    const name = table === undefined || !/^\w+$/.test(table.name) ? 'audit_log' : table.name;
    steps.push({
      what: table === undefined ? 'Keep the events where they cannot be changed: an append-only file, a table like this one, a locked bucket' : `Block changes to ${name} (PostgreSQL)`,
      lines: [
        'CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$',
        "BEGIN RAISE EXCEPTION 'append-only'; END $$;",
        `CREATE TRIGGER ${name}_append_only BEFORE UPDATE OR DELETE ON "${name}" FOR EACH ROW EXECUTE FUNCTION refuse_change();`,
        `CREATE TRIGGER ${name}_no_truncate BEFORE TRUNCATE ON "${name}" FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();`,
      ],
    });
  } else if (report.storageClass === 'unknown') {
    const sink = report.storage.find((item) => item.class === 'unknown')?.name ?? '*';
    steps.push({
      what: 'If what receives the events is append-only, say so in indelible-detect.json',
      lines: [JSON.stringify({ sinks: [{ sink, class: 'append-only', reason: 'why it cannot be changed there, in a sentence' }] })],
    });
  }
  return steps;
}
