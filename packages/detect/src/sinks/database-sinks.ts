import type { Entity, Frame } from '../code/entity.ts';
import { lastName, writtenPath, type Call, type Module, type Value } from '../code/ir.ts';
import type { Resolver } from '../code/resolver.ts';
import { textsOf } from '../code/strings.ts';
import { fieldsOf, type RecordField, type WrittenRecord } from '../events/record.ts';
import { parseInsert } from '../storage/sql-insert.ts';
import { isLogTable } from './log-table.ts';
import type { Sink } from './sink.ts';
import type { Tables } from '../storage/tables.ts';

const INSERTS = new Set(['create', 'createMany', 'createManyAndReturn', 'upsert', 'insert', 'insertMany', 'insertOne', 'insertGraph', 'bulkCreate', 'bulkInsert', 'save', 'values', 'add', 'addDoc', 'put', 'into', 'insertAndFetch', 'insertOrUpdate', 'persist', 'findOrCreate', 'createOne', 'append', 'set', 'items', 'insertMultiple', 'createDocument', 'createRow']);
const RUNS_SQL = new Set(['query', 'execute', 'run', 'none', 'one', 'oneOrNone', 'any', 'raw', 'sql', '$executeRaw', '$queryRaw', '$executeRawUnsafe', '$queryRawUnsafe', 'exec', 'prepare', 'unsafe', 'all', 'get', 'manyOrNone', 'queryObject', 'queryArray', 'executeQuery', 'pool', 'db', 'batch']);

/** The sink that a call on a database is: an insert into a table that is a log. */
export function databaseSink(resolver: Resolver, tables: Tables, call: Call): Sink | undefined {
  const name = lastName(call.callee);
  if (name === undefined) return undefined;
  if (INSERTS.has(name)) {
    const found = insertInto(resolver, tables, call, name);
    if (found !== undefined && isLogTable(found.table)) {
      return {
        store: { kind: 'table', name: found.table, via: found.via, ...(found.model === undefined ? {} : { model: found.model }) },
        call, dedicated: true, record: (frame) => recordOf(resolver, found.data, frame, found.table),
      };
    }
  }
  if (name === 'rpc' && call.args.length >= 1) return rpcSink(resolver, tables, call);
  const hasText = call.tagged || RUNS_SQL.has(name) || /query|exec|sql|insert/i.test(name);
  return hasText ? sqlSink(resolver, call) : undefined;
}

interface Insert {
  readonly table: string;
  readonly via: string;
  readonly model?: string;
  readonly data: Value;
}

const NO_DATA: Value = { k: 'none' };

