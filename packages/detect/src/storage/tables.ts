import type { Entity, Frame } from '../code/entity.ts';
import { lastName, type Call, type Cls, type Value } from '../code/ir.ts';
import type { Project } from '../code/project.ts';
import type { Resolver } from '../code/resolver.ts';
import { textsOf } from '../code/strings.ts';

/** A table with the way by which it was found, and what is inserted where the value itself says it. */
export interface FoundTable {
  readonly name: string;
  readonly via: string;
  readonly data?: Value;
}

const DRIZZLE = /^(?:pgTable|mysqlTable|sqliteTable|singlestoreTable|createTable|table|pgTableCreator)$/;
const REPOSITORY = /^(?:Repository|MongoRepository|EntityRepository|TreeRepository|Model|Collection|ModelStatic|ModelCtor|PaginateModel|SoftDeleteModel|ReturnModelType|BaseRepository|Table|ModelType|MongoCollection)$/;

/** Which model is which real table, in every mapper that is known. */
export class Tables {
  readonly #prisma: Map<string, { readonly name: string; readonly table: string; readonly folder: string }[]> = new Map();
  readonly #named: Map<string, string> = new Map();
  readonly #classes: Map<Cls, FoundTable> = new Map();
  readonly #inserting: ReadonlyMap<string, string>;

  constructor(project: Project, resolver: Resolver, prismaTexts: readonly { readonly path: string; readonly text: string }[], inserting: ReadonlyMap<string, string>) {
    this.#inserting = inserting;
    for (const { path, text } of prismaTexts) this.#readPrisma(path, text);
    for (const module of project.modules.values()) for (const cls of module.classes) this.#readClass(resolver, cls);
    for (const name of ['define', 'model']) for (const call of project.callsNamed(name)) this.#readDefinition(resolver, call);
  }

  /** A model of a Prisma schema, by the member of the client; of several schemas, that which lies nearest to the file. */
  prismaModel(member: string, from = ''): { readonly name: string; readonly table: string } | undefined {
    const models = this.#prisma.get(member);
    if (models === undefined || models.length < 2) return models?.[0];
    return models.toSorted((a, b) => sharedFolders(b.folder, from) - sharedFolders(a.folder, from))[0];
  }

  /** The table of a model that is known by its name alone. */
  named(model: string): string | undefined {
    return this.#named.get(model) ?? this.#named.get(model.charAt(0).toUpperCase() + model.slice(1)) ?? this.#prisma.get(model.charAt(0).toLowerCase() + model.slice(1))?.[0]?.table;
  }

  /** The table into which a function of the database inserts. */
  insertedByFunction(name: string): string | undefined {
    return this.#inserting.get(name.toLowerCase());
  }

  /** The table that a value stands for. */
  ofValue(resolver: Resolver, value: Value, frame: Frame): string | undefined {
    if (value.k === 'str' || value.k === 'tpl') return undefined;
    const table = this.ofEntities(resolver, resolver.resolve(value, frame), '');
    if (table !== undefined) return table.name;
    return value.k === 'name' || value.k === 'mem' ? this.named(lastName(value) ?? '') : undefined;
  }

