import { lastName, writtenPath, type Call, type Module, type Value } from '../code/ir.ts';
import { placeAt } from '../code/place.ts';
import type { Project } from '../code/project.ts';
import type { Resolver } from '../code/resolver.ts';
import { textsOf } from '../code/strings.ts';
import type { Evidence } from '../report.ts';
import { nameOfFile } from '../sinks/other-sinks.ts';
import { tokenizeSql, unquote } from './sql-tokens.ts';
import type { Tables } from './tables.ts';

const CHANGES = ['delete', 'deleteMany', 'deleteOne', 'update', 'updateMany', 'updateOne', 'destroy', 'truncate', 'findByIdAndDelete', 'findByIdAndUpdate', 'findOneAndUpdate', 'findOneAndDelete', 'remove', 'del', 'deleteFrom', 'updateTable', 'drop', 'clear', 'softDelete', 'upsert'];
const SQL_RUNNERS = /query|exec|run|sql|raw|none|any|unsafe|prepare/i;

/** Code that changes or deletes what was logged, by table, and files that are removed or cut. */
export interface CounterEvidence {
  readonly tables: ReadonlyMap<string, readonly Evidence[]>;
  readonly files: ReadonlyMap<string, readonly Evidence[]>;
}

/** Looks for code that takes entries back. */
export function findCounterEvidence(project: Project, resolver: Resolver, tables: Tables): CounterEvidence {
  const byTable = new Map<string, Evidence[]>();
  const byFile = new Map<string, Evidence[]>();
  for (const name of CHANGES) {
    for (const call of project.callsNamed(name)) {
      const table = changedTable(resolver, tables, call, name);
      if (table !== undefined) push(byTable, table.toLowerCase(), { ...placeAt(call.fn.module, call.at), why: `${name} on ${table}` });
    }
  }
  for (const name of project.calledNames()) {
    if (!SQL_RUNNERS.test(name)) continue;
    for (const call of project.callsNamed(name)) noteSql(resolver, call, byTable);
  }
  for (const name of ['unlink', 'unlinkSync', 'rm', 'rmSync', 'truncate', 'truncateSync', 'ftruncate', 'writeFile', 'writeFileSync']) {
    for (const call of project.callsNamed(name)) {
      const [first, , options] = call.args;
      if (first === undefined || !/\bfs|unlink|rm|truncate|writeFile/.test(writtenPath(call.callee))) continue;
      if (name.startsWith('write') && options?.k === 'obj' && options.props.some((prop) => /^flags?$/.test(prop.key ?? '') && prop.value.k === 'str' && prop.value.v.startsWith('a'))) continue;
      push(byFile, nameOfFile(resolver, first, { fn: call.fn }), { ...placeAt(call.fn.module, call.at), why: `${name} of the file` });
    }
  }
  return { tables: byTable, files: byFile };
}

function changedTable(resolver: Resolver, tables: Tables, call: Call, name: string): string | undefined {
  const { callee, args } = call;
  if (callee.k !== 'mem') return undefined;
  const frame = { fn: call.fn };
  const { of } = callee;
  if (of.k === 'mem') {
    const model = tables.prismaModel(of.prop, call.fn.module.path);
    if (model !== undefined) return model.table;
  }
  if (/^(?:delete|update|deleteFrom|updateTable)$/.test(name) && args[0] !== undefined) {
    const direct = tables.ofValue(resolver, args[0], frame) ?? (name.length > 6 ? textsOf(resolver, args[0], frame).texts[0]?.text : undefined);
    if (direct !== undefined) return direct;
  }
  let at: Value = of;
  for (let steps = 0; steps < 8; steps++) {
    if (at.k === 'call') {
      if (/^(?:from|collection|table|knex|db|trx)$/.test(lastName(at.call.callee) ?? '') && at.call.args[0] !== undefined) {
        return tables.ofValue(resolver, at.call.args[0], frame) ?? textsOf(resolver, at.call.args[0], frame).texts[0]?.text;
      }
      at = at.call.callee;
    } else if (at.k === 'mem') at = at.of;
    else break;
  }
  return tables.ofEntities(resolver, resolver.resolve(of, frame), name)?.name ?? (/^[A-Z]/.test(lastName(of) ?? '') ? tables.named(lastName(of)!) : undefined);
}

const CHANGES_ROWS = /\b(?:delete\s+from|truncate\s|update\s+["`\w.]+\s+set)\b/i;
const changing: WeakMap<Module, boolean> = new WeakMap();

function noteSql(resolver: Resolver, call: Call, byTable: Map<string, Evidence[]>): void {
  const { module } = call.fn;
  let has = changing.get(module);
  if (has === undefined) changing.set(module, (has = CHANGES_ROWS.test(module.text)));
  if (!has) return;
  for (const arg of call.args.slice(0, 1)) {
    const texts = arg.k === 'str' ? [arg.v] : arg.k === 'tpl' || arg.k === 'name' ? textsOf(resolver, arg, { fn: call.fn }).texts.map(({ text }) => text) : [];
    for (const text of texts) {
      if (!/\b(?:delete\s+from|truncate|update\s+["`\w.]+\s+set)\b/i.test(text) || /create\s+(?:or\s+replace\s+)?(?:function|trigger|rule)/i.test(text)) continue;
      const tokens = tokenizeSql(text.slice(0, 5_000));
      for (const [i, token] of tokens.entries()) {
        const isDelete = /^delete$/i.test(token) && /^from$/i.test(tokens[i + 1] ?? '');
        const isUpdate = /^update$/i.test(token) && tokens.slice(i, i + 6).some((next) => /^set$/i.test(next));
        const isTruncate = /^truncate$/i.test(token);
        if (!isDelete && !isUpdate && !isTruncate) continue;
        let at = i + (isDelete ? 2 : 1);
        if (/^table$/i.test(tokens[at] ?? '')) at++;
        while (tokens[at + 1] === '.') at += 2;
        const table = unquote(tokens[at] ?? '');
        if (/^\w+$/.test(table)) push(byTable, table.toLowerCase(), { ...placeAt(call.fn.module, call.at), why: `${isDelete ? 'DELETE' : isUpdate ? 'UPDATE' : 'TRUNCATE'} of ${table}` });
      }
    }
  }
}

function push(map: Map<string, Evidence[]>, key: string, evidence: Evidence): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, [evidence]);
  else if (known.length < 6) known.push(evidence);
}