function insertInto(resolver: Resolver, tables: Tables, call: Call, name: string): Insert | undefined {
  const { callee, args } = call;
  const frame: Frame = { fn: call.fn };
  const first = args[0] ?? NO_DATA;
  if (name === 'addDoc' && first.k === 'call') {
    const table = textOf(resolver, first.call.args.at(-1) ?? NO_DATA, frame);
    return table === undefined ? undefined : { table, via: 'firestore', data: args[1] ?? NO_DATA };
  }
  if (callee.k !== 'mem') return undefined;
  const of = callee.of;
  // `.insert(t).values({…})`, `.insertInto('t').values({…})`, `.insert().into(T).values({…})`
  if (name === 'values') {
    const target = chainCall(of, /^(?:insert|insertInto|into)$/);
    if (target?.args[0] === undefined) return undefined;
    const table = tables.ofValue(resolver, target.args[0], frame) ?? textOf(resolver, target.args[0], frame);
    return table === undefined ? undefined : { table, via: target.args[0].k === 'str' ? 'kysely' : 'drizzle', data: first };
  }
  if (name === 'into') {
    const inserted = chainCall(of, /^insert$/);
    const table = tables.ofValue(resolver, first, frame) ?? textOf(resolver, first, frame);
    return inserted === undefined || table === undefined ? undefined : { table, via: 'knex', data: inserted.args[0] ?? NO_DATA };
  }
  // knex('t').insert, db.from('t').insert, db.collection('t').insertOne, .doc().set
  if (of.k === 'call') {
    const holder = chainCall(of, /^(?:from|collection|table|into|withSchema|knex|db|trx|database|conn|connection|model|repository|getRepository|getCollection|schema|container|default)$/) ?? of.call;
    const method = lastName(holder.callee) ?? '';
    for (const argument of holder.args.slice(0, 1)) {
      const table = tables.ofValue(resolver, argument, frame) ?? textOf(resolver, argument, frame);
      if (table !== undefined && !(name === 'set' && method !== 'collection')) return { table, via: method === 'from' ? 'supabase' : method === 'collection' ? 'collection' : method === 'getRepository' ? 'typeorm' : 'knex', data: first };
    }
    // new Model({…}).save()
    if (name === 'save' && of.call.isNew) {
      const table = tables.ofValue(resolver, of.call.callee, frame);
      if (table !== undefined) return { table, via: 'model', data: of.call.args[0] ?? NO_DATA };
    }
  }
  // const entry = new this.auditModel({…}); await entry.save()
  if (name === 'save' && of.k === 'name' && args.length === 0) {
    for (const value of call.fn.locals.get(of.name) ?? []) {
      const table = value.k === 'call' && value.call.isNew ? tables.ofValue(resolver, value.call.callee, frame) : undefined;
      if (table !== undefined && value.k === 'call') return { table, via: 'model', data: value.call.args[0] ?? NO_DATA };
    }
  }
  // prisma.auditLog.create({ data })
  if (of.k === 'mem' && /^(?:create|createMany|createManyAndReturn|upsert)$/.test(name)) {
    const model = tables.prismaModel(of.prop, call.fn.module.path);
    if (model !== undefined && !isOwnMethod(resolver, call, frame)) return { table: model.table, via: 'prisma', model: model.name, data: first };
    if (/prisma|^tx$|^db$|^client$|^orm$|^trx$/i.test(lastName(of.of) ?? '') && !isOwnMethod(resolver, call, frame)) return { table: of.prop, via: 'prisma', data: first };
  }
  // em.persist(new AuditLog(…)), manager.save(AuditLog, {…}), manager.insert(AuditLog, {…})
  if (/^(?:save|insert|create|persist|upsert)$/.test(name) && first.k !== 'obj') {
    const table = tables.ofValue(resolver, first, frame);
    if (table !== undefined && args[1] !== undefined) return { table, via: 'typeorm', data: args[1] };
  }
  const entities = resolver.resolve(of, frame);
  const table = tables.ofEntities(resolver, entities, name);
  if (table !== undefined) return { table: table.name, via: table.via, data: table.data ?? first };
  // Only a name says what it is: AuditLog.create({…}), auditLogRepository.save({…}).
  const receiver = lastName(of) ?? '';
  const known = entities.some((entity) => entity.e === 'inst' || entity.e === 'val' || entity.e === 'fn' || entity.e === 'mod' || (entity.e === 'cls' && entity.cls.methods.has(name)));
  if (!known && args.length > 0 && /^(?:create|insertOne|insertMany|bulkCreate|insert|save|add)$/.test(name)) {
    if (/(?:Repository|Repo|Model|Collection|Table|Store|Dao)$/.test(receiver) && first.k !== 'str') {
      const model = receiver.replace(/(?:Repository|Repo|Model|Collection|Table|Store|Dao)$/, '');
      return { table: tables.named(model) ?? model, via: 'model', data: first };
    }
    if (/^[A-Z]/.test(receiver) && tables.named(receiver) !== undefined) return { table: tables.named(receiver)!, via: 'model', data: first };
    if (/^[A-Z]\w*(?:Log|Logs|History|Event|Trail|Activity)$/.test(receiver) && entities.some(({ e }) => e === 'param' || e === 'typed' || e === 'made' || e === 'ext' || e === 'global')) return { table: receiver, via: 'model', data: first };
  }
  return undefined;
}

function isOwnMethod(resolver: Resolver, call: Call, frame: Frame): boolean {
  return resolver.resolve(call.callee, frame).some(({ e }) => e === 'fn');
}

function textOf(resolver: Resolver, value: Value, frame: Frame): string | undefined {
  return textsOf(resolver, value, frame).texts[0]?.text;
}

/** The call in a chain whose method matches: of `db.insert(t).values(x)` the one of `insert`. */
function chainCall(value: Value, method: RegExp): Call | undefined {
  let at: Value = value;
  for (let steps = 0; steps < 8; steps++) {
    if (at.k === 'call') {
      if (method.test(lastName(at.call.callee) ?? '') && at.call.args.length > 0) return at.call;
      at = at.call.callee;
    } else if (at.k === 'mem') at = at.of;
    else return undefined;
  }
  return undefined;
}

function recordOf(resolver: Resolver, data: Value, frame: Frame, table: string): WrittenRecord {
  const record = fieldsOf(resolver, data, frame);
  // A table that holds one kind of event names it itself.
  const own = /log_?in|sign_?in/i.test(table) && !/attempt|fail/i.test(table);
  if (!own) return record;
  const field: RecordField = { key: 'table', value: { k: 'str', v: table, at: 0 }, frame, depth: 9 };
  return { ...record, fields: [...record.fields, field] };
}

function rpcSink(resolver: Resolver, tables: Tables, call: Call): Sink | undefined {
  const frame: Frame = { fn: call.fn };
  const name = textOf(resolver, call.args[0]!, frame);
  const table = name === undefined ? undefined : tables.insertedByFunction(name);
  if (table === undefined || !isLogTable(table)) return undefined;
  return {
    store: { kind: 'table', name: table, via: 'supabase rpc' }, call, dedicated: true,
    record: (at) => {
      const inner = fieldsOf(resolver, call.args[1] ?? NO_DATA, at);
      return { ...inner, fields: inner.fields.map((field) => ({ ...field, key: field.key.replace(/^_?p?_/, '') })) };
    },
  };
}