  /** The table behind what a method is called on. */
  ofEntities(resolver: Resolver, entities: readonly Entity[], method: string): FoundTable | undefined {
    for (const entity of entities) {
      const found = this.#ofEntity(resolver, entity, method);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #ofEntity(resolver: Resolver, entity: Entity, method: string): FoundTable | undefined {
    switch (entity.e) {
      case 'cls':
        return entity.cls.methods.has(method) ? undefined : this.#classes.get(entity.cls);
      case 'inst': {
        if (entity.cls.methods.has(method)) return undefined;
        const table = this.#classes.get(entity.cls) ?? this.#repositoryOf(resolver, entity.cls);
        const data = entity.made?.call.args[0];
        return table === undefined ? undefined : { ...table, ...(data === undefined || method !== 'save' ? {} : { data }) };
      }
      case 'made':
        return this.#ofMade(resolver, entity);
      case 'typed': {
        if (!REPOSITORY.test(entity.type.name) || entity.rest.length > 0) return undefined;
        const model = entity.type.args.find((arg) => arg.name !== '');
        return model === undefined ? undefined : this.#ofTypeName(resolver, model.name, entity);
      }
      default:
        return undefined;
    }
  }

  #ofTypeName(resolver: Resolver, name: string, entity: Entity & { e: 'typed' }): FoundTable | undefined {
    for (const inner of resolver.typed({ name, args: [] }, entity.fn)) if (inner.e === 'inst' && this.#classes.has(inner.cls)) return this.#classes.get(inner.cls);
    const model = name.replace(/(?:Hydrated)?(?:Document|Doc|Entity|Attributes|Model)$/, '').replace(/^I(?=[A-Z])/, '');
    return { name: this.named(name) ?? this.named(model) ?? model, via: entity.type.name === 'Model' ? 'mongoose' : 'typeorm' };
  }

  #ofMade(resolver: Resolver, entity: Entity & { e: 'made' }): FoundTable | undefined {
    const last = entity.last ?? entity.call;
    const maker = entity.last === undefined ? (entity.path.split('.').at(-1) ?? '') : (lastName(entity.last.callee) ?? '');
    const frame = entity.f;
    if (entity.last?.isNew === true) {
      const { last: document, ...model } = entity;
      const table = this.#ofMade(resolver, { ...model, rest: entity.rest.slice(0, -1) });
      return table === undefined ? undefined : { ...table, ...(document.args[0] === undefined ? {} : { data: document.args[0] }) };
    }
    if (DRIZZLE.test(maker) && /drizzle/.test(entity.pkg)) return this.#literal(resolver, last, 0, frame, 'drizzle');
    if (maker === 'model' && /mongoose|typegoose/.test(entity.pkg)) return this.#literal(resolver, last, 2, frame, 'mongoose') ?? this.#literal(resolver, last, 0, frame, 'mongoose');
    if (maker === 'define') return this.#literal(resolver, last, 0, frame, 'sequelize');
    if (/^(?:getRepository|getCustomRepository|getMongoRepository|withRepository)$/.test(maker) && last.args[0] !== undefined) {
      const name = this.ofValue(resolver, last.args[0], { fn: last.fn });
      return name === undefined ? undefined : { name, via: 'typeorm' };
    }
    if (/^(?:collection|getCollection)$/.test(maker)) return this.#literal(resolver, last, 0, { fn: last.fn }, 'mongodb');
    if (/^(?:createTRPC|getModelForClass)$/.test(maker) && last.args[0] !== undefined) {
      const name = this.ofValue(resolver, last.args[0], frame);
      return name === undefined ? undefined : { name, via: 'mongoose' };
    }
    return undefined;
  }

