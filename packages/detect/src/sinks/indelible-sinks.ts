import type { Bound, Frame } from '../code/entity.ts';
import { lastName, type Call, type Value } from '../code/ir.ts';
import type { Project } from '../code/project.ts';
import type { Resolver } from '../code/resolver.ts';
import { fieldsOf, type RecordField } from '../events/record.ts';
import { look } from '../storage/look.ts';
import type { Sink, Store } from './sink.ts';

const ADAPTERS = /^@indelible\/session\/(?:express-session|fastify-session|koa-session|hono|authjs|next|better-auth|refresh-tokens|session-store|http)$/;
const STORES = /^(?:fileStore|memoryStore|postgresStore|s3Store|createMemoryLog|httpSink|httpLog)$/;

/** Calls of our own packages: single events, and adapters that record all five by themselves. */
export interface IndelibleUse {
  readonly sinks: readonly Sink[];
  readonly mounts: readonly { readonly call: Call; readonly store: Store; readonly what: string }[];
}

/** Finds how an application uses Indelible. */
export function findIndelible(project: Project, resolver: Resolver): IndelibleUse {
  const sinks: Sink[] = [];
  const mounts: { call: Call; store: Store; what: string }[] = [];
  const candidates = [...project.modules.values()].filter((module) => module.text.includes('@indelible/') || module.text.includes('logSessionEvent') || module.text.includes('.append('));
  const log = findStore(project, resolver);
  for (const module of candidates) {
    for (const fn of module.functions) {
      for (const call of fn.calls) {
        if (call.devOnly) continue;
        for (const entity of resolver.resolve(call.callee, { fn })) {
          if (entity.e !== 'ext' && entity.e !== 'made') continue;
          if (!entity.pkg.startsWith('@indelible/')) continue;
          const store: Store = { kind: 'indelible', entry: `${entity.pkg} ${entity.path}`, ...(log === undefined ? {} : { log }) };
          if (entity.e === 'ext' && entity.pkg === '@indelible/session' && entity.path === 'logSessionEvent') sinks.push(eventSink(resolver, call, store));
          else if (entity.e === 'made' && entity.pkg === '@indelible/session' && entity.path === 'sessionLogger' && entity.rest.length === 0) sinks.push(eventSink(resolver, call, store));
          else if (entity.e === 'made' && entity.pkg === '@indelible/log' && entity.rest.at(-1) === 'append') sinks.push({ store, call, dedicated: true, record: (at) => fieldsOf(resolver, call.args[0] ?? { k: 'none' }, at) });
          else if (entity.e === 'ext' && ADAPTERS.test(entity.pkg) && !/^(?:parse|format|is|SessionError)/.test(entity.path)) mounts.push({ call, store, what: entity.pkg });
          else if (entity.e === 'ext' && entity.pkg === '@indelible/session' && entity.path === 'openTracker') mounts.push({ call, store, what: 'openTracker of @indelible/session' });
        }
      }
    }
  }
  return { sinks, mounts };
}

function eventSink(resolver: Resolver, call: Call, store: Store): Sink {
  return {
    store, call, dedicated: true,
    record: (frame) => {
      const event = call.args[1];
      const details = fieldsOf(resolver, call.args[2] ?? { k: 'none' }, frame);
      const fields: RecordField[] = event === undefined ? [] : [{ key: 'event', value: event, frame, depth: 0 }, { key: 'userId', value: call.args[0]!, frame, depth: 0 }];
      return { fields: [...fields, ...details.fields.filter((field) => field.key === 'reason')], open: [] };
    },
  };
}

/** What the log is opened with; without any, a service, say, the store is not known. */
function findStore(project: Project, resolver: Resolver): { readonly value: Value; readonly frame: Frame } | undefined {
  const found: Call[] = [];
  for (const name of ['openLog', 'fileStore', 'memoryStore', 'postgresStore', 's3Store', 'httpSink', 'httpLog']) {
    for (const call of project.callsNamed(name)) {
      if (call.devOnly) continue;
      const own = resolver.resolve(call.callee, { fn: call.fn }).some((entity) => entity.e === 'ext' && entity.pkg.startsWith('@indelible/'));
      if (own && STORES.test(name)) found.push(call);
    }
  }
  // Demonstrations beside the application do not say where it logs; of several stores the least is believed.
  const own = found.filter((call) => !/(?:^|\/)(?:demos?|scripts?|bench|tools)\//.test(call.fn.module.path));
  const all = own.length > 0 ? own : found;
  const first = all.find((call) => lastName(call.callee) === 'memoryStore') ?? all[0];
  return first === undefined ? undefined : { value: { k: 'call', call: first }, frame: { fn: first.fn } };
}

/** The target of the pino transport, as its options write it. */
export function pinoTransportLog(resolver: Resolver, options: Bound | undefined): Bound | undefined {
  return options === undefined ? undefined : (look(resolver, options.value, options.frame, 'url')[0] ?? look(resolver, options.value, options.frame, 'log')[0] ?? look(resolver, options.value, options.frame, 'directory')[0]);
}