const INSERT = /insert\s+(?:or\s+\w+\s+|ignore\s+)?into/i;
const withInsert: WeakMap<Module, boolean> = new WeakMap();

/** Whether a module writes an INSERT, so that its strings are worth putting together. */
function hasInsert(module: Module): boolean {
  let has = withInsert.get(module);
  if (has === undefined) withInsert.set(module, (has = INSERT.test(module.text)));
  return has;
}

function sqlSink(resolver: Resolver, call: Call): Sink | undefined {
  if (!hasInsert(call.fn.module) && !isImportedText(resolver, call)) return undefined;
  const frame: Frame = { fn: call.fn };
  const statement = sqlArgument(resolver, call, frame);
  if (statement === undefined) return undefined;
  const insert = parseInsert(statement.text);
  if (insert === undefined || !isLogTable(insert.table)) return undefined;
  return {
    store: { kind: 'table', name: insert.table, via: 'SQL' }, call, dedicated: true,
    record: (at) => {
      const fields: RecordField[] = [];
      const open: (Entity & { e: 'param' })[] = [];
      const values = statement.tagged ? (call.args[0]?.k === 'tpl' ? call.args[0].parts.filter((part) => part.k !== 'str') : []) : boundValues(resolver, call, at);
      let position = 0;
      for (const [i, column] of insert.columns.entries()) {
        const written = insert.values[i];
        if (written === undefined) continue;
        if (written.text !== undefined) fields.push({ key: column, value: { k: 'str', v: written.text, at: call.at }, frame: at, depth: 0 });
        else if (written.placeholder) {
          const value = values[written.index ?? position];
          position++;
          if (value === undefined) continue;
          const inner = fieldsOf(resolver, value, at, column, 1);
          fields.push({ key: column, value, frame: at, depth: 0 }, ...inner.fields.filter((field) => field.key !== column));
          open.push(...inner.open.filter(() => false));
        }
      }
      return { fields, open };
    },
  };
}

/** A statement that another module holds: a constant that is imported. */
function isImportedText(resolver: Resolver, call: Call): boolean {
  const [first] = call.args;
  const name = first?.k === 'name' ? first.name : first?.k === 'mem' && first.of.k === 'name' ? first.of.name : undefined;
  if (name === undefined || call.fn.module.top.locals.get(name)?.[0]?.k !== 'imp') return false;
  return resolver.resolve(first!, { fn: call.fn }).some((entity) => entity.e === 'val' && hasInsert(entity.f.fn.module));
}

function sqlArgument(resolver: Resolver, call: Call, frame: Frame): { text: string; tagged: boolean } | undefined {
  for (const [i, arg] of call.args.slice(0, 2).entries()) {
    if (arg.k === 'obj') {
      const text = arg.props.find((prop) => prop.key === 'text' || prop.key === 'sql')?.value;
      const found = text === undefined ? undefined : textOf(resolver, text, frame);
      if (found !== undefined && /insert\s+(?:or\s+\w+\s+)?into/i.test(found)) return { text: found, tagged: false };
      continue;
    }
    if (arg.k === 'call' && arg.call.tagged && i === 0) continue;
    const found = textsOf(resolver, arg, frame).texts.find(({ text }) => /insert\s+(?:or\s+\w+\s+)?into/i.test(text));
    if (found !== undefined) return { text: found.text, tagged: call.tagged || arg.k === 'tpl' };
  }
  return undefined;
}

/** Values for the placeholders: an array or object after the statement, or the arguments of `.run(…)`. */
function boundValues(resolver: Resolver, call: Call, frame: Frame): readonly Value[] {
  const lists = call.args.slice(1).flatMap((arg) => resolver.resolve(arg, frame).flatMap((entity) => (entity.e === 'val' && entity.v.k === 'arr' ? [entity.v.items] : [])));
  if (lists[0] !== undefined) return lists[0];
  const object = call.args[0]?.k === 'obj' ? call.args[0].props.find((prop) => prop.key === 'values' || prop.key === 'args')?.value : undefined;
  if (object?.k === 'arr') return object.items;
  if (call.args.length > 1) return call.args.slice(1);
  // db.prepare('INSERT …').run(a, b, c): the call around this one.
  const around = call.fn.calls.find((other) => other.callee.k === 'mem' && other.callee.of.k === 'call' && other.callee.of.call === call && /^(?:run|bind|execute|all|get)$/.test(other.callee.prop));
  if (around !== undefined) return around.args;
  // const stmt = db.prepare('INSERT …'); stmt.run(a, b, c)
  const holder = [...call.fn.locals].find(([, values]) => values.some((value) => value.k === 'call' && value.call === call))?.[0];
  const later = holder === undefined ? undefined : call.fn.calls.find((other) => other.callee.k === 'mem' && writtenPath(other.callee.of) === holder && other.callee.prop === 'run');
  return later?.args ?? [];
}
