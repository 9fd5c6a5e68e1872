import type { Confidence, Evidence, StorageClass } from '../report.ts';
import type { Change, SqlSchema, SqlTable } from './sql-schema.ts';

/** What keeps the rows of a table as they are, or that nothing does. */
export interface Protection {
  readonly class: StorageClass;
  readonly confidence: Confidence;
  readonly mechanism: string;
  readonly evidence: readonly Evidence[];
  readonly carveOuts: readonly string[];
}

/** A condition that asks who acts, not what: whoever may answer it otherwise is a carve-out, and the rest stay blocked. */
const ASKS_WHO = /current_user|session_user|current_setting|pg_has_role|current_role|auth\.(?:role|jwt)|is_superuser/i;
const RAISES = /\braise\s+exception\b|\braise\s*\(\s*(?:abort|fail|rollback)|\bsignal\s+sqlstate|\braiserror\b|\bthrow\b|\brollback\s+tran/i;

/** Whether and how a table is protected. `bypassed` says that the writer has a role that row level security does not bind. */
export function protectionOf(schema: SqlSchema, name: string, bypassed: boolean): Protection {
  const table = schema.tables.get(name.toLowerCase());
  if (table === undefined) return { class: 'mutable', confidence: 'high', mechanism: 'ordinary table: nothing blocks UPDATE and DELETE', evidence: [], carveOuts: [] };
  const blocked = new Map<Change, Evidence>();
  const carveOuts: string[] = [];
  const block = (change: Change, evidence: Evidence): void => {
    if (!blocked.has(change)) blocked.set(change, evidence);
  };
  let truncate = false;
  const mechanisms = new Set<string>();
  for (const trigger of table.triggers.values()) {
    if (trigger.disabled) {
      carveOuts.push(`trigger ${trigger.name} is disabled`);
      continue;
    }
    const effect = triggerEffect(schema, trigger);
    if (effect === undefined) continue;
    const refused = [...trigger.changes].filter((change) => effect.changes === undefined || effect.changes.has(change));
    for (const change of refused) {
      mechanisms.add('trigger');
      block(change, { ...trigger.place, why: `trigger ${trigger.name} refuses ${refused.map((each) => each.toUpperCase()).join(' and ')} on ${table.name}` });
    }
    if (trigger.truncate) truncate = true;
    if (effect.carveOut !== undefined) carveOuts.push(`trigger ${trigger.name} lets through: ${effect.carveOut}`);
  }
  for (const [rule, { change, place }] of table.rules) {
    mechanisms.add('rule');
    block(change, { ...place, why: `rule ${rule} turns ${change.toUpperCase()} on ${table.name} into nothing` });
  }
  let weakest: Confidence = 'high';
  if (blocked.size < 2) {
    const grants = grantsOf(table);
    if (grants !== undefined) {
      mechanisms.add('grants');
      for (const change of ['update', 'delete'] as const) block(change, grants.evidence);
      carveOuts.push(...grants.carveOuts);
      weakest = grants.confidence;
    }
  }
  if (blocked.size < 2) {
    const rls = rowSecurityOf(table);
    if (rls !== undefined && bypassed) carveOuts.push('row level security is bypassed: the application writes with a service role');
    else if (rls !== undefined) {
      mechanisms.add('row level security');
      for (const change of ['update', 'delete'] as const) block(change, rls.evidence);
      carveOuts.push(...rls.carveOuts);
    }
  }
  const counter: Evidence[] = table.changed.map(({ change, place }) => ({ ...place, why: `${change.toUpperCase()} of ${table.name} in SQL` }));
  if (blocked.size === 2) {
    if (!truncate) carveOuts.push('TRUNCATE is not blocked');
    return { class: 'append-only', confidence: weakest, mechanism: `UPDATE and DELETE blocked by ${[...mechanisms].sort().join(' and ')}`, evidence: dedupe([...blocked.values()]), carveOuts: [...new Set(carveOuts)].sort() };
  }
  const [only] = blocked.keys();
  const missing = only === 'update' ? 'DELETE' : 'UPDATE';
  const mechanism = blocked.size === 1 ? `only ${only!.toUpperCase()} is blocked, ${missing} is not` : 'ordinary table: nothing blocks UPDATE and DELETE';
  const own: Evidence[] = table.place === undefined ? [] : [{ ...table.place, why: `table ${table.name} is made here` }];
  return { class: 'mutable', confidence: 'high', mechanism, evidence: dedupe([...blocked.values(), ...own, ...counter]), carveOuts: [...new Set(carveOuts)].sort() };
}

function triggerEffect(schema: SqlSchema, trigger: { readonly runs: string | undefined; readonly body: string | undefined; readonly condition: string | undefined }): { changes?: ReadonlySet<Change>; carveOut?: string } | undefined {
  const body = trigger.body ?? (trigger.runs === undefined ? undefined : schema.functions.get(trigger.runs)?.body);
  if (body === undefined) return undefined;
  const effect = bodyEffect(body);
  if (effect === undefined || trigger.condition === undefined) return effect;
  if (!ASKS_WHO.test(trigger.condition)) return undefined;
  return { ...effect, carveOut: trigger.condition.slice(0, 120) };
}

/** What a body refuses: everything, some changes (`TG_OP = 'DELETE'`), or nothing that could be relied on. */
function bodyEffect(body: string): { changes?: ReadonlySet<Change>; carveOut?: string } | undefined {
  const conditions: string[] = [];
  let everything = false;
  const changes = new Set<Change>();
  let carveOut: string | undefined;
  let returnsEarly: string | undefined;
  const pieces = body.split(/(\bif\b[\s\S]*?\bthen\b|\belsif\b[\s\S]*?\bthen\b|\belse\b|\bend\s+if\b)/i);
  for (const piece of pieces) {
    if (/^\s*end\s+if\b/i.test(piece)) conditions.pop();
    else if (/^\s*(?:elsif\b[\s\S]*then)\s*$/i.test(piece)) {
      conditions.pop();
      conditions.push(piece);
    } else if (/^\s*else\s*$/i.test(piece)) {
      const before = conditions.pop() ?? '';
      conditions.push(/tg_op\s*=\s*'update'/i.test(before) ? "tg_op = 'DELETE'" : /tg_op\s*=\s*'delete'/i.test(before) ? "tg_op = 'UPDATE'" : `not ${before}`);
    } else if (/^\s*if\b[\s\S]*then\s*$/i.test(piece)) conditions.push(piece);
    else if (conditions.some((condition) => ASKS_WHO.test(condition)) && /\breturn\s+(?:new|old)\b/i.test(piece) && !RAISES.test(piece)) returnsEarly = conditions.find((condition) => ASKS_WHO.test(condition));
    else if (RAISES.test(piece) || (conditions.length === 0 && /\breturn\s+null\b/i.test(piece) && !/\b(?:insert|perform|notify)\b/i.test(body) && !/\bafter\b/i.test(body))) {
      if (conditions.length === 0) everything = true;
      else if (conditions.every((condition) => /tg_op/i.test(condition) && !/\b(?:old|new)\./i.test(condition))) {
        for (const condition of conditions) {
          if (/update/i.test(condition)) changes.add('update');
          if (/delete/i.test(condition)) changes.add('delete');
        }
      } else if (conditions.every((condition) => ASKS_WHO.test(condition) || /tg_op/i.test(condition))) {
        everything = true;
        carveOut = conditions.join(' ');
      }
    }
  }
  const asked = (returnsEarly ?? carveOut)?.replace(/\s+/g, ' ').trim().slice(0, 120);
  if (everything) return asked === undefined ? {} : { carveOut: asked };
  return changes.size > 0 ? { changes, ...(asked === undefined ? {} : { carveOut: asked }) } : undefined;
}

function grantsOf(table: SqlTable): { evidence: Evidence; carveOuts: string[]; confidence: Confidence } | undefined {
  const carveOuts: string[] = [];
  let found: { evidence: Evidence; publicOnly: boolean } | undefined;
  for (const [role, { changes, place }] of table.revoked) {
    if (changes.size < 2) continue;
    const evidence = { ...place, why: `UPDATE and DELETE on ${table.name} are revoked from ${role}` };
    if (found === undefined || found.publicOnly) found = { evidence, publicOnly: role === 'public' };
  }
  for (const [role, { privileges, place }] of table.granted) {
    if (privileges.has('insert') && !privileges.has('update') && !privileges.has('delete') && (found === undefined || found.publicOnly)) {
      found = { evidence: { ...place, why: `${role} is granted INSERT on ${table.name}, neither UPDATE nor DELETE` }, publicOnly: false };
    }
    const may = (['update', 'delete'] as const).filter((change) => privileges.has(change));
    if (may.length > 0) carveOuts.push(`${role} is granted ${may.map((change) => change.toUpperCase()).join(' and ')}`);
  }
  if (found === undefined) return undefined;
  // The writer itself may be the one that was granted more.
  if (table.granted.size > 0 && [...table.granted.values()].every(({ privileges }) => privileges.has('update') || privileges.has('delete')) && found.publicOnly) return undefined;
  carveOuts.push('the owner of the table and superusers are not bound by grants');
  if (found.publicOnly) carveOuts.push('only PUBLIC was revoked: rights granted to a role by name remain');
  return { evidence: found.evidence, carveOuts, confidence: found.publicOnly ? 'medium' : 'high' };
}

function rowSecurityOf(table: SqlTable): { evidence: Evidence; carveOuts: string[] } | undefined {
  if (table.rls?.enabled !== true) return undefined;
  for (const policy of table.policies.values()) {
    if (policy.command === 'all' || policy.command === 'update' || policy.command === 'delete') {
      if (!/^\(?false\)?/.test(policy.using)) return undefined;
    }
  }
  return {
    evidence: { ...table.rls.place, why: `row level security on ${table.name}, and no policy allows UPDATE or DELETE` },
    carveOuts: table.rls.forced ? ['superusers and roles with BYPASSRLS are not bound'] : ['the owner of the table, superusers and service roles bypass row level security'],
  };
}

function dedupe(evidence: readonly Evidence[]): Evidence[] {
  const seen = new Set<string>();
  return evidence.filter((item) => {
    const key = `${item.file}:${item.line}:${item.why}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}