  #literal(resolver: Resolver, call: Call, index: number, frame: Frame, via: string): FoundTable | undefined {
    const argument = call.args[index];
    if (argument === undefined || argument.k === 'obj') return undefined;
    const text = textsOf(resolver, argument, call.fn === frame.fn ? frame : { fn: call.fn }).texts[0]?.text;
    if (text === undefined) return undefined;
    const options = via === 'sequelize' ? call.args[2] : undefined;
    const named = options?.k === 'obj' ? options.props.find((prop) => prop.key === 'tableName')?.value : undefined;
    return { name: named?.k === 'str' ? named.v : text, via };
  }

  #repositoryOf(resolver: Resolver, cls: Cls): FoundTable | undefined {
    if (cls.superClass === undefined) return undefined;
    const call = cls.superClass.k === 'call' ? cls.superClass.call : undefined;
    const model = call?.args[0];
    if (model === undefined) return undefined;
    const name = this.ofValue(resolver, model, { fn: cls.fn });
    return name === undefined ? undefined : { name, via: 'model' };
  }

  #readPrisma(path: string, text: string): void {
    for (const [, name = '', body = ''] of text.replace(/\/\/[^\n]*/g, '').matchAll(/\bmodel\s+(\w+)\s*\{([^}]*)\}/g)) {
      const mapped = /@@map\(\s*(?:name\s*:\s*)?"([^"]+)"/.exec(body)?.[1];
      const member = name.charAt(0).toLowerCase() + name.slice(1);
      this.#prisma.set(member, [...(this.#prisma.get(member) ?? []), { name, table: mapped ?? name, folder: path.replace(/[^/]*$/, '') }]);
    }
  }

  #readClass(resolver: Resolver, cls: Cls): void {
    const found = this.#decoratedTable(resolver, cls) ?? this.#staticTable(resolver, cls) ?? this.#initialised(cls) ?? inherited(cls);
    if (found === undefined) return;
    this.#classes.set(cls, found);
    if (!this.#named.has(cls.name)) this.#named.set(cls.name, found.name);
  }

  #decoratedTable(resolver: Resolver, cls: Cls): FoundTable | undefined {
    for (const decorator of cls.decorators) {
      const name = lastName(decorator.callee) ?? '';
      if (!/^(?:Entity|Table|Schema|modelOptions|Collection|ViewEntity)$/.test(name)) continue;
      const first = decorator.args[0];
      const options = [first, decorator.args[1]].find((arg) => arg?.k === 'obj');
      const key = options?.k === 'obj' ? options.props.find((prop) => prop.key === 'name' || prop.key === 'tableName' || prop.key === 'collection')?.value : undefined;
      const value = first !== undefined && first.k !== 'obj' ? first : key;
      const text = value === undefined ? undefined : textsOf(resolver, value, { fn: cls.fn }).texts[0]?.text;
      return { name: text ?? (name === 'Entity' ? snake(cls.name) : cls.name), via: name === 'Entity' ? 'typeorm' : name === 'Table' ? 'sequelize' : 'mongoose' };
    }
    return undefined;
  }

  #staticTable(resolver: Resolver, cls: Cls): FoundTable | undefined {
    for (const key of ['tableName', 'table']) {
      const value = cls.fields.get(key)?.values[0];
      const text = value === undefined ? undefined : textsOf(resolver, value.value, { fn: value.fn }).texts[0]?.text;
      if (text !== undefined && cls.superClass !== undefined) return { name: text, via: 'model' };
    }
    const getter = cls.methods.get('tableName')?.returns[0];
    return getter?.k === 'str' && cls.superClass !== undefined ? { name: getter.v, via: 'objection' } : undefined;
  }

  /** `class AuditLog extends Model {}; AuditLog.init({…}, { tableName })` */
  #initialised(cls: Cls): FoundTable | undefined {
    const init = cls.fn.calls.find((call) => call.callee.k === 'mem' && call.callee.prop === 'init' && call.callee.of.k === 'name' && call.callee.of.name === cls.name);
    const options = init?.args[1];
    if (options?.k !== 'obj') return undefined;
    const name = options.props.find((prop) => prop.key === 'tableName')?.value ?? options.props.find((prop) => prop.key === 'modelName')?.value;
    return { name: name?.k === 'str' ? name.v : cls.name, via: 'sequelize' };
  }

  #readDefinition(resolver: Resolver, call: Call): void {
    const first = call.args[0];
    if (first?.k !== 'str' || call.callee.k !== 'mem' || call.args.length < 2) return;
    const isModel = call.callee.prop === 'model';
    const found = isModel ? this.#literal(resolver, call, 2, { fn: call.fn }, 'mongoose') : this.#literal(resolver, call, 0, { fn: call.fn }, 'sequelize');
    if (!this.#named.has(first.v)) this.#named.set(first.v, found?.name ?? first.v);
  }
}

function inherited(cls: Cls): FoundTable | undefined {
  const parent = cls.superClass === undefined ? undefined : lastName(cls.superClass);
  return parent !== undefined && /^(?:Model|BaseEntity|BaseModel|ActiveRecord)$/.test(parent) ? { name: cls.name, via: 'model' } : undefined;
}

/** How many folders two paths have in common. */
function sharedFolders(a: string, b: string): number {
  const left = a.split('/');
  const right = b.split('/');
  let count = 0;
  while (count < left.length && left[count] === right[count] && left[count] !== '') count++;
  return count;
}

function snake(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase();
}
